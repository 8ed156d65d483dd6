//! Taking a request back, and the brake.

use super::{Refusal, Requires, Transition, case::Case, decide, execution, grant, limits, quorum::Ground};
use crate::model::{Execution, Outcome, PrincipalKind, RevokedFor, Text};

/// The requester, the person behind it, or an operator takes the request back.
pub(super) fn cancel(case: &Case<'_>, reason: Option<&Text>) -> Result<Transition, Refusal> {
    case.open()?;
    if !case.command.operator && !case.is_requester() && !case.is_principal() {
        return Err(case.not_permitted("only the requester, the person behind it, and operators may cancel"));
    }
    let reason = limits::perhaps("reason", reason, limits::NOTE_LIMIT)?;
    let mut change = case.change_by(case.actor());
    change.not_after(case.request.deadline);
    let ground = Ground { by: vec![case.actor().clone()], reason, ..Ground::default() };
    let decision = decide::decision(Outcome::Cancelled, case.request, ground, case.now);
    decide::end(&mut change, case.facts, decision)?;
    Ok(change.finish())
}

/// A halt cancels what is open, revokes what is approved but has not begun, and takes the right to run again from idempotent
/// actions: those that failed, are in doubt, or run now and may fail.
///
/// An open request is cancelled even after its deadline: a brake is never refused because something else is late.
pub(super) fn halt(case: &Case<'_>, reason: &Text) -> Result<Transition, Refusal> {
    if !case.command.operator && decide::not_halted(case.request, case.facts).is_ok() {
        return Err(case.not_permitted("only operators may halt what no halt in force covers"));
    }
    let reason = limits::cut(reason.clone(), limits::NOTE_LIMIT);
    let mut transition = if case.request.status.is_open() {
        let mut change = case.change_by(case.actor());
        let ground = Ground { by: vec![case.actor().clone()], reason: Some(reason), ..Ground::default() };
        let mut decision = decide::decision(Outcome::Cancelled, case.request, ground, case.now);
        decision.by_halt = true;
        decide::end(&mut change, case.facts, decision)?;
        change.finish()
    } else if matches!(case.request.execution.as_deref(), Some(Execution::NotStarted)) {
        grant::take_back(case, reason, RevokedFor::Halt)?
    } else if execution::may_ever_rerun(case.request, case.now) {
        execution::end_reruns(case, reason)?
    } else {
        return Err(Refusal::NothingToDo);
    };
    transition.requires.push(Requires::SameHalts);
    Ok(transition)
}

/// The action is declared with stricter demands now: ends what was opened, or approved, under the weaker ones.
pub(super) fn supersede(case: &Case<'_>, reason: &Text) -> Result<Transition, Refusal> {
    if !case.command.operator && case.command.actor.kind() != PrincipalKind::Service {
        return Err(case.not_permitted("only operators and the guard may replace a request"));
    }
    let reason = limits::cut(reason.clone(), limits::NOTE_LIMIT);
    if case.request.status.is_open() {
        let mut change = case.change_by(case.actor());
        let ground = Ground { reason: Some(reason), ..Ground::default() };
        let mut decision = decide::decision(Outcome::Cancelled, case.request, ground, case.now);
        decision.by_definition = true;
        decide::end(&mut change, case.facts, decision)?;
        Ok(change.finish())
    } else if matches!(case.request.execution.as_deref(), Some(Execution::NotStarted)) {
        grant::take_back(case, reason, RevokedFor::Definition)
    } else {
        Err(Refusal::NothingToDo)
    }
}
