//! Whether the seats that are still empty can be filled at all.

use super::{
    eligibility::{Seat, Seating},
    escalate::named_in_time,
    matching::{self, Seats},
    quorum, timeout,
};
use crate::{
    clock::Timestamp,
    model::{Principal, PrincipalKind, Request},
};

/// Who of those who rejected make it impossible to meet all requirements: as long as their rejections stand, no other person can
/// fill the seats. Empty: it can still be met, or not because of them.
///
/// A rejection counts as that person's no for good, though the person may still change it. Counted as still possible are all
/// others whom a requirement names, whom its stages bring before the deadline, who come on call before it, and whom those who
/// hold a seat and have not rejected may ask besides: see [`named_in_time`]. A delegate sits in the seat of a person who
/// counts already. What only an operator could do is not counted.
pub(super) fn blockers<'a>(seating: &Seating<'a>, rejecters: &[&'a Principal]) -> Vec<&'a Principal> {
    if rejecters.is_empty() {
        return Vec::new();
    }
    let hopes = Hopes { seating, request: seating.request() };
    let mut blocking: Vec<&Principal> = Vec::new();
    for group in quorum::matchings(&seating.request().gate) {
        let sits = |person: &Principal| {
            group.iter().any(|(requirement, _)| seating.seat(*requirement, person) != Seat::None)
        };
        let involved: Vec<&Principal> = rejecters.iter().copied().filter(|person| sits(person)).collect();
        blocking.extend(missed(rejecters, &involved, |noes| hopes.met(&group, noes)));
    }
    // Of a question the answers must agree besides.
    if let Some(question) = &seating.request().question {
        blocking.extend(missed(rejecters, rejecters, |noes| hopes.enough(question.agree, noes)));
    }
    rejecters.iter().copied().filter(|person| blocking.contains(person)).collect()
}

/// Who is missed, if something cannot be met without those who rejected, and could be with them: those who would suffice alone,
/// or else all who are involved.
fn missed<'a>(
    rejecters: &[&'a Principal],
    involved: &[&'a Principal],
    met: impl Fn(&[&'a Principal]) -> bool,
) -> Vec<&'a Principal> {
    if met(rejecters) || !met(&[]) {
        return Vec::new();
    }
    let suffices = |person: &&'a Principal| {
        let others: Vec<&Principal> = rejecters.iter().copied().filter(|other| other != person).collect();
        met(&others)
    };
    let alone: Vec<&Principal> = involved.iter().copied().filter(suffices).collect();
    if alone.is_empty() { involved.to_vec() } else { alone }
}

/// Who may yet fill a seat.
#[derive(Clone, Copy)]
struct Hopes<'a, 'h> {
    seating: &'h Seating<'a>,
    request: &'a Request,
}

impl<'a> Hopes<'a, '_> {
    /// Whether all seats of a matching can be filled without these people.
    fn met(&self, group: &[(usize, Seats)], without: &[&'a Principal]) -> bool {
        let mut needed: Vec<Seats> = Vec::with_capacity(group.len());
        let mut candidates: Vec<Vec<&Principal>> = Vec::with_capacity(group.len());
        for (requirement, seats) in group {
            // People of whom nothing is known yet can fill all seats.
            if let Some(people) = self.candidates(*requirement, without) {
                needed.push(*seats);
                candidates.push(people);
            }
        }
        let everybody = merged(candidates.iter().flatten().copied());
        let fits = |requirement: usize, person: usize| {
            let people = candidates.get(requirement).zip(everybody.get(person));
            people.is_some_and(|(candidates, person)| candidates.contains(person))
        };
        needed.is_empty() || matching::fill(&needed, everybody.len(), fits).is_ok()
    }

    /// Whether so many people can answer without these.
    fn enough(&self, agree: u32, without: &[&'a Principal]) -> bool {
        let mut everybody: Vec<&Principal> = Vec::new();
        for requirement in 0..self.request.gate.requirements.len() {
            match self.candidates(requirement, without) {
                Some(people) => everybody.extend(people),
                None => return true,
            }
        }
        usize::try_from(agree).is_ok_and(|agree| merged(everybody).len() >= agree)
    }

    /// Everybody who may come to fill a seat of a requirement. `None`: also people who are not known yet.
    fn candidates(&self, requirement: usize, without: &[&'a Principal]) -> Option<Vec<&'a Principal>> {
        let people = self.seating.people();
        let counts = |person: &&'a Principal| !without.contains(person);
        let free = |person: &&'a Principal| self.seating.seat(requirement, person) == Seat::Free;
        let is_held = self.seating.deciders().into_iter().filter(free).any(|person| counts(&person));

        let mut named: Vec<&Principal> =
            self.seating.named(requirement).chain(self.stages(requirement)).collect();
        let mut found: Vec<&Principal> = self.seating.eligible(requirement);
        if is_held {
            named.extend(named_in_time(self.request, requirement));
        }
        if self.more_come_on_call(requirement, &named) {
            return None;
        }
        found.extend(named.iter().copied().flat_map(|one| people.members(one)));
        let eligible = |person: &&'a Principal| self.seating.barred(person).is_none();
        Some(merged(found.into_iter().filter(eligible).filter(counts)))
    }

    /// Whom stages name that fire by themselves while it is open.
    fn stages(&self, requirement: usize) -> impl Iterator<Item = &'a Principal> + use<'a> {
        let request = self.request;
        let stages = request.gate.escalation.iter().enumerate();
        let fires = move |(number, _): &(usize, _)| {
            timeout::stage_due(request, *number).is_some_and(|due| in_time(request, due))
        };
        let widens = stages.filter(fires).filter(move |(_, stage)| stage.requirement == requirement);
        widens.flat_map(|(_, stage)| &stage.to)
    }

    /// Whether another person comes on call for what a requirement names, while it is open.
    fn more_come_on_call(&self, requirement: usize, named: &[&Principal]) -> bool {
        let rotations = named.iter().filter(|one| one.kind() == PrincipalKind::OnCall);
        let next = rotations.filter_map(|one| self.seating.people().hand_overs.get(*one));
        let kept = self.request.widened.iter().filter(|widening| widening.requirement == requirement);
        let kept = kept.filter_map(|widening| widening.hand_over.as_ref());
        next.chain(kept).any(|due| in_time(self.request, *due))
    }
}

/// Whether something that happens at this moment happens while the request is open.
fn in_time(request: &Request, at: Timestamp) -> bool {
    timeout::extends(request) || request.deadline.is_none_or(|deadline| at < deadline)
}

fn merged<'a>(people: impl IntoIterator<Item = &'a Principal>) -> Vec<&'a Principal> {
    let mut all: Vec<&Principal> = people.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    all
}
