//! The latest known state of requests that were just opened or decided, so that a decision need not read what this process
//! wrote a moment ago. Only ever a guess: a commit is checked against the version, and a refusal against the store.

use std::hash::BuildHasher;

use super::id_hasher::IdHasher;
use crate::{
    id::RequestId,
    store::Stored,
    sync::{Mutex, lock},
};

/// How many requests are remembered.
const SLOTS: usize = 4096;

#[derive(Debug)]
pub(crate) struct RowCache {
    slots: Box<[Mutex<Option<Stored>>]>,
    hasher: IdHasher,
}

impl RowCache {
    pub(crate) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Mutex::new(None)).collect(), hasher: IdHasher::default() }
    }

    fn slot(&self, id: RequestId) -> Option<&Mutex<Option<Stored>>> {
        let slot = self.hasher.hash_one(id) % SLOTS as u64;
        self.slots.get(usize::try_from(slot).ok()?)
    }

    /// What was last seen of a request.
    pub(crate) fn get(&self, id: RequestId) -> Option<Stored> {
        lock(self.slot(id)?).as_ref().filter(|stored| stored.request.id == id).cloned()
    }

    /// Remembers a state, unless a later one of the same request is known.
    pub(crate) fn put(&self, stored: &Stored) {
        if let Some(slot) = self.slot(stored.request.id) {
            let mut slot = lock(slot);
            let newer = slot
                .as_ref()
                .is_some_and(|old| old.request.id == stored.request.id && old.version >= stored.version);
            if !newer {
                *slot = Some(stored.clone());
            }
        }
    }

    /// Forgets a request that another process changed.
    pub(crate) fn forget(&self, id: RequestId) {
        if let Some(slot) = self.slot(id) {
            let mut slot = lock(slot);
            if slot.as_ref().is_some_and(|stored| stored.request.id == id) {
                *slot = None;
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        for slot in &self.slots {
            *lock(slot) = None;
        }
    }
}
