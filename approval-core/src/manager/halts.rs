//! The halts in force, as this process last saw them: those of its namespace and those of the whole store.

use std::{num::NonZeroU64, sync::Arc, time::Duration};

use super::{Core, reruns};
use crate::{
    approval_error::ApprovalError,
    clock::Timestamp,
    lifecycle::{self, Act, Command},
    model::{Execution, ExecutionState, Halt, Halts, Status},
    store::{
        Commit, CommitOutcome, Condition, HALTS, Query, Record, RecordName, RecordWrite, Store, StoreError,
        unfinished,
    },
    sync::{Mutex, lock},
};

/// How old the view may be that an allowed call relies on.
const FRESH: Duration = Duration::from_secs(1);
/// How often a record of halts is written again when others write at the same time.
const ROUNDS: usize = 100;

/// The halts in force, and the versions of the two records that hold them.
#[derive(Clone, Debug)]
pub(crate) struct HaltView(Arc<Seen>);

#[derive(Debug)]
struct Seen {
    /// All of them; those of the whole store first.
    halts: Halts,
    /// How many of them are the store's.
    of_store: usize,
    records: [(RecordName, Option<u64>); 2],
    read_at: Timestamp,
}

impl HaltView {
    pub(crate) fn halts(&self) -> &Halts {
        &self.0.halts
    }

    /// Those that hold in every namespace.
    pub(crate) fn of_store(&self) -> &[Halt] {
        // All of them, should the number be wrong: what is too much stops, and lets nothing run.
        self.0.halts.0.get(..self.0.of_store).unwrap_or(&self.0.halts.0)
    }

    /// The version of the record that holds those of the whole store.
    pub(super) fn version_of_store(&self) -> u64 {
        // Versions count from 1; without a record there is nothing to carry out.
        self.0.records.first().and_then(|(_, version)| *version).unwrap_or(0)
    }

    /// That nothing has changed since.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = Condition> {
        self.0.records.iter().map(|(name, version)| match version {
            Some(version) => Condition::Version(name.clone(), *version),
            None => Condition::Absent(name.clone()),
        })
    }
}

/// Remembers the halts.
#[derive(Debug)]
pub(crate) struct HaltWatch {
    /// Holds in every namespace. Programs of before kept all halts there.
    of_store: RecordName,
    /// Holds in this manager's namespace.
    own: RecordName,
    seen: Mutex<Option<HaltView>>,
}

impl HaltWatch {
    pub(crate) fn new(namespace: &str) -> Self {
        Self {
            of_store: of_store(),
            own: RecordName::new(format!("{HALTS}/{namespace}")),
            seen: Mutex::new(None),
        }
    }

    /// The record of the halts of this manager's namespace.
    pub(crate) const fn own(&self) -> &RecordName {
        &self.own
    }

    /// Whether a record holds halts of the whole store.
    pub(crate) fn is_of_store(&self, name: &RecordName) -> bool {
        *name == self.of_store
    }

    /// Whether a record holds halts that matter here.
    pub(crate) fn is_about(&self, name: &RecordName) -> bool {
        *name == self.own || self.is_of_store(name)
    }

    /// The halts for a change that is checked again when it is written: any view will do.
    pub(crate) async fn view(&self, core: &Core) -> Result<HaltView, ApprovalError> {
        let seen = lock(&self.seen).clone();
        match seen {
            Some(view) => Ok(view),
            None => Box::pin(self.read(core)).await,
        }
    }

    /// The halts for a call that nothing checks again: at most one second old by the process's clock.
    pub(crate) async fn fresh(&self, core: &Core) -> Result<HaltView, ApprovalError> {
        let now = core.clock.now();
        let seen = lock(&self.seen).clone();
        let age = |view: &HaltView| Duration::try_from(now.duration_since(view.0.read_at)).ok();
        match seen {
            Some(view) if age(&view).is_some_and(|age| age < FRESH) => Ok(view),
            _ => Box::pin(self.read(core)).await,
        }
    }

    /// A record changed, or may have.
    pub(crate) fn forget(&self) {
        *lock(&self.seen) = None;
    }

    async fn read(&self, core: &Core) -> Result<HaltView, ApprovalError> {
        let read_at = core.clock.now();
        let (mut halts, mut of_store) = (Halts::default(), 0);
        let mut versions = [None, None];
        for (name, version) in [&self.of_store, &self.own].into_iter().zip(&mut versions) {
            let Some(record) = core.store.record(name).await? else { continue };
            *version = Some(record.version);
            halts.0.extend(parse(&record)?.0);
            if self.is_of_store(name) {
                of_store = halts.0.len();
            }
        }
        let [store, own] = versions;
        let records = [(self.of_store.clone(), store), (self.own.clone(), own)];
        let view = HaltView(Arc::new(Seen { halts, of_store, records, read_at }));
        *lock(&self.seen) = Some(view.clone());
        Ok(view)
    }
}

/// The record of the halts that hold in every namespace.
pub(super) fn of_store() -> RecordName {
    RecordName::new(HALTS)
}

/// Reads a record of halts.
pub(crate) fn parse(record: &Record) -> Result<Halts, StoreError> {
    unfinished::refuse(&record.value)?;
    serde_json::from_slice(&record.value)
        .map_err(|e| StoreError::unreadable(format!("the record {} cannot be read: {e}", record.name)))
}

