//! Reading, with connections of a pool.

use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use approval_core::{
    clock::Timestamp,
    id::RequestId,
    store::{Record, RecordName, StoreError, Stored},
};
use deadpool_postgres::{Object, Pool};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc, oneshot},
    time::Instant,
};
use uuid::Uuid;

use super::{
    failure::{self, failed},
    rows, text,
};
use crate::columns::{Raw, moment};

pub(super) const LOAD: &str =
    "SELECT id, version, coalesce(document, archived_document(id)) FROM requests WHERE id = ANY ($1)";
const FIND: &str =
    "SELECT id, version, coalesce(document, archived_document(id)) FROM requests WHERE key = $1";
const RECORD: &str = "SELECT name, version, value, updated_at FROM records WHERE name = $1";
const NOW: &str = "SELECT t.at, clock_lag($1, t.at) FROM store_time($1) AS t (at)";
const SET_MARK: &str = "UPDATE writers SET high_water = $1";

/// Most requests that are loaded by one statement.
const TOGETHER: usize = 256;
/// How many such statements may be under way.
const LOADING: usize = 2;

/// Pauses between attempts: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

/// What may go wrong while reading.
pub(super) enum Fault {
    Database(tokio_postgres::Error),
    Pool(deadpool_postgres::PoolError),
    Store(StoreError),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Fault {
    /// Whether another connection may do better.
    fn is_passing(&self) -> bool {
        use deadpool_postgres::PoolError;
        match self {
            Self::Database(error) | Self::Pool(PoolError::Backend(error)) => {
                failure::is_of_connection(error) || failure::is_passing(error)
            }
            Self::Pool(_) | Self::Store(_) => false,
        }
    }

    fn told(self, what: &'static str) -> StoreError {
        match self {
            Self::Database(error) => failed(what)(error),
            Self::Pool(error) => failure::from_pool(error),
            Self::Store(error) => error,
        }
    }
}

/// Who waits for a request.
type Load = (RequestId, oneshot::Sender<Result<Option<Raw>, StoreError>>);

/// Reads. Clones read with the same connections.
#[derive(Clone)]
pub(super) struct Reader(Arc<Inside>);

struct Inside {
    runtime: Handle,
    pool: Pool,
    /// How long a read waits for a database that cannot be reached.
    patience: Duration,
    loads: mpsc::UnboundedSender<Load>,
}

impl Reader {
    /// Reads with connections of `pool`, whose work is done on `runtime`.
    pub(super) fn new(runtime: Handle, pool: Pool, patience: Duration) -> Self {
        let (loads, wanted) = mpsc::unbounded_channel();
        let reader = Self(Arc::new(Inside { runtime, pool, patience, loads }));
        // Without a hold on the reader: what is loaded ends with it.
        let weak = Arc::downgrade(&reader.0);
        reader.0.runtime.spawn(load_together(wanted, move || weak.upgrade().map(Self)));
        reader
    }

    /// Lets go of the connections.
    pub(super) fn close(&self) {
        self.0.pool.close();
    }

    /// Reads with a connection of its own meanwhile. Tried again, with pauses, while the database cannot be reached.
    pub(super) async fn read<T, F>(
        &self,
        what: &'static str,
        read: impl Fn(Object) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send,
    {
        let (pool, patience) = (self.0.pool.clone(), self.0.patience);
        let reading = self.0.runtime.spawn(async move {
            let deadline = Instant::now() + patience;
            let [mut pause, longest] = PAUSES;
            loop {
                let fault = match pool.get().await {
                    Ok(connection) => match read(connection).await {
                        Ok(found) => return Ok(found),
                        Err(fault) => fault,
                    },
                    Err(error) => Fault::Pool(error),
                };
                if !fault.is_passing() || Instant::now() + pause >= deadline {
                    return Err(fault.told(what));
                }
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(longest);
            }
        });
        reading.await.unwrap_or(Err(StoreError::Closed))
    }

    /// A request. Those that are wanted at the same time are loaded together.
    pub(super) async fn load(&self, id: RequestId) -> Result<Option<Stored>, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.0.loads.send((id, answer)).map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)??.map(Raw::decode).transpose()
    }

    pub(super) async fn find(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        let key = text::column(key).into_owned();
        let found = self
            .read("a request could not be looked for", move |connection| {
                let key = key.clone();
                async move {
                    let statement = connection.prepare_cached(FIND).await?;
                    let row = connection.query_opt(&statement, &[&key]).await?;
                    Ok(row.as_ref().map(rows::raw).transpose()?)
                }
            })
            .await?;
        found.map(Raw::decode).transpose()
    }

    pub(super) async fn record(&self, name: &RecordName) -> Result<Option<Record>, StoreError> {
        let name = name.clone();
        self.read("a record could not be read", move |connection| {
            let name = name.clone();
            async move {
                let statement = connection.prepare_cached(RECORD).await?;
                let row = connection.query_opt(&statement, &[&name.as_str().as_bytes()]).await?;
                row.as_ref().map(rows::record).transpose()
            }
        })
        .await
    }

    /// The store's time, and how far it is ahead of the server's clock, in microseconds.
    pub(super) async fn now(&self, given: Option<i64>) -> Result<(Timestamp, i64), StoreError> {
        self.read("the time of the database could not be read", move |connection| async move {
            let statement = connection.prepare_cached(NOW).await?;
            let row = connection.query_one(&statement, &[&given]).await?;
            Ok((moment(row.try_get(0)?)?, row.try_get(1)?))
        })
        .await
    }

    /// Sets the latest moment that was given out, of every process.
    pub(super) async fn set_mark(&self, mark: i64) -> Result<(), StoreError> {
        self.read("the time of the store could not be set", move |connection| async move {
            let statement = connection.prepare_cached(SET_MARK).await?;
            connection.execute(&statement, &[&mark]).await?;
            Ok(())
        })
        .await
    }
}

/// Loads what is wanted, many with one statement: while one is under way, what comes meanwhile gathers for the next.
async fn load_together(mut wanted: mpsc::UnboundedReceiver<Load>, reader: impl Fn() -> Option<Reader>) {
    let free = Arc::new(Semaphore::new(LOADING));
    while let Some(first) = wanted.recv().await {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        let mut loads = vec![first];
        while loads.len() < TOGETHER
            && let Ok(load) = wanted.try_recv()
        {
            loads.push(load);
        }
        let Some(reader) = reader() else { return };
        tokio::spawn(async move {
            let ids: Arc<[Uuid]> = loads.iter().map(|(id, _)| *id.as_uuid()).collect();
            let found = reader.read("a request could not be read", move |connection| {
                let ids = Arc::clone(&ids);
                async move {
                    let statement = connection.prepare_cached(LOAD).await?;
                    let found = connection.query(&statement, &[&&*ids]).await?;
                    Ok(found.iter().map(rows::raw).collect::<Result<Vec<_>, _>>()?)
                }
            });
            let found = found.await;
            drop(permit);
            let mut found = found.map(|found| {
                found.into_iter().map(|raw| (raw.id.clone(), raw)).collect::<HashMap<Vec<u8>, Raw>>()
            });
            for (id, answer) in loads {
                let one = match &mut found {
                    Ok(found) => Ok(found.get(&id.as_bytes()[..]).cloned()),
                    Err(error) => Err(error.clone()),
                };
                drop(answer.send(one));
            }
        });
    }
}
