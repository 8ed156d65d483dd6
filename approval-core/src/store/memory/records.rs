//! Named records.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::{
    clock::Timestamp,
    store::{CommitOutcome, Condition, Record, RecordName, RecordWrite},
};

type Map = BTreeMap<RecordName, Record>;

/// All records. Nearly every commit has a condition on one (the halts), few write: hence readers beside each other.
#[derive(Debug, Default)]
pub(super) struct Records(RwLock<Map>);

/// What a commit holds while it is checked and applied.
#[derive(Debug)]
pub(super) enum Held<'a> {
    /// It neither asks nor writes.
    Nothing,
    /// It asks.
    Read(RwLockReadGuard<'a, Map>),
    /// It writes.
    Write(RwLockWriteGuard<'a, Map>),
}

impl Records {
    pub(super) fn hold(&self, conditions: &[Condition], writes: &[RecordWrite]) -> Held<'_> {
        if !writes.is_empty() {
            Held::Write(self.0.write().unwrap_or_else(PoisonError::into_inner))
        } else if !conditions.is_empty() {
            Held::Read(self.read())
        } else {
            Held::Nothing
        }
    }

    pub(super) fn get(&self, name: &RecordName) -> Option<Record> {
        self.read().get(name).cloned()
    }

    /// Names that begin with `prefix` and come after `after`.
    pub(super) fn list(&self, prefix: &str, after: Option<&RecordName>, limit: usize) -> Vec<Record> {
        let prefix_name = RecordName::new(prefix);
        let from = match after {
            Some(after) if *after >= prefix_name => Bound::Excluded(after),
            _ => Bound::Included(&prefix_name),
        };
        self.read()
            .range::<RecordName, _>((from, Bound::Unbounded))
            .map(|(_, record)| record)
            .take_while(|record| record.name.as_str().starts_with(prefix))
            .take(limit)
            .cloned()
            .collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Map> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held<'_> {
    /// The first condition that does not hold, as the answer to the commit.
    pub(super) fn refuses(&self, conditions: &[Condition]) -> Option<CommitOutcome> {
        conditions.iter().find_map(|condition| {
            let found = match self {
                Self::Nothing => None,
                Self::Read(map) => map.get(condition.name()),
                Self::Write(map) => map.get(condition.name()),
            };
            (!condition.holds(found.map(|record| record.version))).then(|| CommitOutcome::ConditionFailed {
                name: condition.name().clone(),
                found: found.cloned(),
            })
        })
    }

    pub(super) fn apply(&mut self, writes: Vec<RecordWrite>, at: Timestamp) {
        // `hold` took the lock for writing if there are writes.
        let Self::Write(map) = self else { return };
        for RecordWrite { name, value } in writes {
            match value {
                Some(value) => {
                    // No record is written so often that its version ends.
                    let version = map.get(&name).map_or(1, |record| record.version.saturating_add(1));
                    map.insert(name.clone(), Record { name, version, value, updated_at: at });
                }
                None => drop(map.remove(&name)),
            }
        }
    }
}
