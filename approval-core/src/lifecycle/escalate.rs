//! Asking more people: by stages, and by hand.

use super::{
    Facts, Refusal, Transition,
    case::Case,
    decide,
    eligibility::{Seat, Seating},
    history::Change,
    hours, limits, validity,
};
use crate::{
    error::Invalid,
    model::{EventKind, NoticeKind, OutsideHours, Principal, Priority, Request, Timing, Widening},
};

/// Asks more people now. Operators widen any requirement to anyone. Everybody else widens only a requirement in which they
/// hold a seat, and only to people whom the gate names for it. Others may get the caller's own seat, by delegation: a seat
/// besides would be a second one of the caller's choice.
pub(super) fn escalate(
    case: &Case<'_>,
    requirement: usize,
    to: &[Principal],
    priority: Option<Priority>,
) -> Result<Transition, Refusal> {
    case.open()?;
    if !case.command.operator && !case.is_approver() {
        return Err(case.not_permitted("only those who may decide and operators may escalate"));
    }
    let request = case.request;
    let Some(wide) = request.gate.requirements.get(requirement) else {
        let count = request.gate.requirements.len();
        return Err(Invalid::new(
            "requirement",
            requirement.to_string(),
            format!("is none of the {count} of the gate"),
        )
        .hint("count them from 0")
        .into());
    };
    validity::named("escalation", to)?;
    let by_hand = request.widened.iter().filter(|widening| widening.stage.is_none()).count();
    limits::room("escalation by hand", by_hand, limits::ESCALATION_COUNT_LIMIT)?;
    let widened = request.widened.iter().filter(|widening| widening.requirement == requirement);
    let already: Vec<&Principal> = wide.of.iter().chain(widened.flat_map(|widening| &widening.to)).collect();
    let mut new: Vec<Principal> = Vec::with_capacity(to.len());
    for principal in to {
        if !already.contains(&principal) && !new.contains(principal) {
            new.push(principal.clone());
        }
    }
    if !case.command.operator {
        // A member of a group stays asked as a member: not longer than that.
        let named = |target: &Principal| {
            case.facts.people.person(target).is_some_and(|person| case.seating().names(requirement, person))
        };
        new.retain(|target| !named(target));
        may_widen(case, requirement, &new)?;
    }
    if new.is_empty() && priority.is_none_or(|priority| priority <= request.priority) {
        return Err(Refusal::NothingToDo);
    }
    let mut change = case.change_by(case.actor());
    change.not_after(request.deadline);
    widen(
        &mut change,
        Widening { requirement, to: new, stage: None, at: case.now, hand_over: None },
        priority,
        case.facts,
        case.command.operator,
    )?;
    decide::decide_by_votes(&mut change, case.facts)?;
    Ok(change.finish())
}

/// Refuses an approver who widens a requirement of others, or to people whom the gate does not name for it.
fn may_widen(case: &Case<'_>, requirement: usize, new: &[Principal]) -> Result<(), Refusal> {
    let seating = case.seating();
    let holder = case.approver()?;
    if seating.seat(requirement, holder) != Seat::Free {
        return Err(case
            .not_permitted("only people who hold a seat of that requirement and operators may escalate it"));
    }
    if new.iter().all(|target| names_in_time(&seating, requirement, target)) {
        Ok(())
    } else {
        Err(case.not_permitted(
            "approvers escalate only to people whom the gate names for that requirement; delegate your own seat to let others decide",
        ))
    }
}

/// Everybody whom the gate names for a requirement: at first, outside working hours, and for its stages.
pub(super) fn named_in_time(request: &Request, requirement: usize) -> impl Iterator<Item = &Principal> {
    let wanted = request.gate.requirements.get(requirement);
    let outside = wanted.and_then(|one| match &one.outside_hours {
        Some(OutsideHours::OnCall(to)) => Some(to),
        Some(OutsideHours::Queue | OutsideHours::Everyone) | None => None,
    });
    let stages = request.gate.escalation.iter().filter(move |stage| stage.requirement == requirement);
    let of = wanted.into_iter().flat_map(|one| &one.of);
    of.chain(outside.into_iter().flatten()).chain(stages.flat_map(|stage| &stage.to))
}

/// Whether the gate names the target for the requirement, by itself or through a group.
fn names_in_time(seating: &Seating<'_>, requirement: usize, target: &Principal) -> bool {
    let people = seating.people();
    let person = people.person(target);
    named_in_time(seating.request(), requirement)
        .any(|one| one == target || person.is_some_and(|person| people.includes(one, person)))
}

/// Fires a stage. Gives the people who are asked for the first time.
pub(super) fn fire(
    change: &mut Change<'_>,
    stage: usize,
    facts: &Facts<'_>,
) -> Result<Vec<Principal>, Refusal> {
    let Some(plan) = change.request.gate.escalation.get(stage) else { return Ok(Vec::new()) };
    let priority = plan.priority;
    let widening = Widening {
        requirement: plan.requirement,
        to: plan.to.clone(),
        stage: Some(stage),
        at: change.now(),
        hand_over: None,
    };
    widen(change, widening, priority, facts, false)
}

/// Adds people to a requirement and asks those who were not asked before. The person on call at this moment stays asked after
/// the hand-over.
fn widen(
    change: &mut Change<'_>,
    mut widening: Widening,
    priority: Option<Priority>,
    facts: &Facts<'_>,
    by_operator: bool,
) -> Result<Vec<Principal>, Refusal> {
    let deciders = |request: &Request| -> Vec<Principal> {
        Seating::new(request, facts.people).audience().into_iter().cloned().collect()
    };
    let before = deciders(&change.request);
    let on_call = hours::on_call(&widening.to, facts.people);
    widening.hand_over = hours::next_hand_over(&widening.to, facts.people);
    widening.to.extend(on_call.iter().cloned());
    let Widening { requirement, stage, .. } = widening;
    let to = widening.to.clone();
    let request = &mut change.request;
    request.priority = request.priority.max(priority.unwrap_or(request.priority));
    if stage.is_some() || !to.is_empty() {
        request.widened.push(widening);
    }
    change.tell(EventKind::Escalated { stage, requirement, to, by_operator })?;
    let mut new = deciders(&change.request);
    new.retain(|person| before.binary_search(person).is_err());
    for person in &new {
        // The person on call is there for that, in quiet hours too.
        let timing = if on_call.contains(person) { Timing::AtOnce } else { Timing::Usual };
        change.notify_at(NoticeKind::Escalated, person.clone(), timing);
    }
    Ok(new)
}
