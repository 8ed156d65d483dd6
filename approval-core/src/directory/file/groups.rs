//! What groups come to, through all groups within them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{model::Principal, yaml::MISTAKE_LIMIT};

/// How many members all groups and roles together may have, where the members of a group within a group count again.
pub(super) const MEMBERSHIPS_LIMIT: usize = 250_000;

/// Groups and roles as they are written: people by their ids, and other groups.
pub(super) type Written = BTreeMap<Principal, Vec<Principal>>;

/// Why groups come to nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Ways around circles of groups within each other; each begins and ends at the group whose name is first.
    Circles(Vec<Vec<Principal>>),
    /// With this group there are more members than there may be.
    TooMany(Principal),
}

/// How far a group was looked into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    /// It stands on the way to the group that is looked into.
    Open,
    Done,
}

/// The people of each group and role. Each is looked into once, however many contain it, and without recursion.
pub(super) fn resolve(written: &Written) -> Result<BTreeMap<Principal, BTreeSet<Principal>>, Unusable> {
    let mut search = Search {
        written,
        states: written.keys().map(|name| (name, State::New)).collect(),
        people: BTreeMap::new(),
        memberships: 0,
        circles: Vec::new(),
    };
    for name in written.keys() {
        search.look_into(name)?;
    }
    if search.circles.is_empty() { Ok(search.people) } else { Err(Unusable::Circles(search.circles)) }
}

struct Search<'w> {
    written: &'w Written,
    states: BTreeMap<&'w Principal, State>,
    people: BTreeMap<Principal, BTreeSet<Principal>>,
    memberships: usize,
    circles: Vec<Vec<Principal>>,
}

/// A group on the way, and its groups that are not looked into yet.
struct Open<'w> {
    name: &'w Principal,
    rest: Vec<&'w Principal>,
}

impl<'w> Search<'w> {
    fn look_into(&mut self, name: &'w Principal) -> Result<(), Unusable> {
        let mut way: Vec<Open<'w>> = Vec::new();
        way.extend(self.open(name));
        while let Some(open) = way.last_mut() {
            let Some(next) = open.rest.pop() else {
                let name = open.name;
                way.truncate(way.len().saturating_sub(1));
                self.close(name)?;
                continue;
            };
            if self.states.get(next) == Some(&State::Open) {
                if self.circles.len() < MISTAKE_LIMIT {
                    self.circles.push(circle(&way, next));
                }
                continue;
            }
            way.extend(self.open(next));
        }
        Ok(())
    }

