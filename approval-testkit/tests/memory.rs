//! The store in memory keeps every promise.

use std::sync::Arc;

use approval_core::{
    Clock,
    store::{MemoryStore, Store},
};
use approval_testkit::store_suite::{BoxError, StoreFactory, StoreHome};
use async_trait::async_trait;

struct Memory;

#[async_trait]
impl StoreFactory for Memory {
    async fn home(&self) -> Result<Box<dyn StoreHome>, BoxError> {
        Ok(Box::new(Self))
    }
}

#[async_trait]
impl StoreHome for Memory {
    async fn open(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, BoxError> {
        Ok(Arc::new(MemoryStore::with_clock(clock)))
    }
}

approval_testkit::store_conformance!(Memory);
