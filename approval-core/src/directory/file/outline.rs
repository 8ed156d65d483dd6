//! What a section `directory` writes down, so that a later one does not loosen it by leaving something out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::{Roster, names::mailbox, person::Person};
use crate::{
    model::Principal,
    yaml::{Fields, Item},
};

/// Sections of which each entry makes a principal. A person excluded by it is no longer excluded once it is left out.
const GROUPS: [&str; 3] = ["groups", "roles", "on_call"];
/// When people work. Without it, deadlines run and rules approve by silence while no person is there.
const TIMES: [&str; 3] = ["time_zone", "hours", "holidays"];

/// What is written, also where it is left out on purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outline {
    /// Keys that are there, as in `defaults.hours` and `people.user:ann.time_zone`.
    mentioned: BTreeSet<String>,
    /// Those of them that say something.
    given: BTreeSet<String>,
    /// What the section says of the zone, if it is not that of all who say nothing.
    zone: Option<TimeZone>,
    /// Groups, roles and rotations with an entry of their own.
    entries: BTreeMap<&'static str, BTreeSet<Principal>>,
    /// Names that lead to no person on purpose.
    pub(super) retired: BTreeSet<String>,
}

impl Outline {
    pub(super) fn new(fields: &Fields<'_>, zone: &TimeZone) -> Self {
        let mut outline =
            Self { zone: Some(zone.clone()).filter(|zone| *zone != TimeZone::UTC), ..Self::default() };
        for key in ["time_zone"].into_iter().chain(GROUPS) {
            outline.note(key.to_owned(), fields.optional(key).as_ref());
        }
        for key in ["hours", "holidays"] {
            let path = format!("defaults.{key}");
            let item = fields.below(&path);
            outline.note(path, item.as_ref());
        }
        outline
    }

    fn note(&mut self, path: String, item: Option<&Item<'_>>) {
        let Some(item) = item else { return };
        if !item.is_none() && !item.has_nothing() {
            self.given.insert(path.clone());
        }
        self.mentioned.insert(path);
    }

    /// Notes what is written of a person.
    pub(super) fn note_person(&mut self, id: &Principal, fields: &Fields<'_>) {
        for key in TIMES {
            self.note(of_person(id, key), fields.optional(key).as_ref());
        }
    }

    /// Notes that a group, role or rotation has an entry.
    pub(super) fn note_entry(&mut self, section: &'static str, name: Principal) {
        self.entries.entry(section).or_default().insert(name);
    }

    fn has_entry(&self, section: &str, name: &Principal) -> bool {
        self.entries.get(section).is_some_and(|names| names.contains(name))
    }

    /// Whether `path` says something here, and is not mentioned in `after`.
    fn lost(&self, path: &str, after: &Self) -> bool {
        self.given.contains(path) && !after.mentioned.contains(path)
    }
}

fn of_person(id: &Principal, key: &str) -> String {
    format!("people.{id}.{key}")
}

/// A key of the section, and what to write there to leave it out on purpose.
fn left_out(path: &str, write: impl Into<String>) -> (String, String) {
    (format!("`directory.{path}`"), write.into())
}

impl Roster {
    /// What this section writes down and `after` does not mention, each with the text that leaves it out on purpose.
    pub(crate) fn left_out_by(&self, after: &Self) -> Vec<(String, String)> {
        let mut missing = Vec::new();
        if self.outline.zone.is_some() && self.outline.lost("time_zone", &after.outline) {
            missing.push(left_out("time_zone", "time_zone: UTC"));
        }
        for key in ["hours", "holidays"] {
            let path = format!("defaults.{key}");
            if self.outline.lost(&path, &after.outline) {
                missing.push(left_out(&path, format!("{key}: none")));
            }
        }
        for section in GROUPS {
            self.groups_left_out_by(after, section, &mut missing);
        }
        for (id, person) in &self.people {
            // Perhaps by another id now.
            let now = after.canonical(id).and_then(|id| after.people.get(id));
            if let Some(now) = now {
                self.times_left_out_by(after, (person, now), &mut missing);
            }
        }
        self.names_left_out_by(after, &mut missing);
        missing
    }

