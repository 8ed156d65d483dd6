//! What the policy says once more when a grant is consumed, where it can only forbid, and when arguments are edited.

use std::sync::Arc;

use super::{Claim, Refusal, Transition, case::Case, grant, limits, tighten, window};
use crate::{
    clock::{Span, Timestamp, after},
    error::Internal,
    model::{
        ArgumentsDigest, Gate, OnTimeout, Principal, PrincipalKind, Request, RevokedFor, RunWindow, Text,
    },
};

/// The answer of the policy about a call that is about to run, or whose arguments are edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunRuling {
    /// It may run without asking.
    Allows {
        /// These are notified of how it ends.
        inform: Vec<Principal>,
        /// While all of these are open.
        run_windows: Vec<RunWindow>,
    },
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

/// The answer of the policy about a call with edited arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditRuling {
    /// Digest of the edited arguments that it was asked about.
    pub digest: ArgumentsDigest,
    /// The answer. What it asks for is required besides what was required before, each matched on its own.
    pub ruling: RunRuling,
}

impl EditRuling {
    /// What must be met besides; `None`: nothing.
    #[must_use]
    pub fn gate(&self) -> Option<&Gate> {
        match &self.ruling {
            RunRuling::Asks(gate) => Some(gate),
            RunRuling::Allows { .. } | RunRuling::Denies { .. } => None,
        }
    }
}

/// What an edit to arguments of this digest must meet besides.
///
/// # Errors
/// When the policy denies the edited call, or was not asked about these very arguments.
pub(super) fn of_edit<'a>(case: &Case<'a>, edited: ArgumentsDigest) -> Result<Option<&'a Gate>, Refusal> {
    match case.facts.edited {
        Some(EditRuling { ruling: RunRuling::Denies { rule, reason }, digest }) if *digest == edited => {
            Err(Refusal::PolicyDenies { rule: rule.clone(), reason: reason.clone() })
        }
        Some(ruling) if ruling.digest == edited => Ok(ruling.gate()),
        // Fails closed: an edit is not taken by code that asked about another one, or forgot to ask.
        Some(_) | None => Err(Internal::new("the policy was not asked about the edited arguments").into()),
    }
}

/// Refuses what the policy forbids now, and what lies outside of its run windows. Answers when the window that is open now
/// closes.
///
/// - What is denied does not run, even if people approved it. The grant stays as it is.
/// - What no person approved (a rule, a standing approval or silence did) does not run if the policy now asks for more than
///   what it was approved under.
/// - What people approved runs, however many others the policy would ask today: they are not asked again.
/// - Windows count whichever names them: the gate of the request, the policy, or the declaration of the code that would run it.
pub(super) fn check(case: &Case<'_>, claim: &Claim) -> Result<Option<Timestamp>, Refusal> {
    let request = case.request;
    let (asks, ruled) = match case.facts.ruling {
        Some(RunRuling::Allows { run_windows, .. }) => (None, run_windows),
        Some(RunRuling::Asks(gate)) => (Some(gate), &gate.run_windows),
        Some(RunRuling::Denies { rule, reason }) => {
            return Err(Refusal::PolicyDenies { rule: rule.clone(), reason: reason.clone() });
        }
        // Fails closed: a grant is not consumed by code that forgot to ask.
        None => return Err(Refusal::WrongGrant("the policy was not asked about it")),
    };
    if let Some(gate) = asks
        && !still_covered(request, gate)
    {
        return Err(policy_asks(request, gate.rule.clone()));
    }
    let declared = claim.declared.iter().flat_map(|declared| &declared.declaration.gate.run_windows);
    window::open_until(request.gate.run_windows.iter().chain(ruled).chain(declared), case.now)
}

/// Whom the policy of now notifies besides those whom the gate informs.
pub(super) fn to_inform<'a>(case: &Case<'a>) -> &'a [Principal] {
    match case.facts.ruling {
        Some(RunRuling::Allows { inform, .. }) => inform,
        Some(RunRuling::Asks(gate)) => &gate.inform,
        Some(RunRuling::Denies { .. }) | None => &[],
    }
}

/// That a rule, or a limit, asks people about what no person approved.
pub(super) fn policy_asks(request: &Request, rule: Text) -> Refusal {
    let again = request.grant.as_deref().is_some_and(|grant| grant.ran_before.is_some());
    Refusal::PolicyAsks { rule, again }
}

/// Revokes an approval that no person gave and that the policy no longer covers, or that a limit asks about, so that the same
/// call asks people.
///
/// # Errors
/// [`Refusal::NothingToDo`] when the policy covers it, or denies the call: a rule that denies now may allow it later.
pub(super) fn uncover(case: &Case<'_>) -> Result<Transition, Refusal> {
    if !case.command.operator && case.command.actor.kind() != PrincipalKind::Service {
        return Err(case.not_permitted("only operators and the guard may find an approval not covered"));
    }
    let grant = grant::unspent(case.request)?;
    if case.now >= grant.expires_at {
        return Err(Refusal::GrantExpired(grant.expires_at));
    }
    let why = match case.facts.ruling {
        Some(RunRuling::Asks(gate)) if !still_covered(case.request, gate) => {
            format!("no person approved it, and the policy's rule '{}' now asks for more", gate.rule)
        }
        Some(RunRuling::Denies { .. }) | None => return Err(Refusal::NothingToDo),
        Some(RunRuling::Asks(_) | RunRuling::Allows { .. }) => {
            let limit = grant::asking_limit(case).ok_or(Refusal::NothingToDo)?;
            format!("no person approved it, and the limit '{limit}' has no room for it any more")
        }
    };
    let why = limits::cut(why.into(), limits::NOTE_LIMIT);
    let mut transition = grant::take_back(case, why, RevokedFor::Reason)?;
    transition.not_after = Some(grant.expires_at);
    Ok(transition)
}

/// How old an answer of the policy may be that lets a call run without a request.
const FRESH: Span = Span::from_secs(1);

/// Whether what the policy answered at `asked`, and what was counted then, still holds without a look at `now`.
#[must_use]
pub fn is_fresh(asked: Timestamp, now: Timestamp) -> bool {
    // By a clock that was set back since, nothing is known of how long ago that was.
    asked <= now && now < after(asked, FRESH)
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
