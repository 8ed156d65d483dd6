//! Ending a request, in whatever way.

use std::sync::Arc;

use super::{
    Facts, Refusal, Requires,
    claim::intact,
    eligibility::Seating,
    history::Change,
    quorum::{Ground, Verdict},
    standing, window,
};
use crate::{
    clock::{Timestamp, after, to_micros},
    model::{Decision, EventKind, Execution, Grant, NoticeKind, Outcome, Principal, Request, Status},
};

/// Ends the request if the votes suffice; tells whether they did.
///
/// # Errors
/// [`Refusal::Halted`] when the votes would approve what is halted.
pub(super) fn decide_by_votes(change: &mut Change<'_>, facts: &Facts<'_>) -> Result<bool, Refusal> {
    let now = change.now();
    match super::quorum::verdict(&change.request, facts.people) {
        Verdict::Undecided => return Ok(false),
        Verdict::Approved(ground) => {
            not_halted(&change.request, facts)?;
            end(change, facts, decision(Outcome::Approved, &change.request, ground, now))?;
            standing::give(change, facts)?;
        }
        Verdict::Rejected(ground) => {
            end(change, facts, decision(Outcome::Rejected, &change.request, ground, now))?;
            standing::take_back_rejected(change, facts)?;
        }
        Verdict::Unreachable(ground) => {
            let decision = decision(Outcome::Rejected, &change.request, ground, now);
            end(change, facts, Decision { unreachable: true, ..decision })?;
            standing::take_back_rejected(change, facts)?;
        }
    }
    Ok(true)
}

/// Refuses what a halt covers.
pub(super) fn not_halted(request: &Request, facts: &Facts<'_>) -> Result<(), Refusal> {
    match facts.halts.covering(&request.requester, &request.action.name) {
        Some(halt) => Err(Refusal::Halted(halt.clone())),
        None => Ok(()),
    }
}

/// A decision on the arguments as they stand.
pub(super) fn decision(outcome: Outcome, request: &Request, ground: Ground, at: Timestamp) -> Decision {
    let Ground { by, reason, option, answer } = ground;
    Decision {
        outcome,
        at,
        by,
        reason,
        option,
        digest: request.revision.digest,
        answer,
        by_timeout: false,
        by_standing: None,
        by_policy: false,
        by_halt: false,
        unreachable: false,
        by_definition: false,
    }
}

/// Ends the request with `decision`, and lets everybody know.
pub(super) fn end(change: &mut Change<'_>, facts: &Facts<'_>, decision: Decision) -> Result<(), Refusal> {
    let runs = decision.outcome == Outcome::Approved;
    conclude(change, facts, decision)?;
    close(change, facts);
    change.notify(NoticeKind::Outcome, [change.request.requester.clone()]);
    if !runs {
        inform(change, facts);
    }
    Ok(())
}

/// Ends the request with `decision`, without telling anybody. What is approved and no question gets a grant.
pub(super) fn conclude(
    change: &mut Change<'_>,
    facts: &Facts<'_>,
    decision: Decision,
) -> Result<(), Refusal> {
    if decision.outcome == Outcome::Approved && change.request.question.is_none() {
        intact(&change.request)?;
    }
    let request = &mut change.request;
    request.status = match decision.outcome {
        Outcome::Approved => Status::Approved,
        Outcome::Rejected => Status::Rejected,
        Outcome::Expired => Status::Expired,
        Outcome::Cancelled => Status::Cancelled,
    };
    if request.status == Status::Approved && request.question.is_none() {
        request.grant = Some(Box::new(grant(request, facts, decision.at)?));
        request.execution = Some(Box::new(Execution::NotStarted));
    }
    let told = EventKind::Decided {
        outcome: decision.outcome,
        by: decision.by.clone(),
        reason: decision.reason.clone(),
        grant: request.grant.as_ref().map(|grant| grant.id),
        unreachable: decision.unreachable,
    };
    if decision.outcome == Outcome::Approved {
        change.require(Requires::SameHalts);
    }
    change.request.decision = Some(Arc::new(decision));
    change.tell(told)?;
    change.ask_nobody();
    Ok(())
}

/// Tells those whom the gate wants informed how it ended.
pub(super) fn inform(change: &mut Change<'_>, facts: &Facts<'_>) {
    if !change.request.gate.inform.is_empty() {
        let people = facts.people.expand(&change.request.gate.inform).into_owned();
        change.notify(NoticeKind::Informed, people);
    }
}

/// A fresh grant for the arguments as they stand. Its time is counted from the next opening of the run windows.
///
/// # Errors
/// When they never open.
pub(super) fn grant(request: &Request, facts: &Facts<'_>, at: Timestamp) -> Result<Grant, Refusal> {
    let opens = window::next_opening(&request.gate, at)?;
    Ok(Grant {
        id: facts.grant_id,
        digest: request.revision.digest,
        expires_at: to_micros(after(opens, request.gate.grant_ttl)),
        ran_before: None,
        not_again: false,
    })
}

/// Lets the messages of all who were asked be brought up to date.
pub(super) fn close(change: &mut Change<'_>, facts: &Facts<'_>) {
    let asked = Seating::new(&change.request, facts.people).asked();
    let asked: Vec<Principal> = asked.into_iter().cloned().collect();
    change.notify(NoticeKind::Closed, asked);
}
