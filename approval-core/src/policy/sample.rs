//! A call that is not made, to ask a policy about.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::{Call, Said};
use crate::{
    clock::Timestamp,
    model::{
        ActionInfo, ActionName, ArgumentsDigest, CanonicalJson, Gate, LibraryPart, Money, Principal,
        Requirement, Risk, Text, canonical::arguments_digest,
    },
};

/// A call to ask a policy about, in a test or at the command line.
///
/// ```
/// use approval_core::{model::canonical::parse_canonical, policy::SampleCall};
///
/// let arguments = parse_canonical(r#"{"cents": 9900}"#)?;
/// let mut sample = SampleCall::new("payments.refund".parse()?, arguments, "2026-11-20T15:30:00Z".parse()?);
/// sample.cost = Some("99 USD".parse()?);
/// assert_eq!(sample.call().action.name.as_str(), "payments.refund");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SampleCall {
    /// The action.
    pub action: Arc<ActionInfo>,
    /// Its arguments.
    pub arguments: CanonicalJson,
    digest: ArgumentsDigest,
    /// The agent that calls: `agent:sample`.
    pub agent: Principal,
    /// The person behind it: none.
    pub on_behalf_of: Option<Principal>,
    /// The run: none.
    pub run: Option<Text>,
    /// How bad it would be if it were wrong: medium.
    pub risk: Risk,
    /// What it costs: nothing.
    pub cost: Option<Money>,
    /// What was spent before, in US dollars: not known.
    pub spent_usd: Option<Decimal>,
    /// What the action says itself: nothing.
    pub gate: Arc<Gate>,
    /// Which of its settings were set explicitly: none.
    pub said: Said,
    /// The present moment.
    pub now: Timestamp,
}

impl SampleCall {
    /// A call of medium risk that says nothing but these.
    #[must_use]
    pub fn new(action: ActionName, arguments: CanonicalJson, now: Timestamp) -> Self {
        let action = Arc::new(ActionInfo::new(action));
        Self {
            digest: arguments_digest(
                action.name.as_str(),
                action.version,
                action.schema.as_ref(),
                &arguments,
            ),
            action,
            arguments,
            agent: Principal::part(LibraryPart::Sample),
            on_behalf_of: None,
            run: None,
            risk: Risk::Medium,
            cost: None,
            spent_usd: None,
            gate: Arc::new(Gate::new("attribute", Vec::new())),
            said: Said::default(),
            now,
        }
    }

    /// The action names these approvers itself; one of them must agree.
    #[must_use]
    pub fn approvers(mut self, of: impl IntoIterator<Item = Principal>) -> Self {
        Arc::make_mut(&mut self.gate).requirements.push(Requirement::any_of(of));
        self
    }

    /// What the policy is handed.
    #[must_use]
    pub fn call(&self) -> Call<'_> {
        Call {
            action: &self.action,
            arguments: &self.arguments,
            digest: &self.digest,
            agent: &self.agent,
            on_behalf_of: self.on_behalf_of.as_ref(),
            run: self.run.as_ref(),
            risk: self.risk,
            cost: self.cost,
            spent_usd: self.spent_usd,
            gate: &self.gate,
            said: self.said,
            now: self.now,
        }
    }
}
