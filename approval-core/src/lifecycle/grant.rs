//! The right to run an action once: spending it, and taking it back.

use std::sync::Arc;

use thin_vec::ThinVec;

use super::{
    Act, Claim, CountedAs, CountedWrite, LimitReached, Refusal, Requires, Transition, asked::besides,
    case::Case, decide, execution, history::Change, limit, limits, ruling, standing, tighten::tighten,
};
use crate::{
    id::{ExecutorId, GrantId},
    model::{
        ActionInfo, Ballot, EventKind, Execution, Grant, NoticeKind, OverLimit, Request, RevokedFor,
        RunLimits, Text,
    },
};

/// Whether an approval of `action` proves one of the action of this name and version.
///
/// # Errors
/// [`Refusal::WrongGrant`] when it does not.
pub fn is_of_action(action: &ActionInfo, name: &str, version: u32) -> Result<(), Refusal> {
    if action.name.as_str() != name {
        return Err(Refusal::WrongGrant("it is for another action"));
    }
    if action.version != version {
        return Err(Refusal::WrongGrant("it is for another version of the action"));
    }
    Ok(())
}

/// Whether an approval proves that people gave it: themselves, by a standing approval, or by leaving it to a rule
/// what follows from their silence. What the policy let run without asking proves nothing.
///
/// # Errors
/// [`Refusal::WrongGrant`] when it does not.
pub fn is_proof(request: &Request) -> Result<(), Refusal> {
    if is_by_policy(request) {
        return Err(Refusal::WrongGrant("no person approved it: the policy let it run without asking"));
    }
    Ok(())
}

/// Whether the policy let it run without asking.
#[must_use]
pub fn is_by_policy(request: &Request) -> bool {
    request.decision.as_deref().is_some_and(|decision| decision.by_policy)
}

/// A process is about to run the body.
pub(super) fn consume(
    case: &Case<'_>,
    executor: ExecutorId,
    nonce: GrantId,
    claim: &Claim,
) -> Result<Transition, Refusal> {
    let request = case.request;
    let grant = unspent(request)?;
    decide::not_halted(request, case.facts)?;
    claim.check(request, case.facts.people)?;
    if claim.needs_proof {
        is_proof(request)?;
    }
    if nonce != grant.id {
        return Err(Refusal::WrongGrant("it is another grant"));
    }
    if case.now >= grant.expires_at {
        return Err(Refusal::GrantExpired(grant.expires_at));
    }
    let rests_on = standing::not_withdrawn(case)?;
    let closes = ruling::check(case, claim)?;
    let counted = count(case)?;
    let mut change = case.change();
    change.count(counted);
    change.request.places = ThinVec::new();
    change.not_after(Some(closes.map_or(grant.expires_at, |closes| closes.min(grant.expires_at))));
    change.require(Requires::SameHalts);
    change.require(Requires::LeaseHeld(executor));
    if let Some(standing) = rests_on {
        change.require(standing);
    }
    let inform = ruling::to_inform(case);
    if inform.iter().any(|one| !request.gate.inform.contains(one)) {
        let by = besides(&request.gate.rule, inform, &[]);
        change.request.gate = Arc::new(tighten(&request.gate, &by));
    }
    change.request.execution = Some(Box::new(Execution::Executing { executor, at: case.now }));
    let basis = case.facts.basis.cloned();
    change.tell(EventKind::Consumed { grant: grant.id, executor, basis })?;
    Ok(change.finish())
}

/// Counts the run. Over a limit that asks runs what people were asked about, and nothing else.
fn count(case: &Case<'_>) -> Result<Vec<CountedWrite>, Refusal> {
    let request = case.request;
    if is_unasked(request) {
        take_at_run(case).map_err(|(over, reached)| match over {
            OverLimit::Deny => Refusal::LimitReached(reached),
            OverLimit::Ask => ruling::policy_asks(request, reached.limit),
        })
    } else {
        limit::take_approved(case.facts.limits, request.revision.cost, case.now)
            .map_err(Refusal::LimitReached)
    }
}

/// Whether it was approved without asking people about this very call: by the policy, or by a standing approval.
fn is_unasked(request: &Request) -> bool {
    request.decision.as_deref().is_some_and(|decision| decision.by_policy || decision.by_standing.is_some())
}

fn take_at_run(case: &Case<'_>) -> Result<Vec<CountedWrite>, (OverLimit, Box<LimitReached>)> {
    let (facts, cost) = (case.facts, case.request.revision.cost);
    limit::take_at_run(facts.limits, facts.counters, cost, counted_as(case.request), case.now)
}

/// How an approved call that has not run yet was counted against the limits on calls: it has the places since it was opened
/// that no person was asked about. Without any it is counted when it runs.
#[must_use]
pub fn counted_as(request: &Request) -> CountedAs<'_> {
    CountedAs::Places(&request.places)
}

/// The limit that asks people about a call that no person was asked about, if it were to run now.
pub(super) fn asking_limit(case: &Case<'_>) -> Option<Text> {
    if !is_unasked(case.request) {
        return None;
    }
    match take_at_run(case) {
        Err((OverLimit::Ask, reached)) => Some(reached.limit),
        Err((OverLimit::Deny, _)) | Ok(_) => None,
    }
}

