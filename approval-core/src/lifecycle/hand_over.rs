//! A person who comes on call while a request is open is asked too; the one who handed over stays asked.

use super::{Facts, Refusal, eligibility::Seating, history::Change, hours};
use crate::{
    clock::Timestamp,
    model::{EventKind, NoticeKind, People, Principal, PrincipalKind, Request, Timing, Widening},
};

/// When another person may come on call for a request.
pub(super) fn due_at(request: &Request) -> Option<Timestamp> {
    request.widened.iter().filter_map(|widening| widening.hand_over).min()
}

/// Asks the person who came on call. Of several hand-overs that are past due, the last one counts. Gives those who are asked for the
/// first time.
pub(super) fn pass_on(change: &mut Change<'_>, facts: &Facts<'_>) -> Result<Vec<Principal>, Refusal> {
    let now = change.now();
    if due_at(&change.request).is_none_or(|due| due > now) {
        return Ok(Vec::new());
    }
    let asked = asked_before(&change.request, facts.people);
    let mut told = Vec::new();
    for place in 0..change.request.widened.len() {
        let Some(widening) = change.request.widened.get(place) else { continue };
        let Some(due) = widening.hand_over.filter(|due| *due <= now) else { continue };
        let rotations = rotations(widening, &change.request);
        let requirement = widening.requirement;
        let to = hours::on_call(&rotations, facts.people);
        if let Some(widening) = change.request.widened.get_mut(place) {
            widening.hand_over = hours::next_hand_over(&rotations, facts.people);
            let new = to.iter().filter(|person| !widening.to.contains(person)).cloned();
            let new: Vec<Principal> = new.collect();
            widening.to.extend(new);
        }
        change.not_before(due);
        change.tell(EventKind::OnCall { requirement, to: to.clone() })?;
        told.extend(to);
    }
    told.sort_unstable();
    told.dedup();
    let seating = Seating::new(&change.request, facts.people);
    let may_decide = seating.audience();
    told.retain(|person| {
        may_decide.contains(&person) && !seating.has_voted(person) && asked.binary_search(person).is_err()
    });
    for person in &told {
        // The person on call is there for that, in quiet hours too.
        change.notify_at(NoticeKind::Decide, person.clone(), Timing::AtOnce);
    }
    Ok(told)
}

/// The rotations that a widening is about: those that it names, or else those of its requirement.
fn rotations(widening: &Widening, request: &Request) -> Vec<Principal> {
    let rotation = |one: &&Principal| one.kind() == PrincipalKind::OnCall;
    let own: Vec<Principal> = widening.to.iter().filter(rotation).cloned().collect();
    if !own.is_empty() {
        return own;
    }
    let requirement = request.gate.requirements.get(widening.requirement);
    requirement.into_iter().flat_map(|one| one.of.iter().filter(rotation)).cloned().collect()
}

/// Who was asked so far: everybody who may decide, but for those who only came on call since.
fn asked_before(request: &Request, people: &People) -> Vec<Principal> {
    let mut before = people.clone();
    before.groups.retain(|name, _| name.kind() != PrincipalKind::OnCall);
    Seating::new(request, &before).audience().into_iter().cloned().collect()
}
