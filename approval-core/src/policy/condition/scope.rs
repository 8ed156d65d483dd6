//! What a condition can name, for one call.

use std::{cell::Cell, sync::OnceLock};

use super::{
    eval::{CALL_STEPS, CONDITION_STEPS, Evaluation, Failure, Outcome, view},
    node::{Node, Variable},
    number::{Form, Number},
    value::{Value, Words},
};
use crate::{
    model::{Money, canonical::Tree},
    policy::Call,
};

/// The values of one call. Arguments are read when they are first asked for.
#[derive(Debug)]
pub(in crate::policy) struct Scope<'a> {
    call: &'a Call<'a>,
    arguments: OnceLock<Result<Tree<'a>, String>>,
    /// Steps that the conditions of this call may still make.
    left: Cell<u64>,
}

impl<'a> Scope<'a> {
    pub(in crate::policy) const fn new(call: &'a Call<'a>) -> Self {
        Self { call, arguments: OnceLock::new(), left: Cell::new(CALL_STEPS) }
    }

    /// Evaluates an expression.
    pub(super) fn evaluate<'v>(&'v self, node: &'v Node) -> Result<Value<'v>, String> {
        let left = self.left.get();
        let granted = left.min(CONDITION_STEPS);
        let mut evaluation = Evaluation::new(self, granted);
        let value = evaluation.value(node);
        let used = granted.saturating_sub(evaluation.left());
        self.left.set(left.saturating_sub(used));
        value.map_err(|failure| match failure {
            Failure::Here(why) | Failure::Whole(why) => why,
        })
    }

    /// Whether a value of the arguments is redacted.
    pub(super) fn has_secrets(&self) -> bool {
        self.call.arguments.is_redacted()
    }

    /// The first of these ways into the arguments that leads to a redacted value.
    pub(super) fn secret_among<'p>(&self, reads: &'p [String]) -> Option<&'p str> {
        if reads.is_empty() || !self.has_secrets() {
            return None;
        }
        let within = |path: &str, secret: &str| {
            path.strip_prefix(secret).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let redacted = &self.call.action.redacted;
        reads.iter().map(String::as_str).find(|path| redacted.iter().any(|secret| within(path, secret)))
    }

    pub(super) fn variable<'v>(&'v self, variable: Variable) -> Outcome<Value<'v>> {
        let call = self.call;
        let text = |text: &'v str| Value::Text(Words::Lent(text));
        Ok(match variable {
            Variable::Action => text(call.action.name.as_str()),
            Variable::Agent => text(call.agent.as_str()),
            Variable::OnBehalfOf => call.on_behalf_of.map_or(Value::Null, |person| text(person.as_str())),
            Variable::Run => call.run.map_or(Value::Null, |run| text(run)),
            Variable::Risk => Value::Risk(call.risk),
            Variable::CostUsd => match call.cost {
                None => Value::Null,
                // A credit counts by its amount, so that no threshold is passed from below.
                Some(cost) if is_usd(&cost) => amount(cost.magnitude().amount())?,
                Some(cost) => return missing(format!("the cost is in {}, not in USD", cost.currency())),
            },
            Variable::SpentUsd => match call.spent_usd {
                Some(spent) => amount(spent)?,
                None => return missing("what was spent so far is not known here".to_owned()),
            },
            Variable::Now => Value::Moment(call.now),
            Variable::Args => {
                let read = || {
                    call.arguments.tree().map_err(|error| format!("the arguments cannot be read: {error}"))
                };
                match self.arguments.get_or_init(read) {
                    Ok(tree) => view(tree)?,
                    Err(why) => return missing(why.clone()),
                }
            }
        })
    }
}

fn missing<T>(why: String) -> Outcome<T> {
    Err(Failure::Here(why))
}

fn amount<'v>(amount: rust_decimal::Decimal) -> Outcome<Value<'v>> {
    match Number::decimal(amount) {
        Some(number) => Ok(Value::Amount(number.with(Form::Double))),
        None => missing("an amount has too many digits to compute with".to_owned()),
    }
}

/// Whether an amount is in US dollars.
pub(in crate::policy) fn is_usd(cost: &Money) -> bool {
    cost.currency() == crate::model::Currency::USD
}
