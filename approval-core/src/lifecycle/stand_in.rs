//! The stand-in of a person who is out of office sits in that person's seat, as if it had been handed on.

use super::{
    Facts, Refusal, delegate,
    eligibility::{Seat, Seating},
    history::Change,
};
use crate::model::{Delegation, EventKind, Principal};

/// Writes down whose seats a person takes by voting, so that the vote counts on when the others are back. Their own votes
/// override it then.
pub(super) fn record(change: &mut Change<'_>, person: &Principal, facts: &Facts<'_>) -> Result<(), Refusal> {
    for from in taken(change, person, facts) {
        if delegate::fits(&change.request.delegations, facts.people, &from, person).is_err() {
            continue;
        }
        let delegation = Delegation { from: from.clone(), to: person.clone(), at: change.now() };
        change.request.delegations.push(delegation);
        change.tell(EventKind::Delegated { from, to: person.clone() })?;
    }
    Ok(())
}

/// Whose seats the person sits in by standing in alone.
fn taken(change: &Change<'_>, person: &Principal, facts: &Facts<'_>) -> Vec<Principal> {
    let request = &change.request;
    let Some(person) = facts.people.person(person) else { return Vec::new() };
    let seating = Seating::new(request, facts.people);
    let own = seating.without_stand_ins();
    let absent = seating.stand_ins().filter(|one| one.person == person && !seating.has_voted(one.owner));
    let needed = absent.filter(|one| {
        (0..request.gate.requirements.len()).any(|requirement| {
            seating.seat(requirement, one.owner) == Seat::Free && own.seat(requirement, person) != Seat::Free
        })
    });
    needed.map(|one| one.owner.clone()).collect()
}
