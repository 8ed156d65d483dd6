//! How running it went: reports, lost processes, settling what is in doubt, and running again.

use super::{
    Ending, Refusal, Requires, Settlement, Transition, case::Case, claim::intact, decide, limit, limits,
};
use crate::{
    clock::Timestamp,
    id::{ExecutorId, GrantId},
    model::{EventKind, Execution, ExecutionState, Grant, NoticeKind, PrincipalKind, Request, Text},
};

/// The process that executes it reports how the body ended; late, too, as long as it is not settled and does not run again.
pub(super) fn finish(
    case: &Case<'_>,
    executor: ExecutorId,
    nonce: GrantId,
    ending: &Ending,
) -> Result<Transition, Refusal> {
    let (Some(execution), Some(grant)) = (case.request.execution.as_deref(), case.request.grant.as_deref())
    else {
        return Err(Refusal::NotExecuting);
    };
    // An earlier run of the same process, of an action that was reopened since.
    if grant.id != nonce {
        return Err(Refusal::NotExecuting);
    }
    let next = match ending.clone() {
        Ending::Succeeded { result } => Execution::Succeeded { at: case.now, result },
        Ending::Failed { why, started } => {
            Execution::Failed { at: case.now, why: limits::cut(why, limits::FAILURE_LIMIT), started }
        }
        Ending::Unknown { why } => {
            Execution::Unknown { at: case.now, why: limits::cut(why, limits::FAILURE_LIMIT), executor }
        }
    };
    match (execution, &next) {
        (Execution::Unknown { executor: who, .. }, Execution::Unknown { .. }) if *who == executor => {
            return Err(Refusal::NothingToDo);
        }
        (Execution::Executing { executor: who, .. } | Execution::Unknown { executor: who, .. }, _)
            if *who == executor => {}
        (Execution::Succeeded { result: said, .. }, Execution::Succeeded { result, .. })
            if said == result =>
        {
            return Err(Refusal::NothingToDo);
        }
        (Execution::Failed { why: said, started: begun, .. }, Execution::Failed { why, started, .. })
            if said == why && begun == started =>
        {
            return Err(Refusal::NothingToDo);
        }
        _ => return Err(Refusal::NotExecuting),
    }
    ended(case, next)
}

/// The process is gone, and it is not known how far it came.
pub(super) fn lose_lease(case: &Case<'_>, lost: ExecutorId) -> Result<Transition, Refusal> {
    match case.request.execution.as_deref() {
        Some(Execution::Executing { executor, .. }) if *executor == lost => {
            let why = "the process that ran it was lost".into();
            let mut transition = ended(case, Execution::Unknown { at: case.now, why, executor: lost })?;
            transition.requires.push(Requires::LeaseLost(lost));
            Ok(transition)
        }
        _ => Err(Refusal::NothingToDo),
    }
}

fn ended(case: &Case<'_>, execution: Execution) -> Result<Transition, Refusal> {
    let why = match &execution {
        Execution::Failed { why, .. } | Execution::Unknown { why, .. } => Some(why.clone()),
        Execution::NotStarted
        | Execution::Executing { .. }
        | Execution::Succeeded { .. }
        | Execution::GrantExpired { .. }
        | Execution::Revoked { .. } => None,
    };
    let state = execution.state().as_str().into();
    let mut change = case.change();
    change.request.execution = Some(Box::new(execution));
    change.tell(EventKind::Executed { state, why })?;
    decide::close(&mut change, case.facts);
    decide::inform(&mut change, case.facts);
    Ok(change.finish())
}

/// A person says how an execution in doubt had ended.
pub(super) fn settle(
    case: &Case<'_>,
    settlement: Settlement,
    note: Option<&Text>,
) -> Result<Transition, Refusal> {
    match case.request.execution.as_deref().map(Execution::state) {
        None => return Err(Refusal::NotApproved),
        Some(ExecutionState::Unknown) => {}
        Some(_) => return Err(Refusal::NothingToDo),
    }
    if !case.command.operator && !case.is_approver() {
        return Err(case.not_permitted("only approvers and operators may settle what is in doubt"));
    }
    let note = limits::perhaps("note", note, limits::NOTE_LIMIT)?;
    let actor = case.actor();
    let at = case.now;
    let execution = match settlement {
        Settlement::Succeeded => Execution::Succeeded { at, result: None },
        Settlement::Failed => Execution::Failed {
            at,
            why: note.clone().unwrap_or_else(|| format!("settled as failed by {actor}").into()),
            started: true,
        },
    };
    let mut change = case.change_by(actor);
    change.tell(EventKind::Settled { state: execution.state().as_str().into(), note })?;
    change.request.execution = Some(Box::new(execution));
    decide::close(&mut change, case.facts);
    change.notify(NoticeKind::Outcome, [case.request.requester.clone()]);
    Ok(change.finish())
}

