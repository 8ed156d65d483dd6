//! Whom a new request asks, and when: who is on call, and what happens when no person works.

use std::collections::BTreeMap;

use super::{Facts, Refusal, eligibility::Seating, history::Change};
use crate::{
    clock::{Timestamp, after, to_micros},
    error::Internal,
    model::{
        EventKind, NoticeKind, OutsideHours, People, Principal, PrincipalKind, Request, Requirement, Timing,
        Widening,
    },
};

/// Asks everybody who may decide about a request that has just been opened: `named`, whom the requirements name, where nothing
/// depends on who is at work.
pub(super) fn ask(change: &mut Change<'_>, named: Vec<Principal>, facts: &Facts<'_>) -> Result<(), Refusal> {
    let depends = |one: &Requirement| {
        one.outside_hours.is_some() || one.of.iter().any(|of| of.kind() == PrincipalKind::OnCall)
    };
    if facts.people.stand_ins.is_empty() && !change.request.gate.requirements.iter().any(depends) {
        change.notify(NoticeKind::Decide, named);
        return Ok(());
    }
    keep_on_call(change, facts)?;
    let mut begins_at = None;
    let mut timings: BTreeMap<Principal, Timing> = BTreeMap::new();
    for requirement in 0..change.request.gate.requirements.len() {
        let asked = Circle::new(change, requirement, facts);
        let rule =
            change.request.gate.requirements.get(requirement).and_then(|one| one.outside_hours.clone());
        let told = match rule {
            Some(rule) if !asked.anybody_works(facts.people) => {
                let until = outside_hours(change, requirement, &rule, &asked, facts)?;
                begins_at = begins_at.max(until);
                asked.timings(&rule, facts.people)
            }
            Some(_) | None => asked.at(|_| Timing::Usual),
        };
        for (person, timing) in told {
            let earliest = timings.get(&person).map_or(timing, |other| earlier(*other, timing));
            timings.insert(person, earliest);
        }
    }
    if let Some(begin) = begins_at {
        change.request.begins_at = Some(Box::new(begin));
        let timeout = change.request.gate.timeout;
        change.request.deadline = timeout.map(|timeout| to_micros(after(begin, timeout)));
    }
    let everybody: Vec<Principal> =
        Seating::new(&change.request, facts.people).audience().into_iter().cloned().collect();
    for person in everybody {
        // Who is asked because others do not work is not among those above.
        let timing = timings.get(&person).copied().unwrap_or(Timing::AtOnce);
        change.notify_at(NoticeKind::Decide, person, timing);
    }
    Ok(())
}

/// When a person is notified later in the life of a request: not while off work, where the requirement says so. A person who
/// was asked besides, as the one on call, is notified at any hour.
pub(super) fn timing(request: &Request, person: &Principal, people: &People) -> Timing {
    let Some(back) = people.back(person) else { return Timing::Usual };
    if request.widened.iter().any(|widening| widening.to.contains(person)) {
        return Timing::Usual;
    }
    let seating = Seating::new(request, people);
    let waits = |(number, requirement): (usize, &Requirement)| match requirement.outside_hours {
        Some(OutsideHours::OnCall(_) | OutsideHours::Queue) => true,
        Some(OutsideHours::Everyone) | None => !seating.names(number, person),
    };
    if request.gate.requirements.iter().enumerate().all(waits) {
        Timing::NotBefore(back)
    } else {
        Timing::Usual
    }
}

/// Who is on call at this moment, of those who are named so. They stay asked after they handed over, no matter who comes next
/// besides.
pub(super) fn on_call(named: &[Principal], people: &People) -> Vec<Principal> {
    let rotations = named.iter().filter(|principal| principal.kind() == PrincipalKind::OnCall);
    let mut found: Vec<Principal> =
        rotations.flat_map(|rotation| people.members(rotation)).cloned().collect();
    found.retain(|person| !named.contains(person));
    found.sort_unstable();
    found.dedup();
    found
}

/// When the first of the rotations among those who are named may be handed over.
pub(super) fn next_hand_over(named: &[Principal], people: &People) -> Option<Timestamp> {
    named.iter().filter_map(|one| people.hand_overs.get(one)).min().copied().map(to_micros)
}

