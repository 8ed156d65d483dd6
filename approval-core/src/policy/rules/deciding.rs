//! Which rule decides about a call, for a tool that puts another one before it.

use super::{
    Rules,
    rule::{Outcome, Test},
};
use crate::{
    model::Requirement,
    policy::{Call, Ruling},
};

/// The rule that decides about a call.
#[derive(Clone, Debug)]
pub(crate) struct Deciding<'r> {
    /// Its place among the rules; those that are written out come first.
    pub(crate) place: usize,
    /// Its name.
    pub(crate) name: &'r str,
    /// `allow`, `notify`, `ask` or `deny`.
    pub(crate) outcome: &'static str,
    /// Its condition, if it is written out with one.
    pub(crate) when: Option<&'r str>,
    /// Whether it holds for what costs more than some amount.
    pub(crate) cost_threshold: bool,
    /// Why its condition could not be evaluated.
    pub(crate) failure: Option<String>,
    /// Whom it asks, if the action itself names no person.
    pub(crate) requirements: Vec<Requirement>,
}

impl Rules {
    /// The rule that decides about a call.
    pub(crate) fn deciding(&self, call: &Call<'_>) -> Option<Deciding<'_>> {
        let found = self.0.walk(call, |_, _| ());
        let rule = found.rule?;
        let place = self.0.rules.iter().position(|one| std::ptr::eq(one, rule))?;
        let requirements = match self.0.ruling(call, &found) {
            Ruling::Ask { gate: Some(gate), .. } => gate.requirements.clone(),
            Ruling::Ask { .. } | Ruling::Allow { .. } | Ruling::Notify { .. } | Ruling::Deny { .. } => {
                Vec::new()
            }
        };
        let when = match &rule.test {
            Test::When(condition) => Some(&**condition.source()),
            Test::Always | Test::CostAbove(_) | Test::RiskIs(_) => None,
        };
        Some(Deciding {
            place,
            name: &rule.name,
            outcome: match &rule.outcome {
                outcome @ (Outcome::Allow | Outcome::Notify(_) | Outcome::Ask(_) | Outcome::Deny(_)) => {
                    outcome.word()
                }
            },
            when,
            cost_threshold: matches!(rule.test, Test::CostAbove(_)),
            failure: found.failure,
            requirements,
        })
    }
}
