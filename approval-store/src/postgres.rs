//! Requests in a PostgreSQL database, for any number of machines.
//!
//! One task of each process writes: all changes that wait when it is free share one statement, one transaction and one
//! notification, and each of them succeeds or conflicts by itself. Reads use a pool of connections, and requests that are
//! wanted at the same time are loaded together. One connection listens for what other processes write.
//!
//! What decides whether a change comes in time is the server's clock, read when all locks are held.

mod archive;
mod arrays;
mod builder;
mod changes;
mod connect;
mod due;
mod failure;
mod gather;
mod group;
mod history;
mod journal;
mod list;
mod listen;
mod locks;
mod outbox;
mod reader;
mod records;
mod rows;
mod schema;
mod session;
mod text;
mod time;
mod tls;
mod url;
mod verdict;
mod work;
mod writer;

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use approval_core::{
    clock::Timestamp,
    id::RequestId,
    model::{EventLine, OutboxNotice},
    store::{
        ChangeCursor, ChangeListener, Changes, ClockReading, Commit, CommitOutcome, Due, JournalEntry,
        JournalLine, Listeners, NoticeClaim, NoticeClaims, NoticeSettlement, Page, Query, Record, RecordName,
        Removal, Store, StoreError, StoreInfo, Stored,
    },
};
use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub use archive::{ArchiveOptions, Archived};
pub use builder::PostgresBuilder;
use reader::Reader;
use time::ServerTime;
use work::{Answer, Work};

use crate::{
    change::Encoded,
    closing::end_of_thread,
    columns::{self, Settlement, journal_lines},
};

/// Keeps requests in a PostgreSQL database, version 15 or newer, durably: what it acknowledged is on the server's disk,
/// and on its synchronous standbys if there are any.
///
/// Any number of processes on any number of machines share it; none is special, and any may die. What one writes, the
/// others hear at once.
pub struct PostgresStore {
    shared: Shared,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What callers use of the store; its work is done on its own thread.
struct Shared {
    reader: Reader,
    give: mpsc::UnboundedSender<Option<Work>>,
    time: Arc<ServerTime>,
    listeners: Arc<Listeners>,
    me: Uuid,
    tag: i32,
    due_lease: Duration,
    poll: Duration,
    schema: Arc<str>,
    closed: AtomicBool,
}

/// Where the processes of a schema are notified.
fn topic(schema: &str) -> String {
    format!("approvals_{schema}")
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("schema", &self.shared.schema).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects to the database at `url`, such as `postgres://user:password@host/database?sslmode=verify-full`; makes the
    /// tables if there are none. Several hosts, separated by commas, are tried until one can be written to.
    ///
    /// # Errors
    /// As [`PostgresBuilder::connect`].
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::builder(url).connect().await
    }

    /// What the store at `url` is called, the same however its address is written, and without user and password.
    ///
    /// # Errors
    /// When the address cannot be read.
    pub(crate) fn name_of(url: &str) -> Result<String, StoreError> {
        url::Address::read(url).map(|address| address.name())
    }

    /// More settings.
    pub fn builder(url: &str) -> PostgresBuilder {
        PostgresBuilder::new(url)
    }

    /// What the store works with, unless it was closed.
    fn open(&self) -> Result<&Shared, StoreError> {
        if self.shared.closed.load(Ordering::Acquire) { Err(StoreError::Closed) } else { Ok(&self.shared) }
    }

    /// Hands work to the writer and waits for its outcome. The work is done even if the caller stops waiting.
    async fn write<T>(&self, work: impl FnOnce(Answer<T>) -> Work) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.open()?.give.send(Some(work(answer))).map_err(|_| StoreError::Closed)?;
        answered.await.unwrap_or_else(|_| {
            let message = "the store was closed before it answered; open it again".to_owned();
            Err(StoreError::OutcomeUnknown { message })
        })
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        // What was given is still written; then the thread ends by itself.
        drop(self.shared.give.send(None));
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn info(&self) -> StoreInfo {
        StoreInfo { name: "postgres", durable: true }
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        let Shared { reader, time, .. } = self.open()?;
        let (now, lag) = reader.now(time.given()).await?;
        time.told(now, lag);
        Ok(now)
    }

