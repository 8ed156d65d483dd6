//! Which histories grew, and removing requests.
//!
//! Nothing is noted until it is asked for, so that agents without an audit trail do not pay for one. From then on each shard
//! keeps the numbers of its changes. A number is taken under the lock of the shard that the change is made under: who reads
//! the highest number first and then goes through the shards finds every change up to it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::MemoryStore;
use crate::{
    id::RequestId,
    store::{Change, ChangeCursor, Changes, CommitOutcome, Removal, StoreError},
};

/// Numbers the changes of all shards from 1.
#[derive(Debug, Default)]
pub(super) struct Numbers(AtomicU64);

impl Numbers {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::AcqRel).saturating_add(1)
    }

    fn highest(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// The changes of one shard, oldest first.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: Vec<(u64, RequestId)>,
    /// Entries when it was last thinned out.
    thinned: usize,
}

impl Log {
    /// All of `ids` as changes of this moment.
    pub(super) fn of(numbers: &Numbers, ids: impl Iterator<Item = RequestId>) -> Self {
        let entries: Vec<_> = ids.map(|id| (numbers.next(), id)).collect();
        Self { thinned: entries.len(), entries }
    }

    pub(super) fn push(&mut self, numbers: &Numbers, id: RequestId) {
        /// Below this it is not worth thinning out.
        const FEW: usize = 1024;
        self.entries.push((numbers.next(), id));
        if self.entries.len() > FEW.max(self.thinned.saturating_mul(2)) {
            // Only the latest change of each request says anything.
            self.entries.sort_unstable_by_key(|(number, id)| (*id, std::cmp::Reverse(*number)));
            self.entries.dedup_by_key(|(_, id)| *id);
            self.entries.sort_unstable();
            self.thinned = self.entries.len();
        }
    }

    pub(super) fn after(&self, number: u64) -> &[(u64, RequestId)] {
        let from = self.entries.partition_point(|(at, _)| *at <= number);
        self.entries.get(from..).unwrap_or_default()
    }
}

impl MemoryStore {
    pub(super) fn changes_now(&self, after: u64, limit: usize) -> Changes {
        // The first call makes each shard keep a log, with what is there.
        for slot in &self.shards {
            slot.lock().log(&self.numbers, after);
        }
        let highest = self.numbers.highest();
        let mut found = Vec::new();
        for slot in &self.shards {
            let mut shard = slot.lock();
            let log = shard.log(&self.numbers, after).iter();
            found.extend(log.take_while(|(number, _)| *number <= highest).take(limit.saturating_add(1)));
        }
        found.sort_unstable();
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more).map_or(highest.max(after), |(number, _)| *number);
        let requests = found.into_iter().map(|(_, id)| id).collect();
        Changes { requests, next: ChangeCursor::after_number(last), more }
    }

    pub(super) fn remove_now(&self, removal: Removal) -> Result<CommitOutcome, StoreError> {
        let Removal { request: id, version } = removal;
        let slot = self.slot(id)?;
        let mut shard = slot.lock();
        match shard.load(id) {
            Some(stored) if stored.version == version => {
                if let Some(key) = &stored.request.key {
                    self.keys.lock(key)?.remove(key);
                }
            }
            found => return Ok(CommitOutcome::Conflict(found.cloned())),
        }
        let at = self.time.now();
        let removed = shard.remove(id, &self.outbox);
        let change = vec![Change::Request { id, stored: None }];
        let mut telling = if self.listeners.is_empty() { None } else { shard.outgoing.push(change) };
        drop(shard);
        drop(removed);
        while let Some(changes) = telling {
            self.listeners.tell(&changes);
            telling = slot.lock().outgoing.more();
        }
        Ok(CommitOutcome::Committed { at, version: 0 })
    }
}
