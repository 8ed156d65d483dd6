//! People who stand in for each other while all of them are out of office.

use std::collections::BTreeMap;

use super::{groups::around, person::Person};
use crate::{clock::Timestamp, model::Principal, yaml::MISTAKE_LIMIT};

/// How many people may stand in for each other in a row.
pub(super) const STAND_INS_LIMIT: usize = 100;

/// What is wrong with stand-ins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// A way around a circle; it begins and ends at the person whose name is first.
    Circle(Vec<Principal>),
    /// Behind this person more people stand in for each other than may.
    TooLong(Principal),
}

/// Circles of people who stand in for each other, and rows that are too long, each with the first moment at which all of
/// them are out.
///
/// At any moment a person has at most one stand-in. So the moments at which absences begin and end are looked at in their
/// order: what is new leads through one of those whose absences do.
pub(super) fn wrong(people: &BTreeMap<Principal, Person>) -> Vec<(Timestamp, Wrong)> {
    let everybody: Vec<(&Principal, &Person)> = people.iter().collect();
    let places: BTreeMap<&Principal, usize> =
        everybody.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
    let mut changes: BTreeMap<Timestamp, Vec<usize>> = BTreeMap::new();
    for (place, (_, person)) in everybody.iter().enumerate() {
        for out in &person.out {
            changes.entry(out.period.from).or_default().push(place);
            changes.entry(out.period.to).or_default().push(place);
        }
    }
    // By person: who stands in at the moment.
    let mut stand_ins: BTreeMap<usize, usize> = BTreeMap::new();
    let mut found: Vec<(Timestamp, Wrong)> = Vec::new();
    for (moment, mut changed) in changes {
        changed.sort_unstable();
        changed.dedup();
        for place in &changed {
            let person = everybody.get(*place).map(|(_, person)| person);
            let stand_in = person.and_then(|person| person.out(moment)?.stand_in.as_ref());
            stand_ins.remove(place);
            if let Some(by) = stand_in.and_then(|id| places.get(id)) {
                stand_ins.insert(*place, *by);
            }
        }
        for place in changed {
            let Some(wrong) = follow(place, &stand_ins, &everybody) else { continue };
            if !found.iter().any(|(_, known)| *known == wrong) {
                found.push((moment, wrong));
            }
            if found.len() >= MISTAKE_LIMIT {
                return found;
            }
        }
    }
    found
}

/// Follows those who stand in for a person, and for each other.
fn follow(
    start: usize,
    stand_ins: &BTreeMap<usize, usize>,
    everybody: &[(&Principal, &Person)],
) -> Option<Wrong> {
    let name = |place: &usize| everybody.get(*place).map(|(id, _)| (*id).clone());
    let mut way = vec![start];
    while let Some(next) = way.last().and_then(|last| stand_ins.get(last)) {
        if *next == start {
            return Some(Wrong::Circle(around(way.iter().filter_map(name).collect())));
        }
        if way.contains(next) {
            return None; // A circle that does not lead through this person was found before.
        }
        if way.len() > STAND_INS_LIMIT {
            return name(&start).map(Wrong::TooLong);
        }
        way.push(*next);
    }
    None
}

