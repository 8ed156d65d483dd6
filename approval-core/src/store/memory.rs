//! The store in memory: for tests, and for agents that live no longer than what they ask for.

mod changes;
mod history;
mod keys;
mod notice;
mod outbox;
mod outgoing;
mod records;
mod shard;

use std::{
    cmp::Reverse,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;

use self::{
    keys::Keys,
    notice::moment,
    outbox::Outbox,
    records::Records,
    shard::{NEVER, NewState},
};
use super::{
    Change, ChangeCursor, ChangeListener, Changes, ClaimWhenWriting, ClockReading, Commit, CommitOutcome,
    Due, Expect, JournalEntry, JournalLine, Listeners, NoticeClaim, NoticeClaims, NoticeSettlement, Order,
    Page, Query, Record, RecordName, Removal, Store, StoreError, StoreInfo, StoreTime, Stored,
};
use crate::{
    clock::{Clock, SystemClock, Timestamp, after},
    id::RequestId,
    model::{EventLine, OutboxNotice},
};

/// Enough that 64 commits in flight seldom meet; a power of two.
const SHARDS: usize = 64;

/// On its own cache lines, so that neighbours do not slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Slot(Mutex<shard::Shard>);

impl Slot {
    fn lock(&self) -> MutexGuard<'_, shard::Shard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps everything in memory: nothing survives the process.
///
/// Requests are spread over shards by their ids; a commit locks one shard, the shard of its key and the records, always in
/// this order, takes the time, checks and writes. Documents are shared, never encoded.
pub struct MemoryStore {
    shards: Box<[Slot]>,
    keys: Keys,
    records: Records,
    outbox: Outbox,
    numbers: changes::Numbers,
    journal: Mutex<Vec<JournalEntry>>,
    time: StoreTime,
    listeners: Listeners,
    closed: AtomicBool,
}

impl MemoryStore {
    /// An empty store on the system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store on this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Slot::default()).collect(),
            keys: Keys::new(),
            records: Records::default(),
            outbox: Outbox::default(),
            numbers: changes::Numbers::default(),
            journal: Mutex::default(),
            time: StoreTime::new(clock, None),
            listeners: Listeners::new(),
            closed: AtomicBool::new(false),
        }
    }

    fn open(&self) -> Result<(), StoreError> {
        if self.closed.load(Ordering::Acquire) { Err(StoreError::Closed) } else { Ok(()) }
    }

    /// The shard of an id. The low bits of a version 7 UUID are random.
    fn slot(&self, id: RequestId) -> Result<&Slot, StoreError> {
        let [.., low] = *id.as_bytes();
        self.shards
            .get(usize::from(low) % SHARDS)
            .ok_or_else(|| StoreError::unavailable("the store in memory has no shards"))
    }

    fn load_now(&self, id: RequestId) -> Result<Option<Stored>, StoreError> {
        Ok(self.slot(id)?.lock().load(id).cloned())
    }

    /// A change of a request, of notices about it, or both.
    fn commit_request(&self, id: RequestId, commit: Commit) -> Result<CommitOutcome, StoreError> {
        let slot = self.slot(id)?;
        let next = commit.row.as_ref().map(|row| {
            (
                row.document.index().due_at.map_or(NEVER, Timestamp::as_microsecond),
                Arc::clone(row.document.request()),
            )
        });
        let heard = !self.listeners.is_empty();
        let mut shard = slot.lock();

        let mut version = 0;
        let mut key = None;
        if let Some(row) = &commit.row {
            let found = shard.load(id);
            version = match (row.expect, found) {
                (Expect::Absent, None) => 1,
                (Expect::Version(expected), Some(stored)) if stored.version == expected => {
                    expected.checked_add(1).ok_or_else(|| {
                        StoreError::unreadable(format!("request {id} has the highest version that there is"))
                    })?
                }
                (Expect::Absent | Expect::Version(_), found) => {
                    return Ok(CommitOutcome::Conflict(found.cloned()));
                }
            };
            if let (Expect::Absent, Some(text)) = (row.expect, &row.document.request().key) {
                let keys = self.keys.lock(text)?;
                if let Some(other) = keys.get(text).copied() {
                    drop((keys, shard));
                    let other = self.load_now(other)?;
                    return Ok(other.map_or(CommitOutcome::Conflict(None), CommitOutcome::KeyTaken));
                }
                key = Some((keys, Arc::clone(text)));
            }
            if let Some(line) = commit.events.first()
                && line.seq <= shard.last_event(id)?
            {
                return Err(StoreError::unavailable(format!(
                    "the history of request {id} has a line {} already",
                    line.seq
                )));
            }
        }
        let mut records = self.records.hold(&commit.conditions, &commit.writes);
        let at = self.time.now();
        if !commit.in_time(at) {
            return Ok(CommitOutcome::OutsideTime { now: at });
        }
        if let Some(refused) = records.refuses(&commit.conditions) {
            return Ok(refused);
        }

        let mut changes = Vec::with_capacity(if heard { 2 } else { 0 });
        if heard {
            if let Some((_, request)) = &next {
                let stored = Some(Stored { version, request: Arc::clone(request) });
                changes.push(Change::Request { id, stored });
            }
            match commit.claim {
                _ if commit.notices.is_empty() => {}
                Some(ClaimWhenWriting { owner, lease }) => {
                    let until = after(at, lease);
                    changes.push(Change::Claimed { owner, until, notices: commit.notices.clone() });
                }
                None => changes.push(Change::Notices),
            }
            changes.extend(commit.writes.iter().map(|write| Change::Record(write.name.clone())));
        }
        if let Some((mut keys, text)) = key {
            keys.insert(text, id);
        }
        let state = next.map(|(due_at, request)| NewState {
            stored: Stored { version, request },
            due_at,
            events: commit.events,
        });
        let claim = commit.claim.map(|claim| (claim.owner, after(at, claim.lease).as_microsecond()));
        let before = shard.write(id, state, (commit.notices, claim), &self.outbox, &self.numbers);
        records.apply(commit.writes, at);
        drop(records);
        let mut telling = if heard { shard.outgoing.push(changes) } else { None };
        drop(shard);
        drop(before);
        while let Some(changes) = telling {
            self.listeners.tell(&changes);
            telling = slot.lock().outgoing.more();
        }
        Ok(CommitOutcome::Committed { at, version })
    }

    /// A change of records alone.
    fn commit_records(&self, commit: Commit) -> CommitOutcome {
        let mut records = self.records.hold(&commit.conditions, &commit.writes);
        let at = self.time.now();
        if !commit.in_time(at) {
            return CommitOutcome::OutsideTime { now: at };
        }
        if let Some(refused) = records.refuses(&commit.conditions) {
            return refused;
        }
        let changes: Vec<Change> =
            commit.writes.iter().map(|write| Change::Record(write.name.clone())).collect();
        records.apply(commit.writes, at);
        drop(records);
        self.listeners.tell(&changes);
        CommitOutcome::Committed { at, version: 0 }
    }

    fn claim(&self, claim: &NoticeClaim) -> Result<NoticeClaims, StoreError> {
        let now = self.time.now();
        let until = after(now, claim.lease).as_microsecond();
        let (places, next) = self.outbox.take(claim, now.as_microsecond(), until);
        let mut claimed = Vec::with_capacity(places.len());
        for place in places {
            let (_, id, number) = place;
            let mut shard = self.slot(id)?.lock();
            let notice = shard.claim(place, (claim.owner, until), &self.outbox);
            claimed.extend(notice.map(|notice| (number, notice)));
        }
        // Oldest request first, and within a request in the order of writing.
        claimed.sort_unstable_by_key(|(number, claimed)| (claimed.notice.request, *number));
        let notices = claimed.into_iter().map(|(_, claimed)| claimed).collect();
        Ok(NoticeClaims { notices, next: next.map(moment) })
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn info(&self) -> StoreInfo {
        StoreInfo { name: "memory", durable: false }
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.open()?;
        Ok(self.time.now())
    }

    fn now_at_once(&self) -> Option<Timestamp> {
        self.open().ok().map(|()| self.time.now())
    }

    async fn clock(&self) -> Result<ClockReading, StoreError> {
        self.open()?;
        Ok(self.time.reading())
    }

    fn clock_at_once(&self) -> Option<ClockReading> {
        self.open().ok().map(|()| self.time.reading())
    }

    async fn set_clock_mark(&self, mark: Timestamp) -> Result<(), StoreError> {
        self.open()?;
        self.time.set_mark(mark);
        Ok(())
    }

    fn claims_when_writing(&self) -> bool {
        true
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        self.open()?;
        match commit.subject()? {
            Some(id) => self.commit_request(id, commit),
            None => Ok(self.commit_records(commit)),
        }
    }

    async fn load(&self, id: RequestId) -> Result<Option<Stored>, StoreError> {
        self.open()?;
        self.load_now(id)
    }

    async fn find(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        self.open()?;
        match self.keys.find(key)? {
            Some(id) => self.load_now(id),
            None => Ok(None),
        }
    }

    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        self.open()?;
        let limit = query.limit.max(1);
        let wanted = limit.saturating_add(1);
        let mut items = Vec::new();
        for slot in &self.shards {
            let mut found = Vec::new();
            let mut from = query.after;
            loop {
                let more = slot.lock().list(query, from, wanted, &mut found);
                if more.is_none() {
                    break;
                }
                from = more;
            }
            items.append(&mut found);
        }
        match query.order {
            Order::Ascending => items.sort_unstable_by_key(|stored: &Stored| stored.request.id),
            Order::Descending => items.sort_unstable_by_key(|stored: &Stored| Reverse(stored.request.id)),
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|stored| stored.request.id);
        Ok(Page { items, next })
    }

    async fn due(&self, namespace: &str, limit: usize) -> Result<Due, StoreError> {
        self.open()?;
        let now = self.time.now().as_microsecond();
        let mut found = Vec::new();
        for slot in &self.shards {
            let shard = slot.lock();
            found.extend(
                shard
                    .due(namespace, now, limit.saturating_add(1))
                    .map(|(at, id, stored)| (at, id, stored.filter(|_| at <= now).cloned())),
            );
        }
        found.sort_unstable_by_key(|(at, id, _)| (*at, *id));
        let due = found.partition_point(|(at, ..)| *at <= now).min(limit);
        let next = found.get(due).map(|(at, ..)| moment(*at));
        let there = |(_, id, stored): (_, RequestId, Option<Stored>)| {
            stored.ok_or_else(|| StoreError::unreadable(format!("request {id} is due and not there")))
        };
        let items = found.into_iter().take(due).map(there).collect::<Result<_, _>>()?;
        Ok(Due { items, next })
    }

    async fn history(&self, id: RequestId) -> Result<Vec<EventLine>, StoreError> {
        self.open()?;
        self.slot(id)?.lock().history(id)
    }

    async fn claim_notices(&self, claim: &NoticeClaim) -> Result<NoticeClaims, StoreError> {
        self.open()?;
        self.claim(claim)
    }

    async fn settle_notices(&self, settlements: Vec<NoticeSettlement>) -> Result<(), StoreError> {
        self.open()?;
        let mut again = false;
        for settlement in settlements {
            again |= self.slot(settlement.request)?.lock().settle(settlement, &self.outbox);
        }
        if again {
            self.listeners.tell(&[Change::Notices]);
        }
        Ok(())
    }

    async fn notices(&self, request: RequestId) -> Result<Vec<OutboxNotice>, StoreError> {
        self.open()?;
        Ok(self.slot(request)?.lock().notices(request))
    }

    async fn record(&self, name: &RecordName) -> Result<Option<Record>, StoreError> {
        self.open()?;
        Ok(self.records.get(name))
    }

    async fn records(
        &self,
        prefix: &str,
        after: Option<&RecordName>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.open()?;
        Ok(self.records.list(prefix, after, limit))
    }

    async fn append_journal(&self, lines: Vec<JournalLine>) -> Result<(), StoreError> {
        self.open()?;
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let next = last_number(&journal).saturating_add(1);
        journal.extend((next..).zip(lines).map(|(number, line)| JournalEntry { number, line }));
        Ok(())
    }

    async fn import_journal(&self, entries: Vec<JournalEntry>) -> Result<(), StoreError> {
        self.open()?;
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let after = entries.first().is_none_or(|first| first.number > last_number(&journal));
        if !after || !entries.is_sorted_by(|a, b| a.number < b.number) {
            return Err(StoreError::unavailable(
                "the numbers of lines for the journal do not come after those that it has",
            ));
        }
        journal.extend(entries);
        Ok(())
    }

    async fn read_journal(&self, after: u64, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        self.open()?;
        let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let from = journal.partition_point(|entry| entry.number <= after);
        Ok(journal.iter().skip(from).take(limit).cloned().collect())
    }

    async fn changes(&self, after: &ChangeCursor, limit: usize) -> Result<Changes, StoreError> {
        self.open()?;
        Ok(self.changes_now(after.number()?, limit.max(1)))
    }

    async fn remove(&self, removal: Removal) -> Result<CommitOutcome, StoreError> {
        self.open()?;
        self.remove_now(removal)
    }

    fn subscribe(&self, listener: Weak<dyn ChangeListener>) {
        self.listeners.add(listener);
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.closed.store(true, Ordering::Release);
        Ok(())
    }
}

/// The number of the last line; 0 without one.
fn last_number(journal: &[JournalEntry]) -> u64 {
    journal.last().map_or(0, |entry| entry.number)
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
