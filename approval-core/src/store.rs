//! Where requests live. A [`Store`] keeps opaque documents with a few named index columns, commits each change together
//! with its events and notices, and checks versions, time bounds and conditions inside that write.
//!
//! The trait is small enough for a key-value service with single-item transactions: one request row, a few events and
//! notices, a few named records. It decides nothing: what may follow what is decided by [`crate::lifecycle`].

mod changes;
mod commit;
mod document;
mod error;
mod journal;
mod listeners;
mod memory;
mod outbox;
mod query;
mod record;
mod stats;
mod tally;
mod time;
pub(crate) mod unfinished;

use std::{fmt::Debug, sync::Weak};

use async_trait::async_trait;

pub use changes::{ChangeCursor, Changes, Removal};
pub use commit::{ClaimWhenWriting, Commit, CommitOutcome, Condition, Expect, RecordWrite, RowWrite};
pub use document::{Document, Index, Stored};
pub use error::StoreError;
pub use journal::{JournalEntry, JournalLine};
pub use listeners::Listeners;
pub use memory::MemoryStore;
pub use outbox::{ClaimedNotice, NoticeClaim, NoticeClaims, NoticeSettlement};
pub use query::{Due, Order, Page, Query};
pub use record::{Record, RecordName};
pub use tally::{SubjectIndex, Tally, VoterIndex};
pub use time::{ClockReading, StoreTime};

use crate::{
    clock::Timestamp,
    id::{ExecutorId, RequestId},
    model::{EventLine, OutboxNotice, Stats, StatsQuery, Text},
};

/// A change that a store tells its listeners about, once it is durable.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// A request was written.
    Request {
        /// Which.
        id: RequestId,
        /// Its new state, if the store has it at hand (a change of this process). `None`: load it.
        stored: Option<Stored>,
    },
    /// Notices were written to the outbox, or may be claimed again.
    Notices,
    /// Notices were written, and claimed in the same write ([`Commit::claim`]): no other process delivers them until then.
    Claimed {
        /// Who delivers them.
        owner: ExecutorId,
        /// Until when they are the owner's.
        until: Timestamp,
        /// The notices.
        notices: Vec<OutboxNotice>,
    },
    /// A named record was written.
    Record(RecordName),
    /// Changes may have been missed (a connection was lost): look at everything that you wait for.
    Everything,
}

/// Is notified of changes. Called on the store's own threads: must not block.
pub trait ChangeListener: Send + Sync {
    /// These changes are durable. Notified at least once, in the order of the commits of each request; may be notified twice, and
    /// of what this process wrote before what another one wrote earlier: compare the versions.
    fn changed(&self, changes: &[Change]);

    /// Whether a listener waits for changes of this request at the moment. A store that hears of a change made elsewhere then
    /// reads the request at once, to tell how it stands.
    fn waits_for(&self, request: RequestId) -> bool {
        let _ = request;
        false
    }
}

/// What a store says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreInfo {
    /// Its name in messages: `memory`, `sqlite`.
    pub name: &'static str,
    /// Whether what it acknowledged survives the end of the process and a loss of power.
    pub durable: bool,
}