/// Who stands in for each of those who are out of office at a moment: the first in the row who is not. Left out, where a row
/// ends without one, or leads in a circle.
pub(super) fn at(people: &BTreeMap<Principal, Person>, now: Timestamp) -> BTreeMap<&Principal, &Principal> {
    let mut found: BTreeMap<&Principal, Option<&Principal>> = BTreeMap::new();
    for person in people.values().filter(|person| person.out(now).is_some()) {
        let mut way = Vec::new();
        let mut at = person;
        let by = loop {
            if let Some(by) = found.get(&at.id) {
                break *by;
            }
            // What comes back here leads in a circle.
            found.insert(&at.id, None);
            way.push(&at.id);
            let stand_in = at.out(now).and_then(|out| out.stand_in.as_ref());
            match stand_in.and_then(|id| people.get(id)) {
                None => break None,
                Some(next) if next.out(now).is_none() => break Some(&next.id),
                Some(next) => at = next,
            }
        };
        found.extend(way.into_iter().map(|id| (id, by)));
    }
    found.into_iter().filter_map(|(id, by)| Some((id, by?))).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::directory::file::tests::{at, p, read};

    /// People who are out of office, each with the absences written.
    fn people(absences: &[(&str, &str, &str, &str)]) -> Result<usize, String> {
        let mut text = "people:\n  user:z:\n".to_owned();
        let mut names: Vec<&str> = absences.iter().map(|(who, ..)| *who).collect();
        names.dedup();
        for name in names {
            let own = absences.iter().filter(|(who, ..)| *who == name);
            let own: Vec<String> = own
                .map(|(_, from, until, by)| {
                    format!("{{from: 2026-08-{from}, until: 2026-08-{until}, stand_in: user:{by}}}")
                })
                .collect();
            writeln!(text, "  user:{name}: {{out_of_office: [{}]}}", own.join(", ")).unwrap();
        }
        read(&text).map(|roster| roster.people.len())
    }

    #[test]
    fn circles_are_told_where_all_are_out_at_one_moment() {
        let circle = |absences: &[(&str, &str, &str, &str)], way: &str| {
            let told = people(absences).unwrap_err();
            assert!(told.contains(way) && told.ends_with("1 mistake in approvals.yaml"), "{told}");
        };
        circle(
            &[("a", "01", "09", "b"), ("b", "05", "12", "a")],
            "from 2026-08-05T00:00:00Z: user:a -> user:b -> user:a",
        );
        // It closes when another absence ends, and goes on through a second one.
        circle(
            &[("a", "01", "20", "b"), ("b", "02", "04", "z"), ("b", "01", "20", "a")],
            "from 2026-08-01T00:00:00Z: user:a -> user:b -> user:a",
        );
        circle(
            &[("a", "01", "20", "b"), ("b", "01", "04", "z"), ("b", "01", "20", "a")],
            "from 2026-08-05T00:00:00Z: user:a -> user:b -> user:a",
        );
        // Those who lead into it are not on it.
        circle(
            &[("a", "01", "20", "b"), ("b", "01", "20", "c"), ("c", "02", "20", "b")],
            "from 2026-08-02T00:00:00Z: user:b -> user:c -> user:b",
        );
        for fine in [
            &[("a", "01", "04", "b"), ("b", "05", "12", "a")][..],
            &[("a", "01", "09", "b"), ("b", "05", "12", "c"), ("c", "10", "12", "a")],
            &[("a", "01", "09", "b"), ("b", "01", "09", "z"), ("b", "03", "04", "a")],
        ] {
            assert!(people(fine).is_ok(), "{fine:?}: {:?}", people(fine));
        }
    }

    #[test]
    fn rows_of_stand_ins_are_bounded_and_followed_to_their_end() {
        let row = |count: usize| {
            let mut text = format!("people:\n  user:p{count}:\n");
            for number in 0..count {
                let absence =
                    format!("{{from: 2026-08-01, until: 2026-08-09, stand_in: user:p{}}}", number + 1);
                writeln!(text, "  user:p{number}: {{out_of_office: {absence}}}").unwrap();
            }
            read(&text)
        };
        let roster = row(STAND_INS_LIMIT).unwrap();
        let found = super::at(&roster.people, at("2026-08-05T00:00:00Z"));
        assert_eq!(found.len(), STAND_INS_LIMIT);
        assert!(found.values().all(|by| **by == p("user:p100")));
        assert_eq!(super::at(&roster.people, at("2026-08-10T00:00:00Z")), BTreeMap::new());
        let told = row(STAND_INS_LIMIT + 1).unwrap_err();
        assert!(
            told.contains("people.user:p0: more than 100 people stand in for each other in a row"),
            "{told}"
        );
        assert!(row(5_000).unwrap_err().contains("100 mistakes or more"));
    }
}