    /// Begins with a group, unless it was looked into.
    fn open(&mut self, name: &'w Principal) -> Option<Open<'w>> {
        let state = self.states.get_mut(name).filter(|state| **state == State::New)?;
        *state = State::Open;
        let groups: BTreeSet<&Principal> =
            self.written.get(name)?.iter().filter(|member| !member.is_person()).collect();
        Some(Open { name, rest: groups.into_iter().rev().collect() })
    }

    /// Puts together the people of a group of which all groups within it are done.
    fn close(&mut self, name: &'w Principal) -> Result<(), Unusable> {
        self.states.insert(name, State::Done);
        if !self.circles.is_empty() {
            return Ok(()); // Only circles are looked for now.
        }
        let mut people = BTreeSet::new();
        for member in self.written.get(name).into_iter().flatten() {
            let within = self.people.get(member);
            self.memberships = self.memberships.saturating_add(within.map_or(1, BTreeSet::len));
            if self.memberships > MEMBERSHIPS_LIMIT {
                return Err(Unusable::TooMany(name.clone()));
            }
            match within {
                Some(within) => people.extend(within.iter().cloned()),
                None => {
                    people.insert(member.clone());
                }
            }
        }
        self.people.insert(name.clone(), people);
        Ok(())
    }
}

/// The way around the circle that is closed by `at`, which stands on the way.
fn circle(way: &[Open<'_>], at: &Principal) -> Vec<Principal> {
    let from = way.iter().skip_while(|open| open.name != at).map(|open| open.name.clone());
    around(from.collect())
}

/// A way around, from the first by name back to it.
pub(super) fn around(mut way: Vec<Principal>) -> Vec<Principal> {
    let first = way.iter().enumerate().min_by_key(|(_, name)| *name).map_or(0, |(place, _)| place);
    way.rotate_left(first);
    way.extend(way.first().cloned());
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(number: usize) -> Principal {
        Principal::new(&format!("group:g{number:05}")).unwrap()
    }

    fn user(number: usize) -> Principal {
        Principal::new(&format!("user:u{number:05}")).unwrap()
    }

    /// Each group with what is written in it.
    fn written(members: impl IntoIterator<Item = Vec<Principal>>) -> Written {
        members.into_iter().enumerate().map(|(number, members)| (group(number), members)).collect()
    }

    #[test]
    fn a_long_chain_of_groups_leads_to_its_end_on_a_small_stack() {
        let chain = written((0..20_000).map(|n| vec![if n < 19_999 { group(n + 1) } else { user(0) }]));
        let people = std::thread::Builder::new()
            .stack_size(64 * 1024)
            .spawn(move || resolve(&chain).unwrap())
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(people.len(), 20_000);
        assert!(people.values().all(|people| people.iter().eq([&user(0)])));
    }

    #[test]
    fn circles_are_found_wherever_they_close_and_each_once() {
        for (members, expected) in [
            (vec![vec![0]], vec![vec![0, 0]]),
            (vec![vec![1], vec![0]], vec![vec![0, 1, 0]]),
            (vec![vec![1], vec![2], vec![1]], vec![vec![1, 2, 1]]),
            (vec![vec![2, 2], vec![0], vec![1]], vec![vec![0, 2, 1, 0]]),
            (vec![vec![1], vec![0, 2], vec![1]], vec![vec![0, 1, 0], vec![1, 2, 1]]),
        ] {
            let written =
                written(members.iter().map(|group_of| group_of.iter().copied().map(group).collect()));
            let circles = expected.into_iter().map(|way: Vec<usize>| way.into_iter().map(group).collect());
            assert_eq!(resolve(&written), Err(Unusable::Circles(circles.collect())), "{members:?}");
        }
        // A long way around, and more circles than are listed.
        let long = written((0..20_000).map(|n| vec![group((n + 1) % 20_000)]));
        let Err(Unusable::Circles(circles)) = resolve(&long) else { panic!("a circle") };
        assert_eq!((circles.len(), circles[0].len()), (1, 20_001));
        let many = written((0..5_000).map(|n| vec![group(0), group((n + 1) % 5_000)]));
        let Err(Unusable::Circles(circles)) = resolve(&many) else { panic!("circles") };
        assert_eq!(circles.len(), MISTAKE_LIMIT);
    }

    #[test]
    fn members_are_counted_through_groups_within_groups() {
        // Each contains the one before it: 1 + 2 + 3 + … members.
        let nested = |count: usize| {
            written((0..count).map(|n| {
                let before = n.checked_sub(1).map(group);
                before.into_iter().chain([user(n)]).collect()
            }))
        };
        let people = resolve(&nested(706)).unwrap();
        assert_eq!(people[&group(705)].len(), 706);
        assert_eq!(
            resolve(&nested(707)),
            Err(Unusable::TooMany(group(706))),
            "707 * 708 / 2 is more than 250,000"
        );
        // One that many contain counts for each of them, also where nobody comes in addition.
        let everybody = (0..1_000).map(user).collect::<Vec<_>>();
        let contain =
            |count: usize| written([everybody.clone()].into_iter().chain((0..count).map(|_| vec![group(0)])));
        assert!(resolve(&contain(249)).is_ok());
        assert_eq!(resolve(&contain(250)), Err(Unusable::TooMany(group(250))));
        // A net of many ways: 2^2,000 of them.
        let net = written((0..4_000_usize).map(|n| {
            let next = (n / 2 + 1) * 2;
            if next < 4_000 { vec![group(next), group(next + 1)] } else { vec![user(n)] }
        }));
        assert_eq!(resolve(&net).unwrap()[&group(0)].len(), 2);
    }
}