/// Writes down who is on call for what the requirements name.
fn keep_on_call(change: &mut Change<'_>, facts: &Facts<'_>) -> Result<(), Refusal> {
    for requirement in 0..change.request.gate.requirements.len() {
        let Some(one) = change.request.gate.requirements.get(requirement) else {
            return Err(Internal::new("a requirement of a gate is not in the gate").into());
        };
        let to = on_call(&one.of, facts.people);
        let hand_over = next_hand_over(&one.of, facts.people);
        if !to.is_empty() || hand_over.is_some() {
            let at = change.now();
            change.request.widened.push(Widening { requirement, to: to.clone(), stage: None, at, hand_over });
        }
        if !to.is_empty() {
            change.tell(EventKind::OnCall { requirement, to })?;
        }
    }
    Ok(())
}

/// No person of a requirement works. Since when time is counted, if not from now on.
fn outside_hours(
    change: &mut Change<'_>,
    requirement: usize,
    rule: &OutsideHours,
    asked: &Circle,
    facts: &Facts<'_>,
) -> Result<Option<Timestamp>, Refusal> {
    let (to, until) = match rule {
        OutsideHours::OnCall(named) => {
            let mut to = named.clone();
            to.extend(on_call(named, facts.people));
            let at = change.now();
            let hand_over = next_hand_over(named, facts.people);
            change.request.widened.push(Widening { requirement, to: to.clone(), stage: None, at, hand_over });
            (to, None)
        }
        OutsideHours::Queue => (Vec::new(), asked.opening(facts.people)),
        OutsideHours::Everyone => (Vec::new(), None),
    };
    change.tell(EventKind::OutsideHours { requirement, to, until })?;
    Ok(until)
}

/// Those who may fill the seats of a requirement, and are notified of it.
struct Circle {
    people: Vec<Principal>,
    /// How many seats there are.
    count: usize,
    /// Others, who decide instead where the rule asks them.
    instead: Vec<Principal>,
}

impl Circle {
    fn new(change: &Change<'_>, requirement: usize, facts: &Facts<'_>) -> Self {
        let seating = Seating::new(&change.request, facts.people);
        let mut people = seating.eligible(requirement);
        for one in seating.stand_ins() {
            if people.contains(&one.owner) {
                people.retain(|person| *person != one.owner);
                people.push(one.person);
            }
        }
        let gate = &change.request.gate;
        let wanted = gate.requirements.get(requirement);
        let others = match wanted.and_then(|one| one.outside_hours.as_ref()) {
            Some(OutsideHours::OnCall(to)) => to.as_slice(),
            Some(OutsideHours::Queue | OutsideHours::Everyone) | None => &[],
        };
        let others = others.iter().flat_map(|one| facts.people.members(one));
        let instead = others.filter(|person| seating.barred(person).is_none()).cloned().collect();
        Self {
            people: people.into_iter().cloned().collect(),
            // Says from when on time is counted, and nothing about who must approve.
            count: wanted.and_then(|one| usize::try_from(one.count).ok()).unwrap_or(1),
            instead,
        }
    }

    fn anybody_works(&self, people: &People) -> bool {
        self.people.iter().any(|person| people.works(person))
    }

    /// When enough of them work again: as many as there are seats. `None`: the directory does not know.
    fn opening(&self, people: &People) -> Option<Timestamp> {
        let mut back: Vec<Timestamp> = self.people.iter().filter_map(|person| people.back(person)).collect();
        back.sort_unstable();
        back.get(self.count.saturating_sub(1)).or(back.last()).copied().map(to_micros)
    }

    /// When they are notified that the rule holds.
    fn timings(&self, rule: &OutsideHours, people: &People) -> Vec<(Principal, Timing)> {
        let later = |person: &Principal| people.back(person).map_or(Timing::Usual, Timing::NotBefore);
        match rule {
            OutsideHours::OnCall(_) if !self.instead.is_empty() => {
                let mut told = self.at(later);
                told.extend(self.instead.iter().map(|person| (person.clone(), Timing::AtOnce)));
                told
            }
            OutsideHours::Queue => self.at(later),
            // No person is on call: better to be woken than never to be asked.
            OutsideHours::OnCall(_) | OutsideHours::Everyone => self.at(|_| Timing::AtOnce),
        }
    }

    fn at(&self, timing: impl Fn(&Principal) -> Timing) -> Vec<(Principal, Timing)> {
        self.people.iter().map(|person| (person.clone(), timing(person))).collect()
    }
}

/// Of two times to tell the same person the earlier one.
fn earlier(one: Timing, other: Timing) -> Timing {
    match (one, other) {
        (Timing::AtOnce, _) | (_, Timing::AtOnce) => Timing::AtOnce,
        (Timing::Usual, _) | (_, Timing::Usual) => Timing::Usual,
        (Timing::NotBefore(one), Timing::NotBefore(other)) => Timing::NotBefore(one.min(other)),
    }
}
