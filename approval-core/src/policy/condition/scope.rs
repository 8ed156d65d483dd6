//! What a condition can name, for one call.

use std::sync::{Arc, LazyLock, OnceLock};

use cel::{
    Context, Env,
    common::{
        types::{CelNull, CelString},
        value::{CowVal, Val},
    },
    context::VariableResolver,
};

use super::{arguments, moment, moment::Moment, money::Amount, risk::RiskLevel};
use crate::{model::Money, policy::Call};

/// Names of everything that a condition can name.
pub(super) const NAMES: [&str; 8] =
    ["action", "args", "agent", "run", "risk", "cost_usd", "now", "spent_usd"];

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(moment::environment);
static NULL: CelNull = CelNull;

/// The values of one call. Arguments are read when they are first asked for.
#[derive(Debug)]
pub(in crate::policy) struct Scope<'a> {
    call: &'a Call<'a>,
    arguments: OnceLock<Option<Box<dyn Val>>>,
    why: OnceLock<String>,
}

impl<'a> Scope<'a> {
    pub(in crate::policy) const fn new(call: &'a Call<'a>) -> Self {
        Self { call, arguments: OnceLock::new(), why: OnceLock::new() }
    }

    /// What conditions are evaluated in.
    pub(in crate::policy) fn context(&self) -> Context<'_, '_> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(self);
        context
    }

    /// Why a value could not be had, if one could not.
    pub(super) fn why(&self) -> Option<String> {
        self.why.get().cloned()
    }

    /// The first of these ways into the arguments that leads to a redacted value.
    pub(super) fn secret_among<'p>(&self, reads: &'p [String]) -> Option<&'p str> {
        if reads.is_empty() || !self.call.arguments.is_redacted() {
            return None;
        }
        let within = |path: &str, secret: &str| {
            path.strip_prefix(secret).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let redacted = &self.call.action.redacted;
        reads.iter().map(String::as_str).find(|path| redacted.iter().any(|secret| within(path, secret)))
    }

    fn missing<'b>(&self, why: String) -> Option<CowVal<'b, 'b>> {
        self.why.get_or_init(|| why);
        None
    }

    fn cost(&self) -> Option<CowVal<'_, '_>> {
        match self.call.cost {
            None => Some(CowVal::Borrowed(&NULL)),
            Some(cost) if is_usd(&cost) => Some(CowVal::owned(Amount(cost.amount()))),
            Some(cost) => self.missing(format!("the cost is in {}, not in USD", cost.currency())),
        }
    }
}

/// Whether an amount is in US dollars.
pub(in crate::policy) fn is_usd(cost: &Money) -> bool {
    cost.currency().to_string() == "USD"
}

impl VariableResolver for Scope<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let text = |text: &'b str| Some(CowVal::owned(CelString::from(text)));
        match name {
            "action" => text(self.call.action.name.as_str()),
            "agent" => text(self.call.agent.as_str()),
            "run" => self.call.run.map_or(Some(CowVal::Borrowed(&NULL)), |run| text(run)),
            "risk" => Some(CowVal::owned(RiskLevel(self.call.risk))),
            "cost_usd" => self.cost(),
            "spent_usd" => match self.call.spent_usd {
                Some(spent) => Some(CowVal::owned(Amount(spent))),
                None => self.missing("what was spent so far is not known here".to_owned()),
            },
            "now" => Some(CowVal::owned(Moment(self.call.now))),
            "args" => {
                let read = self.arguments.get_or_init(|| match arguments::value(self.call.arguments) {
                    Ok(value) => Some(value),
                    Err(why) => {
                        self.why.get_or_init(|| why);
                        None
                    }
                });
                read.as_deref().map(CowVal::Borrowed)
            }
            _ => None,
        }
    }
}
