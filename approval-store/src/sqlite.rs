//! Requests in an SQLite file.
//!
//! One writer thread owns the connection that writes. All changes that wait when it wakes share one transaction and one
//! sync, and each of them succeeds or conflicts by itself; nobody is answered before the sync. Reads use connections of
//! their own and see what was committed (write-ahead log).

mod apply;
mod builder;
mod claims;
mod failure;
mod job;
mod list;
mod queue;
mod readers;
mod rows;
mod schema;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};

use approval_core::{
    clock::Timestamp,
    id::RequestId,
    model::{EventLine, OutboxNotice},
    store::{
        ChangeListener, Commit, CommitOutcome, Due, JournalEntry, JournalLine, Listeners, NoticeClaim,
        NoticeClaims, NoticeSettlement, Page, Query, Record, RecordName, Store, StoreError, StoreInfo,
        StoreTime, Stored,
    },
};
use async_trait::async_trait;
use tokio::sync::oneshot;

pub use builder::SqliteBuilder;
use job::{Job, Work};
use queue::Queue;
use readers::Readers;

/// Keeps requests in one SQLite file, durably: what it acknowledged survives `kill -9` and a loss of power.
///
/// Several processes may open the same file; each notices what the others wrote within 100 ms.
pub struct SqliteStore {
    path: PathBuf,
    queue: Arc<Queue<Job>>,
    readers: Arc<Readers>,
    time: Arc<StoreTime>,
    listeners: Arc<Listeners>,
    writer: std::sync::Mutex<Option<std::thread::JoinHandle<()>>>,
    watch: Duration,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the store in the file at `path`; makes the file if there is none, readable for its owner alone.
    ///
    /// # Errors
    /// When the file cannot be opened or is no store, or was written by a newer program.
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

    /// Hands work to the writer and waits for its answer. The work is done even if the caller stops waiting.
    async fn write<T>(
        &self,
        work: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Work,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue.push(Job::new(work(answer))).map_err(|queue::Closed| StoreError::Closed)?;
        answered.await.unwrap_or(Err(StoreError::Closed))
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

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        let prepared = Box::new(job::prepare(commit)?);
        self.write(|answer| Work::Commit { prepared, answer }).await
    }

    async fn load(&self, id: RequestId) -> Result<Option<Stored>, StoreError> {
        self.readers.quick(|connection| rows::load(connection, id))
    }

    async fn find(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        self.readers.quick(|connection| rows::find(connection, key))
    }

    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        let query = query.clone();
        self.readers.slow(move |connection| list::list(connection, &query)).await
    }

    async fn due(&self, limit: usize) -> Result<Due, StoreError> {
        let now = self.now().await?;
        self.readers.slow(move |connection| list::due(connection, now, limit)).await
    }

    async fn history(&self, id: RequestId) -> Result<Vec<EventLine>, StoreError> {
        self.readers.slow(move |connection| rows::history(connection, id)).await
    }

    async fn claim_notices(&self, claim: &NoticeClaim) -> Result<NoticeClaims, StoreError> {
        // A look first: where nothing can be claimed, nothing need be written.
        let (now, looked) = (self.now().await?, claim.clone());
        let next = self.readers.quick(|connection| claims::next(connection, &looked.channels))?;
        match next {
            Some(next) if next <= now => {
                let claim = claim.clone();
                self.write(|answer| Work::Claim { claim, answer }).await
            }
            next => Ok(NoticeClaims { notices: Vec::new(), next }),
        }
    }

    async fn settle_notices(&self, settlements: Vec<NoticeSettlement>) -> Result<(), StoreError> {
        if settlements.is_empty() {
            return self.now().await.map(drop);
        }
        self.write(|answer| Work::Settle { settlements, answer }).await
    }

    async fn notices(&self, request: RequestId) -> Result<Vec<OutboxNotice>, StoreError> {
        self.readers.slow(move |connection| claims::notices(connection, request)).await
    }

    async fn record(&self, name: &RecordName) -> Result<Option<Record>, StoreError> {
        self.readers.quick(|connection| rows::record(connection, name))
    }

    async fn records(
        &self,
        prefix: &str,
        after: Option<&RecordName>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.readers.slow(move |connection| list::records(connection, &prefix, after.as_ref(), limit)).await
    }

    async fn append_journal(&self, lines: Vec<JournalLine>) -> Result<(), StoreError> {
        if lines.is_empty() {
            return self.now().await.map(drop);
        }
        let lines = job::journal(&lines)?;
        self.write(|answer| Work::Journal { lines, answer }).await
    }

    async fn read_journal(&self, after: u64, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        self.readers.slow(move |connection| list::journal(connection, after, limit)).await
    }

    fn subscribe(&self, listener: Weak<dyn ChangeListener>) {
        self.listeners.add(listener);
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.queue.close();
        self.readers.close();
        let writer = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(writer) = writer {
            let ended = move || {
                writer.join().map_err(|_| StoreError::unavailable("the writer of the store panicked"))
            };
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => runtime
                    .spawn_blocking(ended)
                    .await
                    .map_err(|e| StoreError::unavailable(e.to_string()))??,
                Err(_) => ended()?,
            }
        }
        Ok(())
    }

    fn notices_others_within(&self) -> Option<Duration> {
        Some(self.watch)
    }
}
