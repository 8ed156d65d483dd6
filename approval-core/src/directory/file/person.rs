//! What the directory knows of a person.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    clock::Timestamp,
    directory::{
        Profile, Reach,
        calendar::{Digest, Period, QuietHours, Schedule},
    },
    model::{Principal, Priority, Text},
};

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) id: Principal,
    pub(super) name: Option<Text>,
    /// Mail goes to the first.
    pub(super) emails: Vec<Text>,
    /// What channels call the person.
    pub(super) identities: BTreeMap<Text, Text>,
    /// Absences out of office included.
    pub(super) schedule: Schedule,
    pub(super) out: Vec<OutOfOffice>,
    pub(super) channels: Channels,
    pub(super) quiet: Option<QuietHours>,
    pub(super) digest: Option<Digest>,
    /// To whom a seat may be handed on: people and groups.
    pub(super) delegates: BTreeSet<Principal>,
}

/// An absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutOfOffice {
    pub(super) period: Period,
    pub(super) stand_in: Option<Principal>,
}

/// Through which channels a person wants to be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Channels {
    pub(super) by_priority: BTreeMap<Priority, Vec<Text>>,
    /// For the other priorities. `None`: through every channel.
    pub(super) other: Option<Vec<Text>>,
}

impl Person {
    pub(super) fn profile(&self) -> Profile {
        let mut profile = Profile::new(self.id.clone(), self.schedule.zone.clone());
        profile.name.clone_from(&self.name);
        profile.addresses.clone_from(&self.identities);
        if let Some(email) = self.emails.first() {
            profile.addresses.insert("email".into(), Text::clone(email));
        }
        profile
    }

    pub(super) fn reach(&self, priority: Priority, at: Timestamp) -> Reach {
        let quiet_until = |at| self.quiet.as_ref().and_then(|quiet| quiet.until(priority, at));
        let next_digest = self.digest.as_ref().map(|digest| {
            let next = digest.next(at);
            quiet_until(next).unwrap_or(next)
        });
        let up_to = self.digest.as_ref().and_then(|digest| digest.up_to);
        Reach {
            channels: self.channels.by_priority.get(&priority).or(self.channels.other.as_ref()).cloned(),
            quiet_until: quiet_until(at),
            next_digest,
            in_digest: up_to.is_some_and(|up_to| priority <= up_to),
        }
    }

    /// The absence that a moment lies in.
    pub(super) fn out(&self, at: Timestamp) -> Option<&OutOfOffice> {
        self.out.iter().find(|out| out.period.contains(at))
    }
}