/// The halts that a record holds.
pub(super) async fn read(store: &dyn Store, name: &RecordName) -> Result<Halts, StoreError> {
    Ok(store.record(name).await?.as_ref().map(parse).transpose()?.unwrap_or_default())
}

/// Changes the halts that a record holds.
pub(super) async fn change(
    store: &dyn Store,
    name: &RecordName,
    change: impl Fn(&mut Halts),
) -> Result<(), StoreError> {
    for _ in 0..ROUNDS {
        let record = store.record(name).await?;
        let mut halts = record.as_ref().map(parse).transpose()?.unwrap_or_default();
        change(&mut halts);
        let value = serde_json::to_vec(&halts)
            .map_err(|e| StoreError::unreadable(format!("halts cannot be written: {e}")))?;
        let condition = match &record {
            Some(record) => Condition::Version(name.clone(), record.version),
            None => Condition::Absent(name.clone()),
        };
        let commit = Commit {
            conditions: vec![condition],
            writes: vec![RecordWrite { name: name.clone(), value: Some(value) }],
            ..Commit::default()
        };
        if let CommitOutcome::Committed { .. } = store.commit(commit).await? {
            return Ok(());
        }
    }
    Err(StoreError::unavailable("others kept changing the halts; try again"))
}

impl Core {
    /// Cancels what is pending in this namespace, revokes what is approved and unspent, and takes the right to run again from
    /// idempotent actions, as far as a halt covers it. How many requests it ended.
    pub(super) async fn end_halted(&self, halt: &Halt) -> Result<u64, ApprovalError> {
        let query = |status: &[Status], execution: &[ExecutionState]| Query {
            status: status.to_vec(),
            execution: execution.to_vec(),
            namespace: Some(Arc::clone(&self.settings.namespace)),
            ..Query::default()
        };
        let open = query(&[Status::Pending, Status::InfoRequested], &[]);
        let unspent = query(&[Status::Approved], &[ExecutionState::NotStarted]);
        // For how long what is there may run again.
        let mut longest = 0;
        let open = self.end_listed(open, halt, &mut longest).await;
        let unspent = self.end_listed(unspent, halt, &mut longest).await;
        // Last, since there may be many. None of these is ended by it.
        let after = self.reruns.oldest(self, self.now().await?).await?;
        let spent = [ExecutionState::Executing, ExecutionState::Unknown, ExecutionState::Failed];
        let spent = Query { limit: 1000, after, ..query(&[Status::Approved], &spent) };
        let spent = self.end_listed(spent, halt, &mut longest).await;
        // What one of them could not end kept the others from nothing.
        let ended = open?.saturating_add(unspent?);
        spent?;
        if after.is_none() {
            // All that ever failed was read. The next halt need not.
            self.reruns.complete(self, longest).await?;
        }
        Ok(ended)
    }

    async fn end_listed(
        &self,
        mut query: Query,
        halt: &Halt,
        longest: &mut u64,
    ) -> Result<u64, ApprovalError> {
        let mut ended = 0;
        let mut failed = None;
        // One that never lets go is waited for once.
        let mut patient = true;
        let now = self.now().await?;
        let one = Halts(vec![halt.clone()]);
        loop {
            let page = self.store.list(&query).await?;
            for stored in &page.items {
                let request = &stored.request;
                if lifecycle::rerun_until(request).is_some_and(|until| now < until) {
                    *longest = reruns::duration(request).map_or(0, NonZeroU64::get).max(*longest);
                }
                if one.covering(&request.requester, &request.action.name).is_none() {
                    continue;
                }
                let spent = !matches!(request.execution.as_deref(), None | Some(Execution::NotStarted));
                // Nothing is left to take from most of what ran, and that may be much.
                if spent && !lifecycle::may_ever_rerun(request, now) {
                    continue;
                }
                let act = Act::Halt { reason: Arc::clone(&halt.reason) };
                let takes_turn = patient && lifecycle::gives_back(request, &act);
                let turn = if takes_turn { self.turn_to_give_back().await } else { None };
                patient &= !takes_turn || turn.is_some();
                let command = Command { actor: halt.by.clone(), via: None, operator: true, act };
                let result = self.execute_one(request.id, command).await;
                drop(turn);
                match result {
                    Ok(_) => ended += 1,
                    Err(error) if ended_by_itself(&error) => {}
                    Err(error) if !self.goes_on_after(&error).await => return Err(error),
                    // The others end all the same, and the operator who halts gets the error that one did not.
                    Err(error) => {
                        tracing::error!(request = %request.id, %error, "failed to end what a halt covers");
                        failed.get_or_insert(error);
                    }
                }
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return failed.map_or(Ok(ended), Err),
            }
        }
    }
}

/// Whether what a halt was to end had ended, or begun, before.
const fn ended_by_itself(error: &ApprovalError) -> bool {
    matches!(
        error,
        ApprovalError::Refused { .. }
            | ApprovalError::NotFound(_)
            | ApprovalError::AlreadyDecided { .. }
            | ApprovalError::AlreadyRan { .. }
            | ApprovalError::Unknown(_)
            | ApprovalError::GrantExpired { .. }
            | ApprovalError::Revoked { .. }
    )
}
