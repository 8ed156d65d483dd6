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

/// The store as it is.
struct Postgres;

/// The same, and everything that is written is put away in the archive in the same transaction, decided or not.
struct Archiving;

/// One database for all cases, and for each a schema of its own.
static DATABASE: LazyLock<Result<Database, approval_test_cluster::Error>> =
    LazyLock::new(|| Cluster::shared().database());
static SCHEMAS: AtomicU32 = AtomicU32::new(0);

fn database() -> Result<&'static Database, BoxError> {
    DATABASE.as_ref().map_err(|error| error.to_string().into())
}

struct Home {
    schema: String,
    archiving: bool,
}

impl Home {
    fn new(archiving: bool) -> Self {
        let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
        Self { schema: format!("case_{number}"), archiving }
    }

    /// From now on, who commits puts away what he wrote.
    fn archive_at_once(&self) -> Result<(), BoxError> {
        let schema = &self.schema;
        database()?.psql(&format!(
            "SET search_path = {schema};
             CREATE OR REPLACE FUNCTION at_once() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema} AS
                $$ BEGIN PERFORM put_away(ARRAY[NEW.id]); RETURN NULL; END $$;
             DROP TRIGGER IF EXISTS at_once ON requests;
             CREATE CONSTRAINT TRIGGER at_once AFTER INSERT OR UPDATE ON requests DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (NEW.document IS NOT NULL) EXECUTE FUNCTION at_once()"
        ))?;
        Ok(())
    }
}

#[async_trait]
impl StoreFactory for Postgres {
    async fn home(&self) -> Result<Box<dyn StoreHome>, BoxError> {
        Ok(Box::new(Home::new(false)))
    }
}

#[async_trait]
impl StoreFactory for Archiving {
    async fn home(&self) -> Result<Box<dyn StoreHome>, BoxError> {
        Ok(Box::new(Home::new(true)))
    }
}

#[async_trait]
impl StoreHome for Home {
    async fn open(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, BoxError> {
        let store = PostgresStore::builder(database()?.socket_url())
            .schema(&self.schema)
            .clock(clock)
            .pool_size(2)
            .connect()
            .await?;
        if self.archiving {
            self.archive_at_once()?;
        }
        Ok(Arc::new(store))
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

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_is_kept_when_everything_is_archived_at_once() {
    for case in CASES {
        assert_eq!(case.run(&Archiving).await.unwrap(), Verdict::Passed, "{}", case.name);
    }
    // And so it was.
    let database = database().unwrap();
    let archived = database
        .psql("SELECT count(*) FROM pg_class WHERE relname LIKE 'requests\\_archive\\_%' AND relkind = 'r'")
        .unwrap();
    assert!(archived.trim().parse::<usize>().unwrap() > CASES.len() / 2, "{archived}");
}
