//! How far back a halt looks for idempotent actions that may run again.
//!
//! A record of the namespace holds the longest time between the opening of a request and the end of the right to run again.
//! Requests that were opened longer ago have no such right, and a halt does not read them.

use std::{
    num::NonZeroU64,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize};

use super::Core;
use crate::{
    clock::Timestamp,
    id::RequestId,
    lifecycle,
    model::{ExecutionState, Request},
    store::{
        Commit, CommitOutcome, Condition, Query, Record, RecordName, RecordWrite, StoreError, unfinished,
    },
};

/// Prefix of the name of the record; the namespace follows.
const RERUNS: &str = "reruns";
/// How far back a halt looks at least, in milliseconds: eight days.
const AT_LEAST: u64 = 8 * 24 * 60 * 60 * 1000;
/// How often the record is written again when others write at the same time.
const ROUNDS: usize = 100;

/// What the record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Longest {
    /// Milliseconds between the opening of a request and the end of its right to run again. None has more.
    millis: u64,
    /// Whether that holds for every request of the namespace, also for those of versions that did not write this record.
    complete: bool,
}

/// Notes the longest time for which an action of this namespace may run again.
#[derive(Debug)]
pub(crate) struct Reruns {
    record: RecordName,
    /// The record holds at least this.
    noted: AtomicU64,
}

impl Reruns {
    pub(crate) fn new(namespace: &str) -> Self {
        Self { record: RecordName::new(format!("{RERUNS}/{namespace}")), noted: AtomicU64::new(0) }
    }

    /// Notes for how long a request may run again, before it is written. Touches the store only when that is longer than
    /// for any other.
    ///
    /// # Errors
    /// When it cannot be noted: the request must not be written then.
    pub(super) async fn note(&self, core: &Core, request: &Request) -> Result<(), StoreError> {
        match duration(request) {
            Some(millis) if millis.get() > self.noted.load(Ordering::Acquire) => {
                Box::pin(self.raise(core, millis.get(), false)).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Requests with this id or a lower one cannot run again. `None`: any may, since it was not noted for all of them.
    pub(super) async fn oldest(&self, core: &Core, now: Timestamp) -> Result<Option<RequestId>, StoreError> {
        let Some(record) = core.store.record(&self.record).await? else { return Ok(None) };
        let Longest { millis, complete } = parse(&record)?;
        let now = u64::try_from(now.as_millisecond())
            .map_err(|_| StoreError::unavailable("the store's clock is before 1970"))?;
        // At least some days: programs of an earlier version on the same store do not raise the record.
        Ok(complete.then(|| RequestId::before(now.saturating_sub(millis.max(AT_LEAST)))))
    }

    /// Every request of the namespace was read, and `longest` is the longest [`duration`] among them.
    pub(super) async fn complete(&self, core: &Core, longest: u64) -> Result<(), StoreError> {
        self.raise(core, longest, true).await
    }

    async fn raise(&self, core: &Core, millis: u64, complete: bool) -> Result<(), StoreError> {
        for _ in 0..ROUNDS {
            let record = core.store.record(&self.record).await?;
            let before = record.as_ref().map(parse).transpose()?;
            let after = match before {
                Some(before) => {
                    Longest { millis: before.millis.max(millis), complete: before.complete || complete }
                }
                None => Longest { millis, complete: complete || self.is_first(core).await? },
            };
            if before == Some(after) || self.write(core, record.as_ref(), after).await? {
                self.noted.fetch_max(after.millis, Ordering::AcqRel);
                return Ok(());
            }
        }
        Err(StoreError::unavailable("others kept changing how far back halts look; try again"))
    }

    async fn write(
        &self,
        core: &Core,
        record: Option<&Record>,
        longest: Longest,
    ) -> Result<bool, StoreError> {
        let name = self.record.clone();
        let value = serde_json::to_vec(&longest)
            .map_err(|e| StoreError::unreadable(format!("the record {name} cannot be written: {e}")))?;
        let condition = match record {
            Some(record) => Condition::Version(name.clone(), record.version),
            None => Condition::Absent(name.clone()),
        };
        let writes = vec![RecordWrite { name, value: Some(value) }];
        let commit = Commit { conditions: vec![condition], writes, ..Commit::default() };
        Ok(matches!(core.store.commit(commit).await?, CommitOutcome::Committed { .. }))
    }

    /// Whether nothing in this namespace may run yet, or again: no request was missed by the record.
    async fn is_first(&self, core: &Core) -> Result<bool, StoreError> {
        let execution = vec![
            ExecutionState::NotStarted,
            ExecutionState::Executing,
            ExecutionState::Failed,
            ExecutionState::Unknown,
        ];
        let namespace = Some(core.settings.namespace.clone());
        let query = Query { execution, namespace, limit: 1, ..Query::default() };
        Ok(core.store.list(&query).await?.items.is_empty())
    }
}

/// Milliseconds between the opening of a request, as its id tells it, and the end of its right to run again. `None`: it has
/// none. Rounded up to a power of two, so that the record is written a few times at the most.
pub(super) fn duration(request: &Request) -> Option<NonZeroU64> {
    let until = lifecycle::rerun_until(request)?;
    // What cannot be written in milliseconds since 1970 has no bound.
    let until = u64::try_from(until.as_millisecond()).unwrap_or(u64::MAX).saturating_add(1);
    let millis = until.saturating_sub(request.id.opened_millis());
    // What is too long for a power of two has no bound.
    NonZeroU64::new(millis.checked_next_power_of_two().unwrap_or(u64::MAX))
}

fn parse(record: &Record) -> Result<Longest, StoreError> {
    unfinished::refuse(&record.value)?;
    serde_json::from_slice(&record.value)
        .map_err(|e| StoreError::unreadable(format!("the record {} cannot be read: {e}", record.name)))
}
