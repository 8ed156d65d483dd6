//! The store on PostgreSQL keeps every promise, on a real server.
#![cfg(feature = "postgres")]

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU32, Ordering},
};

use approval_core::{Clock, id::RequestId, store::Store};
use approval_store::PostgresStore;
use approval_test_cluster::{Cluster, Database};
use approval_testkit::store_suite::{BoxError, CASES, StoreFactory, StoreHome, Verdict};
use async_trait::async_trait;

struct Postgres;

/// One database for all cases, and for each a schema of its own.
static DATABASE: LazyLock<Result<Database, approval_test_cluster::Error>> =
    LazyLock::new(|| Cluster::shared().database());
static SCHEMAS: AtomicU32 = AtomicU32::new(0);

fn database() -> Result<&'static Database, BoxError> {
    DATABASE.as_ref().map_err(|error| error.to_string().into())
}

struct Home {
    schema: String,
}

#[async_trait]
impl StoreFactory for Postgres {
    async fn home(&self) -> Result<Box<dyn StoreHome>, BoxError> {
        let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Home { schema: format!("case_{number}") }))
    }
}

#[async_trait]
impl StoreHome for Home {
    async fn open(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, BoxError> {
        Ok(Arc::new(
            PostgresStore::builder(database()?.socket_url())
                .schema(&self.schema)
                .clock(clock)
                .pool_size(2)
                .connect()
                .await?,
        ))
    }

    fn shared(&self) -> bool {
        true
    }

    async fn overwrite_document(&self, id: RequestId, document: &[u8]) -> Result<bool, BoxError> {
        let hex = document.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let schema = &self.schema;
        database()?.psql(&format!("UPDATE {schema}.requests SET document = '\\x{hex}' WHERE id = '{id}'"))?;
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
