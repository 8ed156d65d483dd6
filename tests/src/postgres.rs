//! Places for stores on a real PostgreSQL server, which is started when it is first needed and gone with the process.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU32, Ordering},
};

use approval_core::{Clock, store::Store};
use approval_store::PostgresStore;
use approval_test_cluster::{Cluster, Database};

static DATABASE: LazyLock<Database> =
    LazyLock::new(|| Cluster::shared().database().expect("a database on a server of our own"));
static SCHEMAS: AtomicU32 = AtomicU32::new(0);

/// An empty schema, for one test.
#[derive(Debug)]
pub struct Place {
    schema: String,
}

impl Place {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        Self { schema: format!("place_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed)) }
    }

    /// A store here, as one more process opens it, by this clock.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let store = PostgresStore::builder(DATABASE.socket_url()).schema(&self.schema).clock(clock);
        Arc::new(store.pool_size(4).connect().await.expect("a PostgreSQL store"))
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}
