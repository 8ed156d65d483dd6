//! What the store knows, and what its rules are. Nothing here touches the disk.

use std::{collections::BTreeMap, sync::Arc};

use approval_core::{
    clock::Timestamp,
    id::{ExecutorId, RequestId},
    model::{Delivery, EventLine, OutboxNotice, Request},
    store::{Change, Commit, CommitOutcome, Expect, JournalLine, Record, RecordName, StoreError, Stored},
};
use serde::{Deserialize, Serialize};

/// What the file holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// The latest moment that was given out: a clock that is set back must not revive anything.
    pub time: Option<Timestamp>,
    pub rows: BTreeMap<RequestId, Row>,
    pub records: BTreeMap<RecordName, Record>,
    pub journal: Vec<JournalLine>,
}

/// A request with all that hangs on it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Row {
    /// `None`: there are only notices about it.
    pub stored: Option<Stored>,
    pub events: Vec<EventLine>,
    pub notices: Vec<Outgoing>,
}

impl Row {
    /// The namespace of the request, and of the notices about it.
    pub fn namespace(&self) -> &str {
        self.stored.as_ref().map_or(Request::DEFAULT_NAMESPACE, |stored| &stored.request.namespace)
    }
}

/// A notice, and who delivers it at the moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outgoing {
    pub notice: OutboxNotice,
    pub lease: Option<(ExecutorId, Timestamp)>,
}

impl Outgoing {
    /// From when on anybody may claim it; `None` once it needs nobody.
    pub fn claimable_at(&self) -> Option<Timestamp> {
        let Delivery::Waiting { next_at, .. } = self.notice.delivery else { return None };
        Some(self.lease.map_or(next_at, |(_, until)| until.max(next_at)))
    }
}

impl State {
    pub fn find(&self, key: &str) -> Option<Stored> {
        let mut all = self.rows.values().filter_map(|row| row.stored.as_ref());
        all.find(|stored| stored.request.key.as_deref() == Some(key)).cloned()
    }

    /// Why a change cannot be written: version or key first, then time, then conditions. `None`: it can. An error: it makes no
    /// sense, whatever is there.
    pub fn objection(&self, commit: &Commit, now: Timestamp) -> Result<Option<CommitOutcome>, StoreError> {
        commit.subject()?;
        if let Some(row) = &commit.row {
            let request = row.document.request();
            let found = self.rows.get(&request.id).and_then(|row| row.stored.clone());
            match (row.expect, &found) {
                (Expect::Absent, None) => {
                    if let Some(owner) = request.key.as_deref().and_then(|key| self.find(key)) {
                        return Ok(Some(CommitOutcome::KeyTaken(owner)));
                    }
                }
                (Expect::Version(version), Some(stored)) if stored.version == version => {}
                _ => return Ok(Some(CommitOutcome::Conflict(found))),
            }
            let history = self.rows.get(&request.id).map_or(&[][..], |row| &row.events);
            if commit.events.first().is_some_and(|new| history.last().is_some_and(|last| new.seq <= last.seq))
            {
                return Err(StoreError::unavailable("the history has a line of that number already"));
            }
        }
        if !commit.in_time(now) {
            return Ok(Some(CommitOutcome::OutsideTime { now }));
        }
        Ok(commit.conditions.iter().find_map(|condition| {
            let found = self.records.get(condition.name()).cloned();
            let holds = condition.holds(found.as_ref().map(|record| record.version));
            (!holds).then(|| CommitOutcome::ConditionFailed { name: condition.name().clone(), found })
        }))
    }

    /// Writes a change that nothing speaks against, and says what listeners are to be told.
    pub fn write(&mut self, commit: Commit, now: Timestamp) -> (u64, Vec<Change>) {
        let (mut version, mut changes) = (0, Vec::new());
        if let Some(row) = commit.row {
            let request = Arc::clone(row.document.request());
            let id = request.id;
            let mine = self.rows.entry(id).or_default();
            version = mine.stored.as_ref().map_or(1, |before| before.version + 1);
            mine.stored = Some(Stored { version, request });
            mine.events.extend(commit.events);
            changes.push(Change::Request { id, stored: mine.stored.clone() });
        }
        if !commit.notices.is_empty() {
            changes.push(Change::Notices);
        }
        for notice in commit.notices {
            self.rows.entry(notice.request).or_default().notices.push(Outgoing { notice, lease: None });
        }
        for write in commit.writes {
            let name = write.name;
            let before = self.records.remove(&name);
            if let Some(value) = write.value {
                let version = before.map_or(1, |record| record.version + 1);
                let record = Record { name: name.clone(), version, value, updated_at: now };
                self.records.insert(name.clone(), record);
            }
            changes.push(Change::Record(name));
        }
        (version, changes)
    }
}