/// Whether an action that ran may run again under its approval, as far as the request itself says: it is declared
/// idempotent, it failed or is in doubt, nothing tries it again yet, and its grant has neither run out nor been taken back.
#[must_use]
pub fn may_reopen(request: &Request, now: Timestamp) -> bool {
    request.action.idempotent && reopened(request, now).is_ok()
}

/// The same, or whether it may come to that: it runs now, and may fail.
#[must_use]
pub fn may_ever_rerun(request: &Request, now: Timestamp) -> bool {
    let running = matches!(request.execution.as_deref(), Some(Execution::Executing { .. }));
    let lives = |grant: &Grant| !grant.not_again && now < grant.expires_at;
    let may_fail = request.action.idempotent && request.grant.as_deref().is_some_and(lives);
    running && may_fail || may_reopen(request, now)
}

/// When the right of an idempotent action to run again ends, whether it has run by now or not. `None`: it has no such right.
#[must_use]
pub fn rerun_until(request: &Request) -> Option<Timestamp> {
    let may = match request.execution.as_deref()? {
        Execution::NotStarted
        | Execution::Executing { .. }
        | Execution::Failed { .. }
        | Execution::Unknown { .. } => request.action.idempotent,
        Execution::Succeeded { .. } | Execution::GrantExpired { .. } | Execution::Revoked { .. } => false,
    };
    let grant = request.grant.as_deref().filter(|grant| may && !grant.not_again)?;
    Some(grant.expires_at)
}

/// What became of the run, and when the right to run again ends: when the grant would have.
fn reopened(request: &Request, now: Timestamp) -> Result<(ExecutionState, Timestamp), Refusal> {
    let (Some(grant), Some(execution)) = (request.grant.as_deref(), request.execution.as_deref()) else {
        return Err(Refusal::NotApproved);
    };
    let ran = execution.state();
    match ran {
        ExecutionState::Failed | ExecutionState::Unknown => match request.successor {
            Some(successor) => Err(Refusal::AlreadyRetried(successor)),
            None if grant.not_again || now >= grant.expires_at => Err(Refusal::AlreadyRan(ran)),
            None => Ok((ran, grant.expires_at)),
        },
        ExecutionState::Executing | ExecutionState::Succeeded => Err(Refusal::AlreadyRan(ran)),
        ExecutionState::NotStarted | ExecutionState::GrantExpired | ExecutionState::Revoked => {
            Err(Refusal::NothingToDo)
        }
    }
}

/// An idempotent action that failed or is in doubt is given a new grant, which ends when the old one would have ended.
pub(super) fn reopen(case: &Case<'_>) -> Result<Transition, Refusal> {
    let (ran, until) = reopened(case.request, case.now)?;
    if !case.request.action.idempotent {
        return Err(case.not_permitted("only an action that is declared idempotent may run again"));
    }
    if !is_involved(case) {
        return Err(case.not_permitted(WHO_TRIES_AGAIN));
    }
    decide::not_halted(case.request, case.facts)?;
    let attempts = limit::take_attempts(case.facts.limits, case.request.revision.cost, case.now)
        .map_err(Refusal::LimitReached)?;
    // The new grant must be for what the old one was for.
    intact(case.request)?;
    let mut change = case.change_by(case.actor());
    let fresh = decide::grant(case.request, case.facts, case.now)?;
    let grant = Grant { expires_at: until, ran_before: Some(ran), ..fresh };
    change.not_after(Some(until));
    change.request.grant = Some(Box::new(grant));
    change.request.execution = Some(Box::new(Execution::NotStarted));
    change.require(Requires::SameHalts);
    change.count(attempts);
    change.tell(EventKind::Reopened)?;
    Ok(change.finish())
}

/// Takes back the right to run again. What became of the run stays as it is.
pub(super) fn end_reruns(case: &Case<'_>, why: Text) -> Result<Transition, Refusal> {
    let mut change = case.change_by(case.actor());
    let Some(grant) = &mut change.request.grant else { return Err(Refusal::NotApproved) };
    grant.not_again = true;
    change.tell(EventKind::Revoked { why })?;
    Ok(change.finish())
}

pub(super) const WHO_TRIES_AGAIN: &str =
    "only the requester, the person behind it, those who may decide, and operators may do that";

/// Whether the actor may let it be tried again.
pub(super) fn is_involved(case: &Case<'_>) -> bool {
    case.command.operator
        || case.command.actor.kind() == PrincipalKind::Service
        || case.is_requester()
        || case.is_principal()
        || case.is_approver()
}
