//! The halts in force, as this process last saw them.

use std::{sync::Arc, time::Duration};

use super::Core;
use crate::{
    approval_error::ApprovalError,
    clock::Timestamp,
    model::Halts,
    store::{Condition, HALTS, Record, RecordName, StoreError, unfinished},
    sync::{Mutex, lock},
};

/// How old the view may be that an allowed call relies on.
const FRESH: Duration = Duration::from_secs(1);

/// The halts in force, and the version of the record that says so.
#[derive(Clone, Debug)]
pub(crate) struct HaltView(Arc<Seen>);

#[derive(Debug)]
struct Seen {
    halts: Halts,
    version: Option<u64>,
    name: RecordName,
    read_at: Timestamp,
}

impl HaltView {
    pub(crate) fn halts(&self) -> &Halts {
        &self.0.halts
    }

    /// That nothing has changed since.
    pub(crate) fn condition(&self) -> Condition {
        let name = self.0.name.clone();
        self.0.version.map_or_else(
            || Condition::Absent(name.clone()),
            |version| Condition::Version(name.clone(), version),
        )
    }
}

/// Remembers the halts.
#[derive(Debug)]
pub(crate) struct HaltWatch {
    name: RecordName,
    seen: Mutex<Option<HaltView>>,
}

impl HaltWatch {
    pub(crate) fn new() -> Self {
        Self { name: RecordName::new(HALTS), seen: Mutex::new(None) }
    }

    pub(crate) const fn name(&self) -> &RecordName {
        &self.name
    }

    /// The halts for a change that is checked again when it is written: any view will do.
    pub(crate) async fn view(&self, core: &Core) -> Result<HaltView, ApprovalError> {
        let seen = lock(&self.seen).clone();
        match seen {
            Some(view) => Ok(view),
            None => self.read(core).await,
        }
    }

    /// The halts for a call that nothing checks again: at most one second old by the process's clock.
    pub(crate) async fn fresh(&self, core: &Core) -> Result<HaltView, ApprovalError> {
        let now = core.clock.now();
        let seen = lock(&self.seen).clone();
        let age = |view: &HaltView| Duration::try_from(now.duration_since(view.0.read_at)).ok();
        match seen {
            Some(view) if age(&view).is_some_and(|age| age < FRESH) => Ok(view),
            _ => self.read(core).await,
        }
    }

    /// The record changed, or may have.
    pub(crate) fn forget(&self) {
        *lock(&self.seen) = None;
    }

    async fn read(&self, core: &Core) -> Result<HaltView, ApprovalError> {
        let read_at = core.clock.now();
        let record = core.store.record(&self.name).await?;
        let version = record.as_ref().map(|record| record.version);
        let halts = record.map(|record| parse(&record)).transpose()?.unwrap_or_default();
        let view = HaltView(Arc::new(Seen { halts, version, name: self.name.clone(), read_at }));
        *lock(&self.seen) = Some(view.clone());
        Ok(view)
    }
}

/// Reads the record of the halts.
pub(crate) fn parse(record: &Record) -> Result<Halts, StoreError> {
    unfinished::refuse(&record.value)?;
    serde_json::from_slice(&record.value)
        .map_err(|e| StoreError::unreadable(format!("the record {} cannot be read: {e}", record.name)))
}