fn granted(request: &Request) -> Result<Grant, Refusal> {
    request.grant.as_deref().copied().ok_or(Refusal::NotApproved)
}

/// The grant, if the request is approved and it was not used, did not expire and was not taken back.
pub(super) fn unspent(request: &Request) -> Result<Grant, Refusal> {
    let grant = granted(request)?;
    let Some(execution) = request.execution.as_deref() else { return Err(Refusal::NotApproved) };
    match execution {
        Execution::NotStarted => Ok(grant),
        Execution::GrantExpired { .. } => Err(Refusal::GrantExpired(grant.expires_at)),
        Execution::Revoked { by, why, .. } => Err(Refusal::Revoked { by: by.clone(), why: why.clone() }),
        Execution::Executing { .. }
        | Execution::Succeeded { .. }
        | Execution::Failed { .. }
        | Execution::Unknown { .. } => Err(Refusal::AlreadyRan(execution.state())),
    }
}

/// A person who approved, or an operator, takes the approval back before the grant is spent; or the right of an idempotent
/// action, which failed or is in doubt, to run again.
pub(super) fn revoke(case: &Case<'_>, reason: &Text) -> Result<Transition, Refusal> {
    let spent = execution::may_reopen(case.request, case.now);
    let grant = if spent { granted(case.request)? } else { unspent(case.request)? };
    if case.now >= grant.expires_at {
        return Err(Refusal::GrantExpired(grant.expires_at));
    }
    if !case.command.operator && !has_approved(case) {
        return Err(case.not_permitted("only those who approved and operators may revoke an approval"));
    }
    let reason = limits::said("reason", reason, limits::NOTE_LIMIT)?;
    let mut transition = if spent {
        execution::end_reruns(case, reason)?
    } else {
        take_back(case, reason, RevokedFor::Reason)?
    };
    transition.not_after = Some(grant.expires_at);
    Ok(transition)
}

/// Whether the actor approved it; where the timeout rule did, whether the actor could have objected.
fn has_approved(case: &Case<'_>) -> bool {
    let request = case.request;
    if request.decision.as_ref().is_some_and(|decision| decision.by_timeout) {
        return case.is_approver();
    }
    let people = case.facts.people;
    people.person(&case.command.actor).is_some_and(|person| {
        request.votes.iter().any(|vote| {
            vote.ballot == Ballot::Approve && !vote.void && people.person(&vote.voter) == Some(person)
        })
    })
}

/// Revokes an unspent grant.
pub(super) fn take_back(case: &Case<'_>, why: Text, what_for: RevokedFor) -> Result<Transition, Refusal> {
    let mut change = case.change_by(case.actor());
    let revoked =
        Execution::Revoked { at: case.now, by: case.actor().clone(), why: why.clone(), cause: what_for };
    change.request.execution = Some(Box::new(revoked));
    change.tell(EventKind::Revoked { why })?;
    give_back_places(&mut change, case);
    decide::close(&mut change, case.facts);
    change.notify(NoticeKind::Outcome, [case.request.requester.clone()]);
    Ok(change.finish())
}

/// Gives back the places in the limits of a call that will not run any more, so that it does not keep the same call from being
/// asked about. Those whose counters could not be read stay.
pub(super) fn give_back_places(change: &mut Change<'_>, case: &Case<'_>) {
    let facts = case.facts;
    let counters = || facts.limits.iter().map(|one| &one.counter).chain(facts.counters);
    change.count(limit::give_back(counters(), counted_as(case.request)));
    change.request.places.retain(|share| !counters().any(|counter| counter.name == share.counter));
}

/// What an act may change of what limits have counted: its facts must hold these limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CountedBy {
    /// Nothing.
    Nothing,
    /// The limits on calls count a run, or are asked whether there is room for one.
    Calls,
    /// The limits on attempts, with these of its run, count another attempt.
    Attempts(RunLimits),
    /// The counters in which the request has places get them back, whatever limits there are. The act does not depend on it.
    Place,
}

/// What an act may change of what limits have counted about a request.
#[must_use]
pub(crate) fn counted_by(request: &Request, act: &Act) -> CountedBy {
    match act {
        Act::Consume { .. } | Act::Uncover => CountedBy::Calls,
        Act::Reopen { run } => CountedBy::Attempts(*run),
        Act::Revoke { .. } | Act::Halt { .. } | Act::Supersede { .. } | Act::Tick => {
            let has_place = unspent(request).is_ok() && !request.places.is_empty();
            if has_place { CountedBy::Place } else { CountedBy::Nothing }
        }
        Act::Vote { .. }
        | Act::ApproveStanding { .. }
        | Act::WithdrawStanding { .. }
        | Act::ApproveEdited { .. }
        | Act::Delegate { .. }
        | Act::Escalate { .. }
        | Act::RequestInfo { .. }
        | Act::ProvideInfo { .. }
        | Act::Comment { .. }
        | Act::Cancel { .. }
        | Act::Finish { .. }
        | Act::LoseLease { .. }
        | Act::Settle { .. }
        | Act::Retry { .. } => CountedBy::Nothing,
    }
}
