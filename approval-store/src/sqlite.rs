//! Requests in an SQLite file.
//!
//! One writer thread owns the connection that writes. All changes that wait when it wakes share one transaction and one
//! sync, and each of them succeeds or conflicts by itself; no caller is answered before the sync. Reads use connections of
//! their own and see what was committed (write-ahead log).

mod batch;
mod builder;
mod changes;
mod commit;
mod due;
mod failure;
mod file;
mod job;
mod journal;
mod list;
mod mark;
mod outbox;
mod readers;
mod records;
mod rows;
mod schema;
mod stats;
mod watch;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    thread::JoinHandle,
    time::Duration,
};

use approval_core::{
    clock::Timestamp,
    id::RequestId,
    model::{EventLine, OutboxNotice, Stats, StatsQuery},
    store::{
        ChangeCursor, ChangeListener, Changes, ClockReading, Commit, CommitOutcome, Due, JournalEntry,
        JournalLine, Listeners, NoticeClaim, NoticeClaims, NoticeSettlement, Page, Query, Record, RecordName,
        Removal, Store, StoreError, StoreInfo, StoreTime, Stored,
    },
};
use async_trait::async_trait;

pub use builder::SqliteBuilder;
use changes::RemoveTask;
use commit::CommitTask;
use job::{Job, Task};
use journal::{ImportTask, JournalTask};
use mark::SetMarkTask;
use outbox::{ClaimTask, SettleTask};
use readers::Readers;
use rows::Raw;

use crate::{
    closing::end_of_thread,
    columns,
    group_commit::{Closed, Queue},
};