    fn now_at_once(&self) -> Option<Timestamp> {
        self.open().ok()?.time.now()
    }

    async fn clock(&self) -> Result<ClockReading, StoreError> {
        let Shared { reader, time, .. } = self.open()?;
        let (now, lag) = reader.now(time.given()).await?;
        time.told(now, lag);
        Ok(time::reading(now, lag))
    }

    fn clock_at_once(&self) -> Option<ClockReading> {
        self.open().ok()?.time.reading()
    }

    async fn set_clock_mark(&self, mark: Timestamp) -> Result<(), StoreError> {
        let Shared { reader, time, .. } = self.open()?;
        reader.set_mark(columns::micros(mark)).await?;
        time.reset(mark);
        Ok(())
    }

    fn claims_when_writing(&self) -> bool {
        true
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        let change = Box::new(Encoded::new(commit)?);
        self.write(|answer| Work::Change(change, answer)).await
    }

    async fn load(&self, id: RequestId) -> Result<Option<Stored>, StoreError> {
        self.open()?.reader.load(id).await
    }

    async fn find(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        self.open()?.reader.find(key).await
    }

    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        list::list(&self.open()?.reader, query).await
    }

    async fn due(&self, namespace: &str, limit: usize) -> Result<Due, StoreError> {
        let Shared { reader, me, due_lease, time, .. } = self.open()?;
        due::due(reader, (*me, namespace), *due_lease, time.given(), limit).await
    }

    async fn history(&self, id: RequestId) -> Result<Vec<EventLine>, StoreError> {
        history::history(&self.open()?.reader, id).await
    }

    async fn claim_notices(&self, claim: &NoticeClaim) -> Result<NoticeClaims, StoreError> {
        outbox::claim(&self.open()?.reader, claim, self.shared.time.given()).await
    }

    async fn settle_notices(&self, settlements: Vec<NoticeSettlement>) -> Result<(), StoreError> {
        let settlements: Vec<_> = settlements.into_iter().map(Settlement::new).collect::<Result<_, _>>()?;
        self.write(|answer| Work::Settle(settlements, answer)).await
    }

    async fn notices(&self, request: RequestId) -> Result<Vec<OutboxNotice>, StoreError> {
        history::notices(&self.open()?.reader, request).await
    }

    async fn record(&self, name: &RecordName) -> Result<Option<Record>, StoreError> {
        self.open()?.reader.record(name).await
    }

    async fn records(
        &self,
        prefix: &str,
        after: Option<&RecordName>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        records::records(&self.open()?.reader, prefix, after, limit).await
    }

    async fn append_journal(&self, lines: Vec<JournalLine>) -> Result<(), StoreError> {
        let lines = journal_lines(&lines)?;
        self.write(|answer| Work::Journal(lines, answer)).await
    }

    async fn import_journal(&self, entries: Vec<JournalEntry>) -> Result<(), StoreError> {
        let done = journal::import(&self.open()?.reader, &entries).await?;
        if done { Ok(()) } else { Err(columns::not_in_order()) }
    }

    async fn read_journal(&self, after: u64, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        journal::read(&self.open()?.reader, self.shared.tag, after, limit).await
    }

    async fn changes(&self, after: &ChangeCursor, limit: usize) -> Result<Changes, StoreError> {
        changes::changes(&self.open()?.reader, self.shared.tag, after, limit).await
    }

    async fn remove(&self, removal: Removal) -> Result<CommitOutcome, StoreError> {
        changes::remove(self.open()?, removal).await
    }

    fn subscribe(&self, listener: Weak<dyn ChangeListener>) {
        self.shared.listeners.add(listener);
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.shared.closed.store(true, Ordering::Release);
        drop(self.shared.give.send(None));
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let end = move || {
            thread
                .map_or(Ok(()), JoinHandle::join)
                .map_err(|_| StoreError::unavailable("the thread of the store panicked"))
        };
        end_of_thread(end).await
    }

    fn notices_others_within(&self) -> Option<Duration> {
        Some(self.shared.poll)
    }
}
