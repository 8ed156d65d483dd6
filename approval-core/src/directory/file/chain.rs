//! Circles: of groups within each other, and of people who stand in for each other while all are out of office.

use std::collections::{BTreeMap, BTreeSet};

use super::person::Person;
use crate::{directory::calendar::Period, model::Principal};

/// The way around a circle of groups that begins and ends at `start`.
pub(super) fn circle_of_groups(
    groups: &BTreeMap<Principal, Vec<Principal>>,
    start: &Principal,
) -> Option<Vec<Principal>> {
    // The way to each group that can be reached, by the group before it.
    let mut before: BTreeMap<&Principal, &Principal> = BTreeMap::new();
    let mut open = vec![start];
    while let Some(group) = open.pop() {
        for member in groups.get(group).into_iter().flatten() {
            if member == start {
                let mut way = vec![start.clone()];
                let mut at = group;
                while at != start {
                    way.push(at.clone());
                    at = before.get(at)?;
                }
                way.push(start.clone());
                way.reverse();
                return Some(way);
            }
            if groups.contains_key(member) && !before.contains_key(member) {
                before.insert(member, group);
                open.push(member);
            }
        }
    }
    None
}

/// The people of a group, through all groups within it.
pub(super) fn members(
    groups: &BTreeMap<Principal, Vec<Principal>>,
    group: &Principal,
) -> BTreeSet<Principal> {
    let mut seen: BTreeSet<&Principal> = BTreeSet::new();
    let mut open = vec![group];
    let mut people = BTreeSet::new();
    while let Some(group) = open.pop() {
        if seen.insert(group) {
            for member in groups.get(group).into_iter().flatten() {
                if member.is_person() {
                    people.insert(member.clone());
                } else {
                    open.push(member);
                }
            }
        }
    }
    people
}

/// Absences that are looked through for one person at the most; who writes more than that has other worries.
const STEPS: usize = 10_000;

/// The way around a circle of people who stand in for each other, through the absence number `absence` of `start`, and when
/// all of them are out.
pub(super) fn circle_of_stand_ins(
    people: &BTreeMap<Principal, Person>,
    start: &Principal,
    absence: usize,
) -> Option<(Vec<Principal>, Period)> {
    let first = people.get(start)?.out.get(absence)?;
    let mut open = vec![(vec![start.clone()], first.period, first.stand_in.as_ref()?)];
    for _ in 0..STEPS {
        let (way, period, next) = open.pop()?;
        let mut way = way;
        way.push(next.clone());
        if next == start {
            return Some((way, period));
        }
        if way.iter().filter(|one| *one == next).count() > 1 {
            continue;
        }
        for out in people.get(next).into_iter().flat_map(|person| &person.out) {
            let both = Period { from: period.from.max(out.period.from), to: period.to.min(out.period.to) };
            if let Some(stand_in) = out.stand_in.as_ref().filter(|_| both.from < both.to) {
                open.push((way.clone(), both, stand_in));
            }
        }
    }
    None
}
