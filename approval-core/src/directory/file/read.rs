//! Reading the section `directory:`.
//!
//! A value that cannot be read is noted as a mistake, which refuses the whole file. What reading goes on with in its place, to find
//! further mistakes, never counts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::{
    Roster,
    names::{Names, mailbox},
    outline::Outline,
    person::Person,
    read_groups, read_person, read_rotation,
    read_time::{self, Named},
    stand_ins::{self, STAND_INS_LIMIT, Wrong},
};
use crate::{
    model::{Principal, PrincipalKind},
    yaml::{Entry, Fields, Item},
};

pub(super) const KEYS: [&str; 9] =
    ["time_zone", "hours", "holidays", "defaults", "people", "retired", "groups", "roles", "on_call"];

/// How many days all calendars of holidays together may have.
const HOLIDAYS_LIMIT: usize = 100_000;

/// What is known while reading.
pub(super) struct Reading {
    /// Where nothing else is said.
    pub(super) zone: TimeZone,
    pub(super) named: Named,
    /// What people want who say nothing else.
    pub(super) defaults: read_person::Wishes,
    pub(super) names: Names,
    /// Everybody, by id, for suggestions.
    pub(super) ids: BTreeSet<Principal>,
}

impl Roster {
    /// Reads the section `directory:` of a file. `None`: something is wrong with it, and that is noted in the document, all of
    /// it at once.
    #[must_use]
    pub fn read(section: &Item<'_>) -> Option<Self> {
        let fields = section.map(&KEYS)?;
        let people = fields.required("people").and_then(|item| item.entries()).unwrap_or_default();
        let mut reading = Reading::new(&fields);
        let mut roster = Self::default();
        roster.outline = Outline::new(&fields, &reading.zone);
        let listed = reading.people(people, &mut roster);
        for (id, item) in &listed {
            if let Some(person) = read_person::read(id, item, &reading, &mut roster.outline) {
                roster.people.insert(id.clone(), person);
            }
        }
        reading.retired(&fields, &mut roster);
        read_groups::read(&fields, &listed, &reading, &mut roster);
        read_rotation::read(&fields, &reading, &mut roster);
        stand_ins(&listed, &roster.people);
        roster.names = reading.names;
        section.document().is_clean().then_some(roster)
    }
}

impl Reading {
    fn new(fields: &Fields<'_>) -> Self {
        let mut named = Named::default();
        let mut days = HOLIDAYS_LIMIT;
        for Entry { key, value } in
            fields.optional("hours").and_then(|item| item.entries()).unwrap_or_default()
        {
            let hours = if value.is_map() { read_time::hours(&value, &BTreeMap::new()) } else { None };
            if hours.is_none() && !value.is_map() {
                value.wrong_with("is not a map of days", "write { mon-fri: 09:00-17:00 }");
            }
            // Also where something is wrong, so that those who use it do not get the mistake that it is missing.
            named.hours.insert(key.text().unwrap_or_default().to_owned(), hours.unwrap_or_default());
        }
        for Entry { key, value } in
            fields.optional("holidays").and_then(|item| item.entries()).unwrap_or_default()
        {
            let name = key.text().unwrap_or_default().to_owned();
            named.holidays.insert(name, read_time::holidays(&value, &mut days).into());
        }
        let defaults = fields.optional("defaults").and_then(|item| item.map(&read_person::DEFAULTS));
        let defaults = read_person::Wishes::read(|key| read_person::written(defaults.as_ref()?, key), &named);
        Self {
            zone: fields
                .optional("time_zone")
                .and_then(|item| read_time::zone(&item))
                .unwrap_or(TimeZone::UTC),
            named,
            defaults,
            names: Names::default(),
            ids: BTreeSet::new(),
        }
    }

    /// Who there is, under which names. Names of people are known before anything else is read, whatever stands first.
    fn people<'a>(&mut self, entries: Vec<Entry<'a>>, roster: &mut Roster) -> Vec<(Principal, Item<'a>)> {
        let mut listed: Vec<(Principal, Item<'a>)> = Vec::with_capacity(entries.len());
        for Entry { key, value } in entries {
            let Some(id) = key.parse::<Principal>() else { continue };
            if self.ids.contains(&id) {
                key.wrong_with(format!("{id} stands here twice"), "put everything into one entry");
            } else if id.is_person() {
                self.claim(&key, id.name(), &id, roster);
                self.ids.insert(id.clone());
                listed.push((id, value));
            } else {
                key.wrong_with(format!("`{id}` is no person"), "people are named user:…");
            }
        }
        for (id, item) in &listed {
            for name in read_person::names(item) {
                self.claim(&name.item, &name.text, id, roster);
            }
        }
        listed
    }

    /// Names that lead to no person any more, on purpose.
    fn retired(&self, fields: &Fields<'_>, roster: &mut Roster) {
        for item in fields.optional("retired").and_then(|item| item.list()).unwrap_or_default() {
            let Some(name) = item.parse::<Principal>() else { continue };
            if !name.is_person() {
                item.wrong_with(format!("`{name}` is no person"), "people are named user:…");
            } else if let Some(owner) = self.names.find(name.name()) {
                item.wrong_with(
                    format!("`{name}` is a name of {owner}"),
                    "list here what leads to no person any more",
                );
            } else {
                roster.outline.retired.insert(mailbox(name.name()));
            }
        }
    }

    /// Notes a name of a person, unless it is another person's: one of the two could vote as both.
    fn claim(&mut self, item: &Item<'_>, name: &str, id: &Principal, roster: &mut Roster) {
        if let Some(owner) = self.names.add(name, id) {
            item.wrong_with(
                format!("`{name}` is {owner} already, in another spelling or by another address"),
                "one person has one entry, and one address leads to one person",
            );
        } else if let Ok(alias) = Principal::user(name)
            && alias != *id
        {
            roster.aliases.insert(alias, id.clone());
        }
    }

    /// The id of a person who must be listed.
    pub(super) fn known_person(&self, item: &Item<'_>) -> Option<Principal> {
        let spelled = item.parse::<Principal>()?;
        if spelled.kind() != PrincipalKind::User {
            item.wrong_with(format!("`{spelled}` is no person"), "name a person, user:…");
            return None;
        }
        let found = self.names.find(spelled.name()).cloned();
        if found.is_none() {
            let ids = self.ids.iter().map(Principal::as_str);
            let hint = match item.nearest(spelled.as_str(), ids) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add an entry under `directory.people`".to_owned(),
            };
            item.wrong_with(format!("no person is listed as `{spelled}`"), hint);
        }
        found
    }
}

/// Notes people who stand in for each other while all of them are out.
fn stand_ins(listed: &[(Principal, Item<'_>)], people: &BTreeMap<Principal, Person>) {
    for (moment, wrong) in stand_ins::wrong(people) {
        let (first, message) = match &wrong {
            Wrong::Circle(way) => {
                let names: Vec<&str> = way.iter().map(Principal::as_str).collect();
                let way_of = names.join(" -> ");
                let all = "people stand in for each other while all are out of office";
                (way.first(), format!("{all}, from {moment}: {way_of}"))
            }
            Wrong::TooLong(person) => {
                let row = format!("more than {STAND_INS_LIMIT} people stand in for each other in a row");
                (Some(person), format!("{row}, from {moment}"))
            }
        };
        // Reported once, at the one whose id is first.
        if let Some((_, item)) = listed.iter().find(|(id, _)| Some(id) == first) {
            item.wrong_with(message, "name a stand-in who is there");
        }
    }
}
