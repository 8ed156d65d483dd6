//! What the policy says once more when a grant is consumed. It can only forbid.

use std::sync::Arc;

use super::{Claim, Refusal, case::Case, tighten, window};
use crate::{
    clock::Timestamp,
    model::{Gate, OnTimeout, Request, Text},
};

/// The answer of the policy about a call that is about to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunRuling {
    /// It may run without asking.
    Allows,
    /// People are asked, and this gate must be met.
    Asks(Arc<Gate>),
    /// It does not run.
    Denies {
        /// The rule.
        rule: Text,
        /// Its reason.
        reason: Text,
    },
}

/// Refuses what the policy forbids now, and what lies outside of its run windows. Answers when the window that is open now
/// closes.
///
/// - What is denied does not run, whoever approved it. The grant stays as it is.
/// - What no person approved (a rule, a standing approval or silence did) does not run if the policy now asks for more than
///   what it was approved under.
/// - What people approved runs, however many others the policy would ask today: they are not asked again.
/// - Windows count whichever names them: the gate of the request, the policy, or the declaration of the code that would run it.
pub(super) fn check(case: &Case<'_>, claim: &Claim) -> Result<Option<Timestamp>, Refusal> {
    let request = case.request;
    let asks = match case.facts.ruling {
        Some(RunRuling::Allows) => None,
        Some(RunRuling::Asks(gate)) => Some(gate),
        Some(RunRuling::Denies { rule, reason }) => {
            return Err(Refusal::PolicyDenies { rule: rule.clone(), reason: reason.clone() });
        }
        // Fails closed: a grant is not consumed by code that forgot to ask.
        None => return Err(Refusal::WrongGrant("the policy was not asked about it")),
    };
    if let Some(gate) = asks
        && !still_covered(request, gate)
    {
        return Err(Refusal::PolicyAsks { rule: gate.rule.clone() });
    }
    let declared = claim.declared.iter().flat_map(|declared| &declared.declaration.gate.run_windows);
    let ruled = asks.into_iter().flat_map(|gate| &gate.run_windows);
    window::open_until(request.gate.run_windows.iter().chain(ruled).chain(declared), case.now)
}

/// Whether an approval still counts though the policy now asks with `gate`.
fn still_covered(request: &Request, gate: &Gate) -> bool {
    let Some(decision) = request.decision.as_deref() else { return true };
    if decision.by_policy {
        return false;
    }
    if decision.by_standing.is_some() {
        return !gate.no_standing && !asks_for_more(&request.gate, gate);
    }
    if decision.by_timeout {
        return gate.on_timeout == OnTimeout::Approve && !asks_for_more(&request.gate, gate);
    }
    true
}

/// Whether `now` demands anything of people that `then` did not.
fn asks_for_more(then: &Gate, now: &Gate) -> bool {
    let both = tighten(then, now);
    both.requirements != then.requirements
        || both.excluded != then.excluded
        || both.veto != then.veto
        || both.allow_self_approval != then.allow_self_approval
}
