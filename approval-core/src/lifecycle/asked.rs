//! What people are asked for: what an action says, and what the policy says about the call.

use std::sync::Arc;

use super::tighten::tighten;
use crate::{
    clock::Span,
    model::{DeclaredSeats, Gate, OnTimeout, Principal, RunWindow, Said, Text},
};

/// What the policy says about a call, as far as it matters to what people are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PolicyAnswer<'a> {
    /// It may run without asking.
    Runs {
        /// Name of the rule.
        rule: &'a Text,
        /// These are notified of how it ends.
        inform: &'a [Principal],
        /// While all of these, and those of the action itself, are open.
        run_windows: &'a [RunWindow],
    },
    /// People are asked.
    Asks {
        /// Name of the rule.
        rule: &'a Text,
        /// What must be met besides what the action says itself.
        gate: Option<&'a Arc<Gate>>,
        /// Whether `gate` is all that must be met.
        whole: bool,
    },
    /// It does not run.
    Denies {
        /// Name of the rule.
        rule: &'a Text,
        /// Why.
        reason: &'a Text,
    },
}

/// What must be met: what the action says with `own`, of which `said` was set explicitly, tightened by what the policy asks for
/// besides.
#[must_use]
pub(crate) fn asked_for(own: &Arc<Gate>, said: Said, answer: PolicyAnswer<'_>) -> Arc<Gate> {
    let gate = by_rule(own, said, answer);
    // Only an edit asks a rule again.
    if gate.editable.is_empty() || gate.requirements == own.requirements {
        return gate;
    }
    let seats = DeclaredSeats { requirements: own.requirements.clone(), escalation: own.escalation.clone() };
    Arc::new(Gate { declared: Some(Arc::new(seats)), ..Arc::unwrap_or_clone(gate) })
}

/// The same without a note of what the action says itself.
#[must_use]
pub(crate) fn by_rule(own: &Arc<Gate>, said: Said, answer: PolicyAnswer<'_>) -> Arc<Gate> {
    match answer {
        PolicyAnswer::Asks { rule, gate: Some(gate), whole: true } => {
            Arc::new(Gate { rule: Arc::clone(rule), ..Gate::clone(gate) })
        }
        PolicyAnswer::Asks { rule, gate: Some(gate), whole: false } => {
            let own = giving_way(said, own, gate);
            Arc::new(Gate { rule: Arc::clone(rule), ..tighten(&own, gate) })
        }
        PolicyAnswer::Asks { rule, gate: None, .. } if *rule == own.rule => Arc::clone(own),
        PolicyAnswer::Asks { rule, gate: None, .. } => {
            Arc::new(Gate { rule: Arc::clone(rule), ..Gate::clone(own) })
        }
        PolicyAnswer::Runs { inform: [], run_windows: [], .. } | PolicyAnswer::Denies { .. } => {
            Arc::clone(own)
        }
        PolicyAnswer::Runs { inform, run_windows, .. } => {
            Arc::new(tighten(own, &besides(&own.rule, inform, run_windows)))
        }
    }
}

/// A gate that says nothing but who is informed, and run windows.
#[must_use]
pub(crate) fn besides(rule: &Text, inform: &[Principal], run_windows: &[RunWindow]) -> Gate {
    Gate {
        inform: inform.to_vec(),
        run_windows: run_windows.to_vec(),
        ..Gate::only(Arc::clone(rule), Vec::new())
    }
}

/// The gate of an action before it is tightened by `by`: its defaults, all that `said` does not name, give way to what `by`
/// sets. A field of `by` with its value in [`Gate::only`] sets nothing.
fn giving_way(said: Said, own: &Gate, by: &Gate) -> Gate {
    let mut gate = Gate::clone(own);
    if !said.timeout && by.timeout.is_some() {
        gate.timeout = by.timeout;
    }
    if !said.on_timeout && by.on_timeout != OnTimeout::Approve {
        gate.on_timeout = by.on_timeout;
    }
    if !said.grant_ttl && by.grant_ttl < Span::MAX {
        gate.grant_ttl = by.grant_ttl;
    }
    if !said.veto && by.veto < u32::MAX {
        gate.veto = by.veto;
    }
    if !said.delegation {
        gate.delegation.clone_from(&by.delegation);
    }
    gate
}