/// Keeps requests in one SQLite file, durably: what it acknowledged survives `kill -9` and a loss of power.
///
/// Several processes may open the same file; each notices what the others wrote within 100 ms.
pub struct SqliteStore {
    path: PathBuf,
    queue: Arc<Queue<Box<dyn Job>>>,
    readers: Arc<Readers>,
    time: Arc<StoreTime>,
    listeners: Arc<Listeners>,
    writer: Mutex<Option<JoinHandle<()>>>,
    watch: Duration,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = approval_core::model::address::shown_path(&self.path);
        f.debug_struct("SqliteStore").field("path", &path).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the store in the file at `path`; makes the file if there is none, readable for its owner alone.
    ///
    /// # Errors
    /// When the file cannot be opened, is not safe ([`SqliteBuilder::file_checks`]) or no store, or was written by a newer program.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::builder(path).open()
    }

    /// More settings.
    pub fn builder(path: impl AsRef<Path>) -> SqliteBuilder {
        SqliteBuilder::new(path.as_ref())
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hands work to the writer and waits for its outcome. The work is done even if the caller stops waiting.
    async fn write<T: Task>(&self, task: T) -> Result<T::Outcome, StoreError> {
        let (job, answered) = job::job(task);
        self.queue.push(job).map_err(|Closed| StoreError::Closed)?;
        answered.await.unwrap_or_else(|_| {
            let message = "the thread that writes ended before it answered; open the store again".to_owned();
            Err(StoreError::OutcomeUnknown { message })
        })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // The writer finishes what it was given, then ends by itself.
        self.queue.close();
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn info(&self) -> StoreInfo {
        StoreInfo { name: "sqlite", durable: true }
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        if self.queue.is_closed() { Err(StoreError::Closed) } else { Ok(self.time.now()) }
    }

    fn now_at_once(&self) -> Option<Timestamp> {
        (!self.queue.is_closed()).then(|| self.time.now())
    }

    async fn clock(&self) -> Result<ClockReading, StoreError> {
        if self.queue.is_closed() { Err(StoreError::Closed) } else { Ok(self.time.reading()) }
    }

    fn clock_at_once(&self) -> Option<ClockReading> {
        (!self.queue.is_closed()).then(|| self.time.reading())
    }

    async fn set_clock_mark(&self, mark: Timestamp) -> Result<(), StoreError> {
        self.write(SetMarkTask(mark)).await
    }

    fn claims_when_writing(&self) -> bool {
        true
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        self.write(CommitTask::new(commit)?).await?.decode()
    }

    async fn load(&self, id: RequestId) -> Result<Option<Stored>, StoreError> {
        let found = self.readers.single(|connection| rows::load(connection, id))?;
        found.map(Raw::decode).transpose()
    }

    async fn find(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        let found = self.readers.single(|connection| rows::find(connection, key))?;
        found.map(Raw::decode).transpose()
    }

    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        let query = query.clone();
        self.readers.scan(move |connection| list::list(connection, &query)).await
    }

    async fn due(&self, namespace: &str, limit: usize) -> Result<Due, StoreError> {
        let now = self.now().await?;
        let namespace = namespace.to_owned();
        self.readers.scan(move |connection| due::due(connection, &namespace, now, limit)).await
    }

    async fn history(&self, id: RequestId) -> Result<Vec<EventLine>, StoreError> {
        self.readers.scan(move |connection| rows::history(connection, id)).await
    }

    async fn claim_notices(&self, claim: &NoticeClaim) -> Result<NoticeClaims, StoreError> {
        // A look first: where nothing can be claimed, nothing need be written.
        let now = self.now().await?;
        let next = self.readers.single(|connection| outbox::next(connection, claim))?;
        match next {
            Some(next) if next <= now => {
                self.write(ClaimTask(claim.clone())).await.map(outbox::Claimed::decode)
            }
            next => Ok(NoticeClaims { notices: Vec::new(), next }),
        }
    }

    async fn settle_notices(&self, settlements: Vec<NoticeSettlement>) -> Result<(), StoreError> {
        if settlements.is_empty() {
            return self.now().await.map(drop);
        }
        self.write(SettleTask::new(settlements)?).await
    }

    async fn notices(&self, request: RequestId) -> Result<Vec<OutboxNotice>, StoreError> {
        self.readers.scan(move |connection| outbox::notices(connection, request)).await
    }

    async fn record(&self, name: &RecordName) -> Result<Option<Record>, StoreError> {
        self.readers.single(|connection| rows::record(connection, name))
    }

    async fn records(
        &self,
        prefix: &str,
        after: Option<&RecordName>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.readers
            .scan(move |connection| records::records(connection, &prefix, after.as_ref(), limit))
            .await
    }

    async fn append_journal(&self, lines: Vec<JournalLine>) -> Result<(), StoreError> {
        if lines.is_empty() {
            return self.now().await.map(drop);
        }
        self.write(JournalTask::new(&lines)?).await
    }

    async fn import_journal(&self, entries: Vec<JournalEntry>) -> Result<(), StoreError> {
        let done = self.write(ImportTask::new(&entries)?).await?;
        if done { Ok(()) } else { Err(columns::not_in_order()) }
    }

    async fn read_journal(&self, after: u64, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        self.readers.scan(move |connection| journal::read(connection, after, limit)).await
    }

    async fn changes(&self, after: &ChangeCursor, limit: usize) -> Result<Changes, StoreError> {
        let after = after.clone();
        self.readers.scan(move |connection| changes::changes(connection, &after, limit)).await
    }

    async fn remove(&self, removal: Removal) -> Result<CommitOutcome, StoreError> {
        self.write(RemoveTask(removal)).await?.decode()
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats, StoreError> {
        stats::stats(self, query).await
    }

    fn subscribe(&self, listener: Weak<dyn ChangeListener>) {
        self.listeners.add(listener);
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let readers = Arc::clone(&self.readers);
        let end = move || {
            readers.close();
            let ended = writer.map_or(Ok(()), JoinHandle::join);
            ended.map_err(|_| StoreError::unavailable("the thread that writes to the store panicked"))
        };
        end_of_thread(end).await
    }

    fn notices_others_within(&self) -> Option<Duration> {
        Some(self.watch)
    }
}