    fn groups_left_out_by(&self, after: &Self, section: &str, missing: &mut Vec<(String, String)>) {
        let has_members = |name: &&Principal| {
            self.rotations.contains_key(*name)
                || self.groups.get(*name).is_some_and(|people| !people.is_empty())
        };
        let names = self.outline.entries.get(section).into_iter().flatten().filter(has_members);
        let mut gone = names.filter(|name| !after.outline.has_entry(section, name)).peekable();
        if gone.peek().is_none() {
            return;
        }
        if !after.outline.mentioned.contains(section) {
            missing.push(left_out(section, format!("{section}: none")));
        } else if after.outline.given.contains(section) {
            let entry = |name: &Principal| {
                left_out(&format!("{section}.{}", name.name()), format!("{}: none", name.name()))
            };
            missing.extend(gone.map(entry));
        }
    }

    /// When a person works.
    fn times_left_out_by(
        &self,
        after: &Self,
        (before, now): (&Person, &Person),
        missing: &mut Vec<(String, String)>,
    ) {
        let lost = |key: &str| {
            self.outline.given.contains(&of_person(&before.id, key))
                && !after.outline.mentioned.contains(&of_person(&now.id, key))
        };
        let path = |key: &str| of_person(&now.id, key);
        if before.schedule.hours.is_none() {
            return;
        }
        if now.schedule.hours.is_none() {
            if lost("hours") {
                missing.push(left_out(&path("hours"), "hours: none"));
            }
            return;
        }
        if lost("holidays") && now.schedule.holidays.is_empty() {
            missing.push(left_out(&path("holidays"), "holidays: none"));
        }
        if lost("time_zone") && before.schedule.zone != now.schedule.zone {
            let zone = now.schedule.zone.iana_name().unwrap_or("UTC");
            missing.push(left_out(&path("time_zone"), format!("time_zone: {zone}")));
        }
    }

