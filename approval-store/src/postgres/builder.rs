//! Opening a store.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use approval_core::{
    Clock,
    store::{Listeners, StoreError},
};
use deadpool_postgres::{Hook, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{
    PostgresStore, Shared,
    connect::{self, Connector},
    failure::failed,
    listen::Ear,
    locks,
    reader::Reader,
    schema,
    session::Writing,
    time::ServerTime,
    tls,
    url::{self, Address, Trust},
    work::Work,
    writer::Writer,
};

/// Settings of a store that is about to be opened.
#[must_use = "call .connect()"]
pub struct PostgresBuilder {
    url: String,
    schema: Option<String>,
    pool_size: usize,
    wait: Duration,
    patience: Duration,
    statement_timeout: Duration,
    poll: Duration,
    due_lease: Duration,
    roots: Option<PathBuf>,
    clock: Option<Arc<dyn Clock>>,
    existing_only: bool,
}

impl std::fmt::Debug for PostgresBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the address, which may hold a password; nor a schema that is none.
        let schema = self.schema.as_deref().filter(|schema| url::plain(schema).is_ok());
        f.debug_struct("PostgresBuilder").field("schema", &schema).finish_non_exhaustive()
    }
}

impl PostgresBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            schema: None,
            pool_size: 8,
            wait: Duration::from_secs(10),
            patience: Duration::from_secs(10),
            statement_timeout: Duration::from_mins(1),
            poll: Duration::from_secs(5),
            due_lease: Duration::from_secs(10),
            roots: None,
            clock: None,
            existing_only: false,
        }
    }

    /// The schema that holds the tables; `approvals` unless set here or in the address (`schema=`). Stores in several schemas
    /// of one database know nothing of each other.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }

    /// How many connections may read at a time; 8 unless set, at least 1. Besides these, a process has one connection that
    /// writes and one that listens.
    pub fn pool_size(mut self, count: usize) -> Self {
        self.pool_size = count.max(1);
        self
    }

    /// How long a read waits for one of those connections; 10 seconds unless set.
    pub const fn pool_timeout(mut self, patience: Duration) -> Self {
        self.wait = patience;
        self
    }

    /// How long reads and changes wait for a database that cannot be reached (a restart, a fail-over) before they fail; 10
    /// seconds unless set.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long the server may take to answer a read; 60 seconds unless set.
    pub const fn statement_timeout(mut self, patience: Duration) -> Self {
        self.statement_timeout = patience;
        self
    }

    /// How often this process looks whether it missed a notification; every 5 seconds unless set. One query per process, not
    /// one per waiting call.
    pub const fn poll_every(mut self, interval: Duration) -> Self {
        self.poll = interval;
        self
    }

    /// How long no other process looks after what is due and was given to this process; 10 seconds unless set. If the process dies,
    /// that is how long it is delayed.
    pub const fn due_lease(mut self, lease: Duration) -> Self {
        self.due_lease = lease;
        self
    }

    /// File with the certificates (PEM) of the authorities to trust, in the place of the usual ones; makes the server prove
    /// who it is. As `sslrootcert=` in the address.
    pub fn root_certificates(mut self, file: impl Into<PathBuf>) -> Self {
        self.roots = Some(file.into());
        self
    }

    /// Takes the time from `clock` in the place of the server. For tests: with several processes, only the server's clock is
    /// one that all agree on.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Makes no tables: connecting fails where there are none. For programs that only look, and that a mistyped address must
    /// not lead to make an empty store.
    pub const fn existing_only(mut self) -> Self {
        self.existing_only = true;
        self
    }

    /// Connects; makes the tables if there are none.
    ///
    /// # Errors
    /// When the address cannot be read, the database cannot be reached, is too old, or holds tables of a newer program.
    pub async fn connect(self) -> Result<PostgresStore, StoreError> {
        let (ready, opened) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("approvals-postgres".to_owned())
            .spawn(move || self.serve(ready))
            .map_err(|error| StoreError::caused_by("the thread of the store could not be started", error))?;
        let shared = opened.await.unwrap_or(Err(StoreError::Closed))?;
        Ok(PostgresStore { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Opens the store and does its work, on a thread and a runtime of its own: whatever the caller's runtime is busy with,
    /// and even after it ended, what was begun is finished.
    fn serve(self, ready: oneshot::Sender<Result<Shared, StoreError>>) {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let error = StoreError::caused_by("the runtime of the store could not be started", error);
                drop(ready.send(Err(error)));
                return;
            }
        };
        runtime.block_on(async {
            match self.start().await {
                Ok((shared, writer, given)) => {
                    drop(ready.send(Ok(shared)));
                    writer.run(given).await;
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        });
    }

    async fn start(self) -> Result<(Shared, Writer, mpsc::UnboundedReceiver<Option<Work>>), StoreError> {
        let address = Address::read(&self.url)?;
        let schema = self.schema.or(address.schema).unwrap_or_else(|| url::DEFAULT_SCHEMA.to_owned());
        url::plain(&schema)?;
        let roots = self.roots.or(address.roots);
        let trust = if roots.is_some() { Trust::Verified } else { address.trust };
        let tls = tls::connector(trust, roots.as_deref())?;
        let connector = Connector { config: address.config, tls, setup: connect::setup(&schema) };

        let fail = failed("the database cannot be reached");
        let may_write = {
            let first = connector.own(None).await.map_err(fail)?;
            if self.existing_only {
                schema::must_exist(&first.client, &schema).await?;
            }
            schema::migrate(&first.client, &schema).await?;
            schema::may_write(&first.client).await.map_err(fail)?
        };
        let pool = pool(&connector, self.pool_size, self.wait, self.statement_timeout)?;
        let reader = Reader::new(tokio::runtime::Handle::current(), pool, self.patience);
        let (me, tag) = (Uuid::new_v4(), locks::tag(&schema));
        let topic = super::topic(&schema);
        let (time, listeners) = (Arc::new(ServerTime::new(self.clock)), Arc::new(Listeners::new()));
        let mut writer = Writer::new(Writing {
            connector: connector.clone(),
            schema: schema.as_str().into(),
            me,
            tag,
            topic: topic.clone(),
            time: Arc::clone(&time),
            listeners: Arc::clone(&listeners),
            reader: reader.clone(),
            patience: self.patience,
        });
        // Who may only read is not entered among those that write: a change of his is refused when he asks for it.
        if may_write {
            writer.enter().await.map_err(fail)?;
        }
        let (now, lag) = reader.now(time.given()).await?;
        time.told(now, lag);
        let ear = Ear {
            connector,
            me,
            tag,
            topic,
            time: Arc::clone(&time),
            listeners: Arc::clone(&listeners),
            every: self.poll,
        };
        let (line, below) = ear.listen().await.map_err(fail)?;
        tokio::spawn(ear.run(line, below));
        let (give, given) = mpsc::unbounded_channel();
        let shared = Shared {
            reader,
            give,
            time,
            listeners,
            me,
            tag,
            due_lease: self.due_lease,
            poll: self.poll,
            schema: schema.into(),
            closed: AtomicBool::new(false),
        };
        Ok((shared, writer, given))
    }
}

/// Connections for reading.
fn pool(
    connector: &Connector,
    size: usize,
    wait: Duration,
    statement_timeout: Duration,
) -> Result<Pool, StoreError> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(connector.config.clone(), connector.tls.clone(), recycling);
    let timeout = statement_timeout.as_millis();
    let setup: Arc<str> = format!("{}; SET statement_timeout = {timeout}", connector.setup).into();
    Pool::builder(manager)
        .max_size(size)
        .wait_timeout(Some(wait))
        .create_timeout(Some(wait))
        .runtime(Runtime::Tokio1)
        .post_create(Hook::async_fn(move |client, _| {
            let setup = Arc::clone(&setup);
            Box::pin(async move {
                client.batch_execute(&setup).await.map_err(deadpool_postgres::HookError::Backend)
            })
        }))
        .build()
        .map_err(|error| StoreError::caused_by("the connections to the database", error))
}
