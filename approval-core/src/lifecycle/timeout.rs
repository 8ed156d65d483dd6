//! What happens by itself as time passes: stages of escalation, reminders, the deadline, the end of a grant.

use super::{
    Refusal, Transition,
    case::Case,
    claim::intact,
    decide, escalate, grant, hand_over,
    history::Change,
    hours,
    quorum::{self, Ground},
};
use crate::{
    clock::{Span, Timestamp, after, to_micros},
    model::{
        EventKind, Execution, InfoExchange, NoticeKind, OnTimeout, Outcome, Principal, Reminders, Request,
        Risk, Status,
    },
};

/// When something must happen to a request by itself: its deadline, the next stage or reminder, the expiry of its grant.
///
/// A [`super::Act::Tick`] at that time does it, and moves this time on.
#[must_use]
pub fn due_at(request: &Request) -> Option<Timestamp> {
    if !request.status.is_open() {
        return grant_expiry(request);
    }
    let stages = (0..request.gate.escalation.len()).filter_map(|stage| stage_due(request, stage));
    let reminder = request.gate.reminders.and_then(|reminders| reminder_due(request, &reminders));
    stages.chain(reminder).chain(hand_over::due_at(request)).chain(request.deadline).min()
}

/// When the unspent grant expires.
fn grant_expiry(request: &Request) -> Option<Timestamp> {
    match request.execution.as_deref() {
        Some(Execution::NotStarted) => request.grant.as_ref().map(|grant| grant.expires_at),
        _ => None,
    }
}

/// When a stage fires that has not yet.
pub(super) fn stage_due(request: &Request, stage: usize) -> Option<Timestamp> {
    if request.widened.iter().any(|widening| widening.stage == Some(stage)) {
        return None;
    }
    let delay = request.gate.escalation.get(stage)?.after;
    Some(to_micros(after(begin(request), delay)))
}

/// When the next reminder is due.
fn reminder_due(request: &Request, reminders: &Reminders) -> Option<Timestamp> {
    (request.reminders < reminders.at_most)
        .then(|| reminder_time(request, reminders, request.reminders.saturating_add(1)))
}

/// Of a number or a time that is too large, the end of time: such a reminder never comes.
fn reminder_time(request: &Request, reminders: &Reminders, number: u32) -> Timestamp {
    let number = i32::try_from(number).unwrap_or(i32::MAX);
    let delay = reminders.every.checked_mul(number).unwrap_or(Span::MAX);
    to_micros(after(begin(request), delay))
}

/// From when on time is counted.
pub(super) fn begin(request: &Request) -> Timestamp {
    request.begins_at.as_deref().copied().unwrap_or(request.created_at)
}

/// Whatever is due happens, in one transition.
pub(super) fn tick(case: &Case<'_>) -> Result<Transition, Refusal> {
    if let Some(expiry) = grant_expiry(case.request) {
        return if case.now >= expiry { expire_grant(case, expiry) } else { Err(Refusal::NothingToDo) };
    }
    if !case.request.status.is_open() {
        return Err(Refusal::NothingToDo);
    }
    let mut change = case.change();
    let passed = case.request.deadline.filter(|deadline| case.now >= *deadline);
    if let Some(deadline) = passed {
        change.not_before(deadline);
        if !extends(case.request) {
            at_the_end(case, &mut change)?;
            return Ok(change.finish());
        }
    }
    if passed.is_none() {
        change.not_after(case.request.deadline);
    }
    let mut told = Vec::new();
    for stage in 0..case.request.gate.escalation.len() {
        let Some(due) = stage_due(case.request, stage) else { continue };
        if passed.is_some() || case.now >= due {
            if passed.is_none() {
                change.not_before(due);
            }
            told.extend(escalate::fire(&mut change, stage, case.facts)?);
        }
    }
    told.extend(hand_over::pass_on(&mut change, case.facts)?);
    if passed.is_some() {
        extend(&mut change)?;
    }
    remind(&mut change, case, &told)?;
    if change.is_empty() {
        return Err(Refusal::NothingToDo);
    }
    // A person who voted before may fill a seat of a requirement that was widened just now.
    if decide::not_halted(case.request, case.facts).is_ok() && intact(case.request).is_ok() {
        decide::decide_by_votes(&mut change, case.facts)?;
    }
    Ok(change.finish())
}