/// Keeps requests, their history, the outbox, named records and the journal.
///
/// Contract, which the conformance suite of `approval-testkit` checks:
/// - What a call acknowledged is visible to every later call, on every machine; a durable store has synced it.
/// - [`Store::commit`] is atomic: row, events, notices and records are all written, or nothing is.
/// - Its checks and its write are one: no other commit writes in between. The order of the checks is version (or key), time,
///   conditions.
/// - Time is the store's own, taken after the lock is held, and never goes back, not over a restart either.
/// - A future that is dropped after it was polled may still commit; it never half commits.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// What it is.
    fn info(&self) -> StoreInfo;

    /// The store's present moment, which its commits are checked against.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn now(&self) -> Result<Timestamp, StoreError>;

    /// What [`Store::now`] gives, where that takes no waiting. `None`: ask [`Store::now`]. Most changes take the time more
    /// than once; a store that has its clock at hand saves them the detour.
    fn now_at_once(&self) -> Option<Timestamp> {
        None
    }

    /// The store's clock, and the latest moment that the store gave out. A store whose clock cannot jump need not implement it.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn clock(&self) -> Result<ClockReading, StoreError> {
        let now = self.now().await?;
        Ok(ClockReading { clock: now, mark: now })
    }

    /// What [`Store::clock`] gives, where that takes no waiting. `None`: ask [`Store::clock`].
    fn clock_at_once(&self) -> Option<ClockReading> {
        None
    }

    /// Sets the latest moment that the store gave out to another one, ahead or back, durably. Only for operators, who have made sure
    /// that the clock is right: a mark that is set back lets what had expired be decided once more. Other processes that have the
    /// store open may have to be started again.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] unless the store implements it; when the store failed.
    async fn set_clock_mark(&self, mark: Timestamp) -> Result<(), StoreError> {
        let _ = mark;
        Err(StoreError::Unsupported { store: self.info().name, what: "have its clock confirmed" })
    }

    /// Whether it honours [`Commit::claim`]. If not, the committer leaves that out.
    fn claims_when_writing(&self) -> bool {
        false
    }

    /// Writes one change, if its version, key, time bounds and conditions hold.
    ///
    /// # Errors
    /// When the store failed. [`StoreError::OutcomeUnknown`] says that it may have been written.
    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError>;

    /// The request of this id.
    ///
    /// # Errors
    /// When the store failed, or the row cannot be read.
    async fn load(&self, id: RequestId) -> Result<Option<Stored>, StoreError>;

    /// The request of this idempotency key ([`crate::model::Request::key`]).
    ///
    /// # Errors
    /// As [`Store::load`].
    async fn find(&self, key: &str) -> Result<Option<Stored>, StoreError>;

    /// Requests that match, in the order of their ids, a page at a time.
    ///
    /// # Errors
    /// As [`Store::load`].
    async fn list(&self, query: &Query) -> Result<Page, StoreError>;

    /// Up to `limit` requests of this namespace whose due time ([`Index::due_at`]) has come by the store's clock, the longest
    /// due first, and when the next one of the namespace is due. Requests of other namespaces take no room in the answer.
    /// May give the same request to several callers: the commit's version decides.
    ///
    /// # Errors
    /// As [`Store::load`].
    async fn due(&self, namespace: &str, limit: usize) -> Result<Due, StoreError>;

    /// The history of a request, oldest line first. Empty for an unknown one.
    ///
    /// # Errors
    /// As [`Store::load`].
    async fn history(&self, id: RequestId) -> Result<Vec<EventLine>, StoreError>;

    /// Takes up to `claim.limit` notices of `claim.namespace` that wait and whose time has come, for `claim.lease`; no other owner
    /// gets them until then. A lease that ran out makes the notice claimable again. A notice has the namespace of its
    /// request; `default` if there is no such request.
    ///
    /// # Errors
    /// When the store failed.
    async fn claim_notices(&self, claim: &NoticeClaim) -> Result<NoticeClaims, StoreError>;

    /// Records what became of claimed notices. One whose lease was lost to another owner is left alone.
    ///
    /// # Errors
    /// When the store failed.
    async fn settle_notices(&self, settlements: Vec<NoticeSettlement>) -> Result<(), StoreError>;

    /// All notices about a request, oldest first.
    ///
    /// # Errors
    /// When the store failed.
    async fn notices(&self, request: RequestId) -> Result<Vec<OutboxNotice>, StoreError>;

    /// The record of this name.
    ///
    /// # Errors
    /// When the store failed.
    async fn record(&self, name: &RecordName) -> Result<Option<Record>, StoreError>;

    /// Up to `limit` records whose name begins with `prefix` and comes after `after`, in the order of their names.
    ///
    /// # Errors
    /// When the store failed.
    async fn records(
        &self,
        prefix: &str,
        after: Option<&RecordName>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError>;

    /// Appends lines to the journal, in this order, all or none; durable when it returns.
    ///
    /// # Errors
    /// When the store failed.
    async fn append_journal(&self, lines: Vec<JournalLine>) -> Result<(), StoreError>;

    /// Appends lines under the numbers that they have in another store, which seals name; all or none, durable when it
    /// returns. The numbers count up, and come after the last one that is there.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] unless the store implements it; when a number is not after the last one; when the store
    /// failed.
    async fn import_journal(&self, entries: Vec<JournalEntry>) -> Result<(), StoreError> {
        drop(entries);
        Err(StoreError::Unsupported { store: self.info().name, what: "keep the numbers of another journal" })
    }

    /// Up to `limit` lines of the journal after the line numbered `after` (0: from the beginning), oldest first. A line is
    /// shown only when all lines with lower numbers are: a reader that goes on after the last one shown misses none.
    ///
    /// # Errors
    /// When the store failed.
    async fn read_journal(&self, after: u64, limit: usize) -> Result<Vec<JournalEntry>, StoreError>;

    /// Requests whose history grew after `after`, oldest change first, about `limit` at the most. This is how a sealer finds
    /// what is not sealed yet, so nothing may ever be passed over: a commit that this answer does not show comes after
    /// [`Changes::next`], however long its writer took. A store whose commits can become visible in another order than
    /// that of its numbers must hold `next` back behind every commit still under way; it may name requests again.
    /// [`Store::remove`] need not be reported. The cost is that of the answer, not of all that is kept.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] unless the store implements it; when the store failed.
    async fn changes(&self, after: &ChangeCursor, limit: usize) -> Result<Changes, StoreError> {
        let (_, _) = (after, limit);
        Err(StoreError::Unsupported { store: self.info().name, what: "say which histories grew" })
    }

    /// Removes a request of this version with its key, history and notices; all of it, or nothing. Answers
    /// [`CommitOutcome::Committed`] or [`CommitOutcome::Conflict`]. Who calls this has sealed that it will be gone
    /// (`audit::prune`): otherwise its absence is a breach.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] unless the store implements it; when the store failed.
    async fn remove(&self, removal: Removal) -> Result<CommitOutcome, StoreError> {
        let Removal { .. } = removal;
        Err(StoreError::Unsupported { store: self.info().name, what: "remove requests" })
    }

    /// Figures over all requests. Without an implementation of its own, a store reads every request for it, page by page; one
    /// that is to hold many keeps count, or has its database count. A store that keeps count goes on counting what was removed
    /// ([`Store::remove`]), and may leave out what it cannot read.
    ///
    /// # Errors
    /// When the store failed.
    async fn stats(&self, query: &StatsQuery) -> Result<Stats, StoreError> {
        stats::by_pages(self, query).await
    }

    /// From now on tells `listener` of changes, those of other processes too. A listener that is gone is forgotten.
    fn subscribe(&self, listener: Weak<dyn ChangeListener>);

    /// Finishes what was begun and lets go of files and connections. Later calls fail with [`StoreError::Closed`].
    ///
    /// # Errors
    /// When something that was begun could not be finished.
    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// How often changes of other processes are noticed at the latest, for messages and tests.
    fn notices_others_within(&self) -> Option<std::time::Duration> {
        None
    }
}

/// Name of the record that holds every halt.
pub(crate) const HALTS: &str = "halt";

/// In front of the names of the records of standing approvals.
pub(crate) const STANDING: &str = "standing/";

/// Name of a channel in the outbox.
pub type ChannelName = Text;
