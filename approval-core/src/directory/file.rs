//! The directory that a file writes down: the section `directory:` of `approvals.yaml`.
//!
//! ```
//! use approval_core::{directory::file::Roster, yaml::Document};
//!
//! let text = "
//! time_zone: Europe/Berlin
//! hours:
//!   office: { mon-fri: 09:00-17:00 }
//! people:
//!   user:ann@example.com: { hours: office, slack: U012AB3CD, quiet_hours: 22:00-07:00, digest: 17:00 }
//!   user:bob@example.com:
//!     out_of_office: { from: 2026-08-03, until: 2026-08-14, stand_in: user:ann@example.com }
//! groups:
//!   finance: [user:ann@example.com, user:bob@example.com]
//! on_call:
//!   payments: { start: 2026-01-05 09:00, turn: 1w, members: [user:ann@example.com, user:bob@example.com] }
//! ";
//! let document = Document::parse("approvals.yaml", text)?;
//! let roster = Roster::read(&document.root()).expect("no mistakes");
//! document.finish()?;
//! let summer = "2026-08-05T10:00:00Z".parse()?;
//! let (people, _) = roster.people(summer);
//! assert_eq!(people.stand_ins.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where a file that is read again leaves out a zone, hours, holidays, or an entry of `groups`, `roles` or `on_call`, it must write
//! so: `time_zone: UTC`, `hours: none`, `holidays: none`, `finance: none`. A mail address or alias that leads to no person any more
//! stands under `retired`, as in `retired: [user:old@example.com]`, or the person would be two people to rules about one's own
//! requests. See [`WatchedFile`](crate::file::WatchedFile).
//!
//! All times of the day are civil times of a zone: the person's, else that of the directory, else UTC.
//!
//! A request that names `on_call:payments` asks the person on call when it is opened and, at each hand-over while it is open,
//! the next person, once. Those who handed over may still decide.

mod check;
mod groups;
mod names;
mod outline;
mod person;
mod read;
mod read_groups;
mod read_person;
mod read_rotation;
mod read_time;
mod roster;
mod stand_ins;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Weak};

use async_trait::async_trait;

use super::{Directory, DirectoryError, Profile, Reach};
use crate::{
    clock::Timestamp,
    model::{People, Principal, PrincipalKind, Priority, Reload, Source, SourceKind},
    policy::{ReloadListener, ReloadListeners},
    sync::{Mutex, lock},
};

pub use roster::Roster;

/// The people of a file. Shared: give the manager a clone, and [`replace`](Self::replace) what it says through another when
/// the file has changed.
#[derive(Clone, Debug)]
pub struct FileDirectory(Arc<Mutex<Inside>>, Arc<ReloadListeners>);

#[derive(Debug)]
struct Inside {
    roster: Arc<Roster>,
    /// Counts the rosters and the snapshots.
    version: u64,
    snapshot: Option<Snapshot>,
}

/// What holds from one moment until something changes: a person goes to work or home, on call is handed over.
#[derive(Clone, Debug)]
struct Snapshot {
    from: Timestamp,
    until: Option<Timestamp>,
    people: Arc<People>,
}

impl FileDirectory {
    /// A directory of these people.
    #[must_use]
    pub fn new(roster: Roster) -> Self {
        let inside = Inside { roster: Arc::new(roster), version: 0, snapshot: None };
        Self(Arc::new(Mutex::new(inside)), Arc::default())
    }

    /// From now on it says this.
    pub fn replace(&self, roster: Roster) {
        let to = roster.source();
        let mut inside = lock(&self.0);
        let from = std::mem::replace(&mut inside.roster, Arc::new(roster)).source();
        inside.snapshot = None;
        drop(inside);
        if let Some(reload) = Reload::between(SourceKind::Directory, from, to) {
            self.1.tell(&reload);
        }
    }

    /// What it says.
    #[must_use]
    pub fn roster(&self) -> Arc<Roster> {
        Arc::clone(&lock(&self.0).roster)
    }

    fn snapshot(&self, now: Timestamp) -> Arc<People> {
        let mut inside = lock(&self.0);
        let holds = |one: &&Snapshot| one.from <= now && one.until.is_none_or(|until| now < until);
        if let Some(snapshot) = inside.snapshot.as_ref().filter(holds) {
            return Arc::clone(&snapshot.people);
        }
        let (mut people, until) = inside.roster.people(now);
        inside.version += 1;
        people.version = inside.version;
        let people = Arc::new(people);
        inside.snapshot = Some(Snapshot { from: now, until, people: Arc::clone(&people) });
        people
    }
}

#[async_trait]
impl Directory for FileDirectory {
    async fn people(&self, principals: &[&Principal], now: Timestamp) -> Result<Arc<People>, DirectoryError> {
        let people = self.snapshot(now);
        // There is no end of plus tags: those that a person uses are distinguished here.
        let unheard = |who: &&&Principal| {
            who.kind() == PrincipalKind::User
                && !people.aliases.contains_key(**who)
                && people.known.as_ref().is_some_and(|known| !known.contains(**who))
        };
        let unheard: Vec<&Principal> = principals.iter().filter(unheard).copied().collect();
        if unheard.is_empty() {
            return Ok(people);
        }
        let roster = self.roster();
        let found: Vec<_> = unheard.iter().filter_map(|who| Some((*who, roster.canonical(who)?))).collect();
        if found.is_empty() {
            return Ok(people);
        }
        let mut people = People::clone(&people);
        people.aliases.extend(found.into_iter().map(|(who, person)| (who.clone(), person.clone())));
        Ok(Arc::new(people))
    }

    async fn reach(
        &self,
        person: &Principal,
        priority: Priority,
        at: Timestamp,
    ) -> Result<Reach, DirectoryError> {
        Ok(self.roster().reach(person, priority, at))
    }

    async fn profile(&self, person: &Principal) -> Result<Option<Profile>, DirectoryError> {
        Ok(self.roster().profile(person))
    }

    async fn identify(&self, channel: &str, identity: &str) -> Result<Option<Principal>, DirectoryError> {
        Ok(self.roster().identify(channel, identity).cloned())
    }

    fn source(&self) -> Option<Arc<Source>> {
        lock(&self.0).roster.source()
    }

    fn subscribe(&self, listener: Weak<dyn ReloadListener>) {
        self.1.add(listener);
    }
}
