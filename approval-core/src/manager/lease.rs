//! One lease row a process. Only a lost lease turns what a process executes into "unknown".

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Core;
use crate::{
    approval_error::ApprovalError,
    clock::{Span, Timestamp, after},
    id::ExecutorId,
    lifecycle::{Act, Command},
    model::{Execution, ExecutionState, LibraryPart, Principal},
    store::{Commit, CommitOutcome, Condition, Query, Record, RecordName, RecordWrite, StoreError},
    sync::{Mutex, lock},
};

const PREFIX: &str = "lease/";

/// How long a lease lasts unless it is renewed, which happens at a third of it.
pub(crate) const DEFAULT_LEASE_TTL: Span = Span::from_secs(30);

/// The record of a process's lease.
pub(crate) fn record_of(executor: ExecutorId) -> RecordName {
    RecordName::new(format!("{PREFIX}{executor}"))
}

#[derive(Debug, Serialize, Deserialize)]
struct LeaseValue {
    expires_at: Timestamp,
    agent: Principal,
}

#[derive(Debug, Clone)]
struct Held {
    executor: ExecutorId,
    version: u64,
}

/// This process's lease. Taken when the first grant is about to be spent.
#[derive(Debug)]
pub(crate) struct Lease {
    ttl: Span,
    held: Mutex<Option<Held>>,
    taking: tokio::sync::Mutex<()>,
}

impl Lease {
    pub(crate) fn new(ttl: Span) -> Self {
        Self { ttl, held: Mutex::new(None), taking: tokio::sync::Mutex::new(()) }
    }

    /// How often it is renewed.
    pub(crate) fn renewal(&self) -> Span {
        self.ttl / 3
    }

    /// How long a claim of notices keeps others away: long enough that a living process prolongs it in time.
    pub(crate) fn of_notices(&self) -> Span {
        self.ttl.saturating_mul(2)
    }

    fn current(&self) -> Option<Held> {
        lock(&self.held).clone()
    }

    /// The name under which this process may execute; takes a lease if there is none.
    pub(crate) async fn executor(&self, core: &Core) -> Result<ExecutorId, ApprovalError> {
        if let Some(held) = self.current() {
            return Ok(held.executor);
        }
        let _only_one = self.taking.lock().await;
        if let Some(held) = self.current() {
            return Ok(held.executor);
        }
        let now = core.now().await?;
        let executor = ExecutorId::generate(now);
        match core
            .store
            .commit(self.write(core, executor, now, Condition::Absent(record_of(executor)))?)
            .await?
        {
            CommitOutcome::Committed { .. } => {
                *lock(&self.held) = Some(Held { executor, version: 1 });
                Ok(executor)
            }
            CommitOutcome::Conflict(_)
            | CommitOutcome::KeyTaken(_)
            | CommitOutcome::OutsideTime { .. }
            | CommitOutcome::ConditionFailed { .. } => {
                Err(StoreError::unavailable("the lease of this process could not be written").into())
            }
        }
    }

    fn write(
        &self,
        core: &Core,
        executor: ExecutorId,
        now: Timestamp,
        condition: Condition,
    ) -> Result<Commit, ApprovalError> {
        let value = LeaseValue { expires_at: after(now, self.ttl), agent: core.settings.agent.clone() };
        let value = serde_json::to_vec(&value)
            .map_err(|e| StoreError::unreadable(format!("a lease cannot be written: {e}")))?;
        Ok(Commit {
            conditions: vec![condition],
            writes: vec![RecordWrite { name: record_of(executor), value: Some(value) }],
            ..Commit::default()
        })
    }

    /// Renews the lease, if there is one. A lease that another process took away is forgotten: the next execution takes a
    /// new one under a new name.
    pub(crate) async fn renew(&self, core: &Core) -> Result<(), ApprovalError> {
        let Some(held) = self.current() else { return Ok(()) };
        let now = core.now().await?;
        let commit =
            self.write(core, held.executor, now, Condition::Version(record_of(held.executor), held.version))?;
        match core.store.commit(commit).await? {
            CommitOutcome::Committed { .. } => {
                if let Some(current) =
                    lock(&self.held).as_mut().filter(|current| current.executor == held.executor)
                {
                    current.version = held.version + 1;
                }
            }
            CommitOutcome::ConditionFailed { found: Some(found), .. } => {
                // A renewal whose answer was lost.
                if let Some(current) =
                    lock(&self.held).as_mut().filter(|current| current.executor == held.executor)
                {
                    current.version = found.version;
                }
            }
            CommitOutcome::Conflict(_)
            | CommitOutcome::KeyTaken(_)
            | CommitOutcome::OutsideTime { .. }
            | CommitOutcome::ConditionFailed { .. } => self.lost(held.executor),
        }
        Ok(())
    }

    fn lost(&self, executor: ExecutorId) {
        tracing::warn!(%executor, "this process lost its lease: what it executes now counts as unknown until it reports");
        lock(&self.held).take_if(|held| held.executor == executor);
    }

