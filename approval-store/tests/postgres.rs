//! The store on PostgreSQL keeps every promise, on a real server.
#![cfg(feature = "postgres")]

use std::sync::Arc;

use approval_core::{Clock, id::RequestId, store::Store};
use approval_store::PostgresStore;
use approval_test_cluster::{Cluster, Database};
use approval_testkit::store_suite::{BoxError, CASES, StoreFactory, StoreHome, Verdict};
use async_trait::async_trait;

struct Postgres;

struct Home(Database);

#[async_trait]
impl StoreFactory for Postgres {
    async fn home(&self) -> Result<Box<dyn StoreHome>, BoxError> {
        Ok(Box::new(Home(Cluster::shared().database()?)))
    }
}

#[async_trait]
impl StoreHome for Home {
    async fn open(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, BoxError> {
        Ok(Arc::new(PostgresStore::builder(self.0.socket_url()).clock(clock).pool_size(2).connect().await?))
    }

    fn shared(&self) -> bool {
        true
    }

    async fn overwrite_document(&self, id: RequestId, document: &[u8]) -> Result<bool, BoxError> {
        let hex: String = document.iter().map(|byte| format!("{byte:02x}")).collect();
        self.0.psql(&format!("UPDATE approvals.requests SET document = '\\x{hex}' WHERE id = '{id}'"))?;
        Ok(true)
    }
}

approval_testkit::store_conformance!(Postgres);

#[tokio::test(flavor = "multi_thread")]
async fn no_case_is_left_out() {
    for case in CASES {
        assert_eq!(case.run(&Postgres).await.unwrap(), Verdict::Passed, "{}", case.name);
    }
}
