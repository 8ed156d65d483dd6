//! One rule.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::{
    super::condition::{Condition, Scope, is_usd},
    part::Part,
    pattern::Pattern,
};
use crate::{
    model::{Principal, Risk, RunWindow, Text},
    policy::Call,
};

/// A rule of the file, or one that a short form stands for.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: Text,
    /// None: every action.
    pub(super) actions: Vec<Pattern>,
    pub(super) test: Test,
    pub(super) outcome: Outcome,
    /// When a call may run that the rule lets run. Those of a rule that asks are in its part.
    pub(super) run_windows: Vec<RunWindow>,
    /// Whether it may go below what the action itself says.
    pub(super) may_relax: bool,
    /// Whether it only records what it would have done.
    pub(super) shadow: bool,
}

/// When a rule holds for an action that it is about.
#[derive(Debug)]
pub(super) enum Test {
    Always,
    When(Condition),
    CostAbove(Decimal),
    RiskIs(Risk),
}

/// What a rule says.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Allow,
    Notify(Vec<Principal>),
    /// Settings of the rule, those of the defaults where it has none.
    Ask(Arc<Part>),
    Deny(Text),
}

impl Rule {
    /// Whether it is about this action.
    pub(super) fn is_about(&self, action: &str) -> bool {
        self.actions.is_empty() || self.actions.iter().any(|pattern| pattern.matches(action))
    }

    /// The names of its actions, if it names each in full.
    pub(super) fn names(&self) -> Option<Vec<Text>> {
        let name = |pattern: &Pattern| match pattern {
            Pattern::Exact(name) => Some(name.text()),
            Pattern::Glob(_) => None,
        };
        if self.actions.is_empty() { None } else { self.actions.iter().map(name).collect() }
    }
}

impl Outcome {
    /// One word for it.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Notify(_) => "notify",
            Self::Ask(_) => "ask",
            Self::Deny(_) => "deny",
        }
    }
}

impl Test {
    /// Whether it holds; why that cannot be said.
    pub(super) fn holds(&self, call: &Call<'_>, scope: &Scope<'_>) -> Result<bool, String> {
        match self {
            Self::Always => Ok(true),
            Self::When(condition) => condition.holds(scope),
            Self::RiskIs(risk) => Ok(call.risk == *risk),
            Self::CostAbove(limit) => match &call.cost {
                None => Ok(false),
                Some(cost) if is_usd(cost) => Ok(cost.magnitude().amount() > *limit),
                Some(cost) => Err(format!("the cost is in {}, not in USD", cost.currency())),
            },
        }
    }

    /// How much memory its patterns may take, in bytes.
    pub(super) const fn pattern_bytes(&self) -> usize {
        match self {
            Self::When(condition) => condition.pattern_bytes(),
            Self::Always | Self::CostAbove(_) | Self::RiskIs(_) => 0,
        }
    }

    /// How it is reported.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Always => "always".to_owned(),
            Self::When(condition) => format!("when {}", condition.source().trim()),
            Self::CostAbove(limit) => format!("when the cost is above {limit} USD"),
            Self::RiskIs(risk) => format!("when the risk is {risk}"),
        }
    }
}
