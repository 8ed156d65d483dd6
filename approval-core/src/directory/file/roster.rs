//! The people of an organisation, and what holds of them at a moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{names::Names, outline::Outline, person::Person, stand_ins};
use crate::{
    clock::Timestamp,
    directory::{Profile, Reach, calendar::Rotation},
    model::{People, Principal, PrincipalKind, Priority, Source, Text},
};

/// The people of an organisation: plain data, read from a file and checked. What holds at a moment are pure functions of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    pub(super) names: Names,
    pub(super) people: BTreeMap<Principal, Person>,
    /// Other spellings of people, as far as they are listed.
    pub(super) aliases: BTreeMap<Principal, Principal>,
    /// Groups and roles, nested groups resolved.
    pub(super) groups: BTreeMap<Principal, BTreeSet<Principal>>,
    pub(super) rotations: BTreeMap<Principal, Rotation>,
    /// What channels call people.
    pub(super) identities: BTreeMap<(Text, Text), Principal>,
    /// What is written, also where it is left out on purpose.
    pub(super) outline: Outline,
    /// The text that it was read from.
    source: Option<Arc<Source>>,
}

impl Roster {
    /// These people, read from this text.
    pub(crate) fn with_source(mut self, source: Source) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The text that it was read from, where that is known: where a whole `approvals.yaml` was
    /// read.
    #[must_use]
    pub fn source(&self) -> Option<Arc<Source>> {
        self.source.clone()
    }

    /// What holds at a moment, and a later moment until which it does. `None`: as long as can be seen.
    #[must_use]
    pub fn people(&self, now: Timestamp) -> (People, Option<Timestamp>) {
        let mut people = People {
            groups: self.groups.clone(),
            aliases: self.aliases.clone(),
            known: Some(self.people.keys().cloned().collect()),
            ..People::default()
        };
        let mut until: Option<Timestamp> = None;
        let mut ends = |moment: Option<Timestamp>| {
            if let Some(moment) = moment.filter(|moment| *moment > now) {
                until = Some(until.map_or(moment, |until| until.min(moment)));
            }
        };
        for (id, person) in &self.people {
            if !person.delegates.is_empty() {
                people.delegates.insert(id.clone(), person.delegates.clone());
            }
            let change = person.schedule.next_change(now);
            ends(change);
            if !person.schedule.is_open(now) {
                people.absent.insert(id.clone(), change);
            }
            for out in &person.out {
                ends(Some(out.period.from));
                ends(Some(out.period.to));
            }
        }
        let stand_ins = stand_ins::at(&self.people, now).into_iter();
        people.stand_ins.extend(stand_ins.map(|(who, by)| (who.clone(), by.clone())));
        for (name, rotation) in &self.rotations {
            let hand_over = rotation.next_hand_over(now);
            ends(hand_over);
            people.hand_overs.extend(hand_over.map(|at| (name.clone(), at)));
            people.groups.insert(name.clone(), rotation.on_call(now).cloned().into_iter().collect());
        }
        (people, until)
    }

    /// The one name of a person however addressed: by id, alias or mail address, in any case, with any plus tag. `None`:
    /// no person of that name is listed, or it is no person.
    #[must_use]
    pub fn canonical(&self, spelled: &Principal) -> Option<&Principal> {
        if spelled.kind() == PrincipalKind::User { self.names.find(spelled.name()) } else { None }
    }

    /// Whether a principal that may approve is listed: a person however addressed, a group, a role, a rotation.
    #[must_use]
    pub fn knows(&self, principal: &Principal) -> bool {
        self.canonical(principal).is_some()
            || self.groups.contains_key(principal)
            || self.rotations.contains_key(principal)
    }

    /// Everybody and everything that may approve: people, groups, roles, rotations.
    pub fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.people.keys().chain(self.groups.keys()).chain(self.rotations.keys())
    }

    /// How a person wants to be notified at a moment of something of this priority.
    #[must_use]
    pub fn reach(&self, person: &Principal, priority: Priority, at: Timestamp) -> Reach {
        self.person(person).map(|person| person.reach(priority, at)).unwrap_or_default()
    }

    /// What is known of a person.
    #[must_use]
    pub fn profile(&self, person: &Principal) -> Option<Profile> {
        self.person(person).map(Person::profile)
    }

    /// Whom a channel knows under an identity of its own. A mail address leads to the person who has the mailbox.
    #[must_use]
    pub fn identify(&self, channel: &str, identity: &str) -> Option<&Principal> {
        if channel == "email" && identity.contains('@') {
            return self.names.find(identity);
        }
        self.identities.get(&(channel.into(), identity.into()))
    }

    fn person(&self, spelled: &Principal) -> Option<&Person> {
        self.people.get(spelled).or_else(|| self.people.get(self.canonical(spelled)?))
    }
}
