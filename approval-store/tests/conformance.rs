//! The store on SQLite keeps every promise.
#![cfg(feature = "sqlite")]

use std::{path::PathBuf, sync::Arc};

use approval_core::{Clock, id::RequestId, store::Store};
use approval_store::SqliteStore;
use approval_testkit::store_suite::{BoxError, CASES, StoreFactory, StoreHome, Verdict};
use async_trait::async_trait;
use tempfile::TempDir;

struct Sqlite;

struct Home(TempDir);

impl Home {
    fn file(&self) -> PathBuf {
        self.0.path().join("approvals.db")
    }
}

#[async_trait]
impl StoreFactory for Sqlite {
    async fn home(&self) -> Result<Box<dyn StoreHome>, BoxError> {
        Ok(Box::new(Home(TempDir::new()?)))
    }
}

#[async_trait]
impl StoreHome for Home {
    async fn open(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, BoxError> {
        Ok(Arc::new(SqliteStore::builder(self.file()).clock(clock).open()?))
    }

    fn shared(&self) -> bool {
        true
    }

    async fn overwrite_document(&self, id: RequestId, document: &[u8]) -> Result<bool, BoxError> {
        let connection = rusqlite::Connection::open(self.file())?;
        connection.execute("UPDATE requests SET document = ?2 WHERE id = ?1", (id.as_bytes(), document))?;
        Ok(true)
    }
}

approval_testkit::store_conformance!(Sqlite);

#[tokio::test(flavor = "multi_thread")]
async fn no_case_is_left_out() {
    for case in CASES {
        assert_eq!(case.run(&Sqlite).await.unwrap(), Verdict::Passed, "{}", case.name);
    }
}