fn expire_grant(case: &Case<'_>, expiry: Timestamp) -> Result<Transition, Refusal> {
    let mut change = case.change();
    change.not_before(expiry);
    change.request.execution = Some(Box::new(Execution::GrantExpired { at: case.now }));
    change.tell(EventKind::GrantExpired)?;
    grant::give_back_places(&mut change, case);
    decide::close(&mut change, case.facts);
    change.notify(NoticeKind::Outcome, [case.request.requester.clone()]);
    Ok(change.finish())
}

/// Whether the deadline moves when it passes.
pub(super) fn extends(request: &Request) -> bool {
    request.gate.on_timeout == OnTimeout::Escalate && !request.extended && request.gate.timeout.is_some()
}

/// People get the timeout once more, counted from now.
fn extend(change: &mut Change<'_>) -> Result<(), Refusal> {
    let Some(timeout) = change.request.gate.timeout else { return Ok(()) };
    let deadline = to_micros(after(change.now(), timeout));
    change.request.extended = true;
    change.request.deadline = Some(deadline);
    change.tell(EventKind::Extended { deadline })
}

/// The deadline has passed for good.
fn at_the_end(case: &Case<'_>, change: &mut Change<'_>) -> Result<(), Refusal> {
    let request = case.request;
    let (outcome, reason) = match request.gate.on_timeout {
        OnTimeout::Reject | OnTimeout::Escalate => (Outcome::Expired, None),
        OnTimeout::Approve => match no_approval_by_timeout(case) {
            None => (Outcome::Approved, Some("no person objected in time, and the gate approves then")),
            Some(why) => (Outcome::Expired, Some(why)),
        },
    };
    let ground = Ground { reason: reason.map(Into::into), ..Ground::default() };
    let mut decision = decide::decision(outcome, request, ground, case.now);
    decision.by_timeout = outcome == Outcome::Approved;
    decide::end(change, case.facts, decision)
}

/// Why the timeout rule may not approve.
fn no_approval_by_timeout(case: &Case<'_>) -> Option<&'static str> {
    let request = case.request;
    let is_open = |exchange: &InfoExchange| exchange.answer.is_none();
    if request.risk > Risk::Low {
        Some("not approved by timeout: the risk is too high")
    } else if request.question.is_some() {
        Some("not approved by timeout: no person answered the question")
    } else if request.votes.iter().any(|vote| vote.ballot.is_reject()) {
        Some("not approved by timeout: a person rejected it")
    } else if request.status == Status::InfoRequested || request.info.iter().any(is_open) {
        Some("not approved by timeout: an approver's question is not answered")
    } else if quorum::approvers(request, case.facts.people).is_err() {
        Some("not approved by timeout: there are not enough people who could have objected")
    } else if !case.facts.notice_delivered {
        Some("not approved by timeout: no person was notified of it")
    } else if decide::not_halted(request, case.facts).is_err() {
        Some("not approved by timeout: it is halted")
    } else if intact(request).is_err() {
        Some("not approved by timeout: its stored arguments do not fit its digest")
    } else {
        None
    }
}

/// Reminds those who have not voted. Of several reminders that are past due, the newest stands for all.
fn remind(change: &mut Change<'_>, case: &Case<'_>, told: &[Principal]) -> Result<(), Refusal> {
    let request = case.request;
    let Some(reminders) = request.gate.reminders else { return Ok(()) };
    let due = |number: &u32| case.now >= reminder_time(request, &reminders, *number);
    let Some(number) = latest(request.reminders, reminders.at_most, due) else { return Ok(()) };
    change.not_before(reminder_time(request, &reminders, number));
    change.request.reminders = number;
    change.tell(EventKind::Reminded { number })?;
    let seating = case.seating();
    let silent =
        seating.audience().into_iter().filter(|person| !seating.has_voted(person) && !told.contains(person));
    for person in silent {
        let timing = hours::timing(request, person, case.facts.people);
        change.notify_at(NoticeKind::Reminder, person.clone(), timing);
    }
    Ok(())
}

/// The last number after `done`, up to `at_most`, that is due. Numbers become due in their order.
fn latest(done: u32, at_most: u32, due: impl Fn(&u32) -> bool) -> Option<u32> {
    let (mut low, mut high) = (done, at_most);
    while low < high {
        // Rounded up, so that it lies above `low`.
        let middle = high - (high - low) / 2;
        if due(&middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    (low > done).then_some(low)
}