    /// Names of people who are still there. A name that leads to no person is another person to every rule about oneself.
    fn names_left_out_by(&self, after: &Self, missing: &mut Vec<(String, String)>) {
        let mut names: BTreeMap<&Principal, Vec<&str>> = BTreeMap::new();
        for (name, person) in self.names.all() {
            names.entry(person).or_default().push(name);
        }
        for (person, names) in names {
            if !names.iter().any(|name| after.names.find(name).is_some()) {
                continue;
            }
            for name in names {
                // What no call can name splits no person, and `retired` could not name it either.
                let may_be_named = Principal::user(name).is_ok();
                if may_be_named
                    && after.names.find(name).is_none()
                    && !after.outline.retired.contains(&mailbox(name))
                {
                    let what = format!("the name `{name}` of {person} in `directory`");
                    missing.push((what, format!("retired: [user:{name}]")));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{read, read_person, read_rotation};
    use crate::file::ApprovalsFile;

    /// Keys of the section that a later one must mention: a section with it, one without it, and what to write there.
    const STATEMENTS: [(&str, &str, &str, &str); 11] = [
        (
            "time_zone",
            "time_zone: Europe/Berlin, people: {user:ann: }",
            "people: {user:ann: }",
            "time_zone: UTC",
        ),
        (
            "defaults.hours",
            "people: {user:ann: }, defaults: {hours: {mon-fri: 09:00-17:00}}",
            "people: {user:ann: }, defaults: {}",
            "hours: none",
        ),
        (
            "defaults.holidays",
            "people: {user:ann: }, holidays: {de: [12-25]}, defaults: {hours: {daily: 09:00-17:00}, holidays: de}",
            "people: {user:ann: }, defaults: {hours: {daily: 09:00-17:00}}",
            "holidays: none",
        ),
        (
            "groups",
            "people: {user:ann: }, groups: {a: [user:ann], b: [user:ann]}",
            "people: {user:ann: }, groups: {a: [user:ann]}",
            "b: none",
        ),
        (
            "roles",
            "people: {user:ann: }, roles: {a: [user:ann], b: [user:ann]}",
            "people: {user:ann: }, roles: {a: [user:ann]}",
            "b: none",
        ),
        (
            "on_call",
            "people: {user:ann: }, on_call: {a: {start: 2026-01-05 09:00, turn: 1w, members: [user:ann]}, b: {start: 2026-01-05 09:00, turn: 1w, members: [user:ann]}}",
            "people: {user:ann: }, on_call: {b: {start: 2026-01-05 09:00, turn: 1w, members: [user:ann]}}",
            "a: none",
        ),
        (
            "people.aliases",
            "people: {user:ann: {aliases: [user:anne, user:anna]}}",
            "people: {user:ann: {aliases: [user:anne]}}",
            "retired: [user:anna]",
        ),
        (
            "people.email",
            "people: {user:ann: {email: [ann@example.com, a@example.com]}}",
            "people: {user:ann: {email: a@example.com}}",
            "retired: [user:ann@example.com]",
        ),
        (
            "people.time_zone",
            "people: {user:ann: {time_zone: Asia/Tokyo, hours: {daily: 09:00-17:00}}}",
            "people: {user:ann: {hours: {daily: 09:00-17:00}}}",
            "time_zone: UTC",
        ),
        (
            "people.hours",
            "people: {user:ann: {hours: {daily: 09:00-17:00}}}",
            "people: {user:ann: {name: Ann}}",
            "hours: none",
        ),
        (
            "people.holidays",
            "holidays: {de: [12-25]}, people: {user:ann: {hours: {daily: 09:00-17:00}, holidays: de}}",
            "holidays: {de: [12-25]}, people: {user:ann: {hours: {daily: 09:00-17:00}}}",
            "holidays: none",
        ),
    ];

    /// Keys that a later section may leave out, and why that loosens nothing.
    const FREE: [(&str, &str); 22] = [
        ("retired", "it restricts nothing; names are looked at by themselves"),
        ("hours", "people who name them must have them"),
        ("holidays", "people who name them must have them"),
        ("defaults", "each of its keys is looked at by itself"),
        ("people", "a person who is not listed may not decide"),
        ("defaults.channels", "they say how people are informed"),
        ("defaults.quiet_hours", "they say when people are informed"),
        ("defaults.digest", "it says when people are informed"),
        ("people.name", "it is shown"),
        ("people.slack", "no person decides by an identity that leads to none"),
        ("people.identities", "no person decides by an identity that leads to none"),
        ("people.channels", "they say how the person is informed"),
        ("people.quiet_hours", "they say when the person is informed"),
        ("people.digest", "it says when the person is informed"),
        ("people.out_of_office", "the person is back, and the stand-in may not decide any more"),
        ("people.delegates", "the seat may be handed to no other person then"),
        ("people.roles", "as the members of a group"),
        ("on_call.start", "a rotation must have it"),
        ("on_call.turn", "a rotation must have it"),
        ("on_call.members", "a rotation must have them"),
        ("on_call.overrides", "they say who is on call"),
        ("on_call.time_zone", "it says when the rotation is handed over"),
    ];

    fn missing(before: &str, after: &str) -> Vec<String> {
        let file = |section: &str| {
            let text = format!("directory: {{{section}}}");
            match ApprovalsFile::parse("approvals.yaml", &text) {
                Ok(file) => file.directory.unwrap(),
                Err(mistakes) => panic!("{text}: {mistakes}"),
            }
        };
        file(before).left_out_by(&file(after)).into_iter().map(|(_, write)| write).collect()
    }

    #[test]
    fn every_key_of_the_section_is_a_statement_or_loosens_nothing() {
        let below = |section: &str, keys: &[&str]| -> Vec<String> {
            keys.iter().map(|key| format!("{section}.{key}")).collect()
        };
        let mut keys: Vec<String> = read::KEYS.iter().map(|key| (*key).to_owned()).collect();
        keys.extend(below("defaults", &read_person::DEFAULTS));
        keys.extend(below("people", &read_person::KEYS));
        keys.extend(below("on_call", &read_rotation::KEYS));
        for key in &keys {
            let stated = STATEMENTS.iter().any(|(one, ..)| one == key);
            let free = FREE.iter().any(|(one, _)| one == key);
            assert!(stated != free, "{key}: what follows from leaving it out? See STATEMENTS and FREE.");
        }
        for known in STATEMENTS.iter().map(|(key, ..)| key).chain(FREE.iter().map(|(key, _)| key)) {
            assert!(keys.iter().any(|key| key == known), "{known} is no key");
        }
    }

    #[test]
    fn what_restricts_is_left_out_only_by_name() {
        for (key, before, after, write) in STATEMENTS {
            assert_eq!(missing(before, after), [write], "{key}");
            assert!(missing(before, before).is_empty(), "{key}");
            assert!(missing(after, before).is_empty(), "more is no loosening: {key}");
        }
        for (before, stated) in [
            (STATEMENTS[0].1, "people: {user:ann: }, time_zone: UTC"),
            (STATEMENTS[0].1, "people: {user:ann: }, time_zone: Europe/London"),
            (STATEMENTS[1].1, "people: {user:ann: }, defaults: {hours: none}"),
            (
                STATEMENTS[2].1,
                "people: {user:ann: }, defaults: {hours: {daily: 09:00-17:00}, holidays: none}",
            ),
            (STATEMENTS[2].1, "people: {user:ann: }, defaults: {hours: none, holidays: none}"),
            (STATEMENTS[3].1, "people: {user:ann: }, groups: {a: [user:ann], b: none}"),
            (STATEMENTS[3].1, "people: {user:ann: }, groups: none"),
            (STATEMENTS[4].1, "people: {user:ann: }, roles: {a: none, b: none}"),
            (STATEMENTS[5].1, "people: {user:ann: }, on_call: {a: none, b: none}"),
            (STATEMENTS[5].1, "people: {user:ann: }, on_call: none"),
            (STATEMENTS[6].1, "people: {user:ann: {aliases: [user:anne]}}, retired: [user:anna]"),
            (STATEMENTS[6].1, "people: {user:ann: {aliases: [user:anne]}, user:anna: }"),
            (STATEMENTS[6].1, "people: {user:bob: }"),
            (STATEMENTS[6].1, "people: {user:anne: {aliases: [user:ann, user:anna]}}"),
            (STATEMENTS[7].1, "people: {user:ann: {email: a@example.com, aliases: [user:Ann@Example.com]}}"),
            (STATEMENTS[8].1, "people: {user:ann: {time_zone: UTC, hours: {daily: 09:00-17:00}}}"),
            (STATEMENTS[8].1, "people: {user:ann: {hours: none}}"),
            (STATEMENTS[9].1, "people: {user:ann: {hours: none}}"),
            (STATEMENTS[9].1, "people: {user:ann: }, defaults: {hours: {mon-fri: 09:00-17:00}}"),
            (STATEMENTS[9].1, "people: {user:bob: }"),
            (STATEMENTS[10].1, "people: {user:ann: {hours: {daily: 09:00-17:00}, holidays: none}}"),
        ] {
            let missing = missing(before, stated);
            assert!(missing.is_empty(), "{before} to {stated}: {missing:?}");
        }
        assert_eq!(missing(STATEMENTS[3].1, "people: {user:ann: }"), ["groups: none"], "all of them at once");
        // By another id and without the earlier one, a person would count as another one.
        let renamed = "people: {user:anne: {aliases: [user:anna]}}";
        assert_eq!(missing(STATEMENTS[6].1, renamed), ["retired: [user:ann]"]);
    }

    #[test]
    fn a_name_that_no_call_can_have_may_go() {
        for name in ["o'brien@example.com", "a&b@example.com"] {
            let before = format!("people: {{user:ann: {{email: [\"{name}\", a@example.com]}}}}");
            let left = missing(&before, "people: {user:ann: {email: a@example.com}}");
            assert!(left.is_empty(), "{name}: {left:?} could not be written");
        }
    }

    #[test]
    fn a_name_is_not_retired_and_in_use() {
        for (section, wanted) in [
            ("people: {user:ann: }, retired: [user:ann]", "is a name of user:ann"),
            (
                "people: {user:ann: {email: ann@example.com}}, retired: [user:ann+x@example.com]",
                "is a name of",
            ),
            ("people: {user:ann: }, retired: [group:ann]", "is no person"),
        ] {
            let text = format!("directory: {{{section}}}");
            let mistakes = ApprovalsFile::parse("approvals.yaml", &text).unwrap_err().to_string();
            assert!(mistakes.contains(wanted), "{mistakes}");
        }
    }

    #[test]
    fn nobody_is_in_a_group_or_on_call_that_is_left_out_on_purpose() {
        let text = "directory:\n  people: {user:ann: {hours: none}}\n  groups: {a: none}\n  on_call: {b: none}\n  \
                    defaults: {hours: {mon-fri: 09:00-17:00}}\n\
                    policy: {rules: [{name: c, ask: {approvers: [group:a, on_call:b, user:ann]}}]}\n";
        let file = ApprovalsFile::parse("approvals.yaml", text).unwrap();
        let sunday = "2026-01-04T10:00:00Z".parse().unwrap();
        let (people, _) = file.directory.unwrap().people(sunday);
        assert!(people.groups.len() == 2 && people.groups.values().all(BTreeSet::is_empty));
        assert!(people.absent.is_empty(), "she has no hours");
    }
}
