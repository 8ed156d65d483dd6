//! A store that a process is cut off from in the middle of its work.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use approval_core::{
    RequestId,
    clock::Timestamp,
    model::{EventLine, OutboxNotice},
    store::{
        ChangeCursor, ChangeListener, Changes, Commit, CommitOutcome, Due, JournalEntry, JournalLine,
        NoticeClaim, NoticeClaims, NoticeSettlement, Page, Query, Record, RecordName, Removal, Store,
        StoreError, StoreInfo, Stored,
    },
};
use async_trait::async_trait;

/// What becomes of the write at which the line is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// It is lost.
    Lost,
    /// It counts, and nobody hears of it.
    Lands,
}

/// Lets so many writes through, then nothing any more.
#[derive(Debug)]
pub struct Cut {
    inner: Arc<dyn Store>,
    left: AtomicUsize,
    last: Last,
    cut: AtomicBool,
    /// Most rows of history, outbox and records that a commit had.
    pub most_rows: AtomicUsize,
}

impl Cut {
    pub fn after(inner: &Arc<dyn Store>, writes: usize, last: Last) -> Arc<Self> {
        let (inner, cut) = (Arc::clone(inner), AtomicBool::new(false));
        Arc::new(Self { inner, left: AtomicUsize::new(writes), last, cut, most_rows: AtomicUsize::new(0) })
    }

    /// A line that holds, for [`Cut::writes`].
    pub fn counting(inner: &Arc<dyn Store>) -> Arc<Self> {
        Self::after(inner, usize::MAX - 1, Last::Lost)
    }

    /// A line that holds until [`Cut::cut_off`].
    pub fn whole(inner: &Arc<dyn Store>) -> Arc<Self> {
        Self::after(inner, usize::MAX, Last::Lost)
    }

    pub fn cut_off(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    /// Writes that went through.
    pub fn writes(&self) -> usize {
        usize::MAX - 1 - self.left.load(Ordering::SeqCst)
    }

    pub fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }

    fn read(&self) -> Result<&dyn Store, StoreError> {
        if self.is_cut() { Err(StoreError::unavailable("the line is cut")) } else { Ok(&*self.inner) }
    }

    async fn write<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.read()?;
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() {
            return work.await;
        }
        self.cut_off();
        if self.last == Last::Lands {
            work.await?;
        }
        Err(StoreError::OutcomeUnknown { message: "the line is cut".to_owned() })
    }
}

#[async_trait]
impl Store for Cut {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.read()?.now().await
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        let rows = commit.events.len() + commit.notices.len() + commit.writes.len() + commit.conditions.len();
        self.most_rows.fetch_max(rows + usize::from(commit.row.is_some()), Ordering::SeqCst);
        self.write(self.inner.commit(commit)).await
    }

    async fn load(&self, id: RequestId) -> Result<Option<Stored>, StoreError> {
        self.read()?.load(id).await
    }

    async fn find(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        self.read()?.find(key).await
    }

    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        self.read()?.list(query).await
    }

    async fn due(&self, namespace: &str, limit: usize) -> Result<Due, StoreError> {
        self.read()?.due(namespace, limit).await
    }

    async fn history(&self, id: RequestId) -> Result<Vec<EventLine>, StoreError> {
        self.read()?.history(id).await
    }

    async fn claim_notices(&self, claim: &NoticeClaim) -> Result<NoticeClaims, StoreError> {
        self.write(self.inner.claim_notices(claim)).await
    }

    async fn settle_notices(&self, settlements: Vec<NoticeSettlement>) -> Result<(), StoreError> {
        self.write(self.inner.settle_notices(settlements)).await
    }

    async fn notices(&self, request: RequestId) -> Result<Vec<OutboxNotice>, StoreError> {
        self.read()?.notices(request).await
    }

    async fn record(&self, name: &RecordName) -> Result<Option<Record>, StoreError> {
        self.read()?.record(name).await
    }

    async fn records(
        &self,
        prefix: &str,
        after: Option<&RecordName>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.read()?.records(prefix, after, limit).await
    }

    async fn append_journal(&self, lines: Vec<JournalLine>) -> Result<(), StoreError> {
        self.write(self.inner.append_journal(lines)).await
    }

    async fn import_journal(&self, entries: Vec<JournalEntry>) -> Result<(), StoreError> {
        self.write(self.inner.import_journal(entries)).await
    }

    async fn read_journal(&self, after: u64, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        self.read()?.read_journal(after, limit).await
    }

    async fn changes(&self, after: &ChangeCursor, limit: usize) -> Result<Changes, StoreError> {
        self.read()?.changes(after, limit).await
    }

    async fn remove(&self, removal: Removal) -> Result<CommitOutcome, StoreError> {
        self.write(self.inner.remove(removal)).await
    }

    fn subscribe(&self, listener: Weak<dyn ChangeListener>) {
        self.inner.subscribe(listener);
    }

    fn notices_others_within(&self) -> Option<Duration> {
        self.inner.notices_others_within()
    }
}
