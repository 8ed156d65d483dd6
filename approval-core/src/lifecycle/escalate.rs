//! Asking more people: by stages, and by hand.

use super::{
    Facts, Refusal, Transition, case::Case, decide, eligibility::Seating, history::Change, hours, limits,
    validity,
};
use crate::{
    error::Invalid,
    model::{EventKind, NoticeKind, Principal, Priority, Request, Timing, Widening},
};

/// An approver or an operator asks more people now.
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
    )?;
    decide::decide_by_votes(&mut change, case.facts)?;
    Ok(change.finish())
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
    widen(change, widening, priority, facts)
}

/// Adds people to a requirement and asks those who were not asked before. Whoever is on call at this moment stays asked after
/// the hand-over.
fn widen(
    change: &mut Change<'_>,
    mut widening: Widening,
    priority: Option<Priority>,
    facts: &Facts<'_>,
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
    change.tell(EventKind::Escalated { stage, requirement, to })?;
    let mut new = deciders(&change.request);
    new.retain(|person| before.binary_search(person).is_err());
    for person in &new {
        // Whoever is on call is there for that, in quiet hours too.
        let timing = if on_call.contains(person) { Timing::AtOnce } else { Timing::Usual };
        change.notify_at(NoticeKind::Escalated, person.clone(), timing);
    }
    Ok(new)
}