    /// Whether this process still executes under that name, as far as it knows.
    pub(crate) fn is_held(&self, executor: ExecutorId) -> bool {
        self.current().is_some_and(|held| held.executor == executor)
    }

    /// A commit found a record that was not as it should be. If it was to be there and is a lease, that is gone, and does not
    /// come back: also when it was noticed before, and there is another one by now.
    ///
    /// # Errors
    /// When a lease is gone.
    pub(crate) fn missed(&self, name: &RecordName, found: Option<&Record>) -> Result<(), ApprovalError> {
        if found.is_some() || !name.as_str().starts_with(PREFIX) {
            return Ok(());
        }
        if let Some(held) = self.current().filter(|held| record_of(held.executor) == *name) {
            self.lost(held.executor);
        }
        Err(StoreError::unavailable("this process lost its lease; try again").into())
    }

    /// Gives the lease back, unless something still executes under it.
    pub(crate) async fn give_back(&self, core: &Core) -> Result<(), ApprovalError> {
        let Some(held) = self.current() else { return Ok(()) };
        let query = Query {
            execution: vec![ExecutionState::Executing],
            executor: Some(held.executor),
            limit: 1,
            ..Query::default()
        };
        if core.store.list(&query).await?.items.is_empty() {
            let name = record_of(held.executor);
            let commit = Commit {
                conditions: vec![Condition::Version(name.clone(), held.version)],
                writes: vec![RecordWrite { name, value: None }],
                ..Commit::default()
            };
            core.store.commit(commit).await?;
            lock(&self.held).take_if(|current| current.executor == held.executor);
        }
        Ok(())
    }
}

/// Takes away leases that ran out, and notes what those processes left executing. Returns whether there may be more.
pub(crate) async fn sweep(core: &Arc<Core>) -> Result<(), ApprovalError> {
    let mut after: Option<RecordName> = None;
    // Nothing is taken away from a store that is not whole yet.
    core.halts.view(core).await?;
    let mut failed = None;
    loop {
        let records = core.store.records(PREFIX, after.as_ref(), 100).await?;
        let Some(last) = records.last() else { break };
        after = Some(last.name.clone());
        let now = core.now().await?;
        for record in &records {
            if let Err(error) = take_away(core, record, now).await {
                go_on_after(core, error, &mut failed).await?;
            }
        }
    }
    note_lost(core, &mut failed).await?;
    failed.map_or(Ok(()), Err)
}

/// Remembers the first error: one lease, or one request, keeps the others from nothing.
///
/// # Errors
/// The same, when the others would fail as well.
async fn go_on_after(
    core: &Core,
    error: ApprovalError,
    failed: &mut Option<ApprovalError>,
) -> Result<(), ApprovalError> {
    if !core.goes_on_after(&error).await {
        return Err(error);
    }
    failed.get_or_insert(error);
    Ok(())
}

async fn take_away(core: &Core, record: &Record, now: Timestamp) -> Result<(), ApprovalError> {
    let value: LeaseValue = serde_json::from_slice(&record.value)
        .map_err(|e| StoreError::unreadable(format!("the record {} cannot be read: {e}", record.name)))?;
    if value.expires_at <= now {
        let commit = Commit {
            not_before: Some(value.expires_at),
            conditions: vec![Condition::Version(record.name.clone(), record.version)],
            writes: vec![RecordWrite { name: record.name.clone(), value: None }],
            ..Commit::default()
        };
        if let CommitOutcome::Committed { .. } = core.store.commit(commit).await? {
            tracing::warn!(lease = %record.name, agent = %value.agent, "the lease of a process ran out; what it executed is unknown");
        }
    }
    Ok(())
}

/// Turns what is executed under no lease into "unknown", in the namespace of this manager.
async fn note_lost(core: &Core, failed: &mut Option<ApprovalError>) -> Result<(), ApprovalError> {
    let mut query = Query { execution: vec![ExecutionState::Executing], ..Query::default() };
    loop {
        let page = core.list(&query).await?;
        for stored in &page.items {
            let Some(Execution::Executing { executor, .. }) = stored.request.execution.as_deref() else {
                continue;
            };
            if core.store.record(&record_of(*executor)).await?.is_none() {
                let command = Command {
                    actor: Principal::part(LibraryPart::Due),
                    via: None,
                    operator: true,
                    act: Act::LoseLease { executor: *executor },
                };
                match core.execute_one(stored.request.id, command).await {
                    Ok(_)
                    | Err(
                        ApprovalError::Refused { .. }
                        | ApprovalError::AlreadyRan { .. }
                        | ApprovalError::Unknown(_),
                    ) => {}
                    Err(error) => {
                        let request = stored.request.id;
                        tracing::error!(%request, %error, "failed to note that the lease of an execution is lost");
                        go_on_after(core, error, failed).await?;
                    }
                }
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(()),
        }
    }
}
