//! Which request an idempotency key belongs to.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{id::RequestId, model::Text, store::StoreError};

const SHARDS: usize = 32;

/// Keys and their requests. Sharded apart from the requests, since a key says nothing about the id behind it.
#[derive(Debug)]
pub(super) struct Keys {
    hasher: RandomState,
    shards: Box<[Mutex<HashMap<Text, RequestId>>]>,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Locks the shard that `key` would be in.
    ///
    /// # Errors
    /// When there is no shard at all: then no key may count as free.
    pub(super) fn lock(&self, key: &str) -> Result<MutexGuard<'_, HashMap<Text, RequestId>>, StoreError> {
        let shard = self.hasher.hash_one(key).checked_rem(self.shards.len() as u64);
        let shard = shard.and_then(|shard| self.shards.get(usize::try_from(shard).ok()?));
        let shard = shard.ok_or_else(|| StoreError::unavailable("the store in memory has no shards"))?;
        Ok(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The request of a key.
    pub(super) fn find(&self, key: &str) -> Result<Option<RequestId>, StoreError> {
        Ok(self.lock(key)?.get(key).copied())
    }
}
