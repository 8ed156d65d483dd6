//! Opening a store.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use approval_core::{
    Clock, SystemClock,
    store::{Listeners, StoreError, StoreTime},
};
use rusqlite::Connection;

use super::{
    SqliteStore,
    failure::failed,
    queue::Queue,
    readers::{self, Readers},
    rows::moment,
    schema,
    writer::{Seen, Writer},
};

type Failpoint = Box<dyn Fn(&'static str) + Send + Sync>;

/// Settings of a store that is about to be opened.
#[must_use = "call .open()"]
pub struct SqliteBuilder {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    busy: Duration,
    watch: Duration,
    failpoint: Failpoint,
}

impl std::fmt::Debug for SqliteBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteBuilder").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteBuilder {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            clock: Arc::new(SystemClock),
            busy: Duration::from_secs(10),
            watch: Duration::from_millis(50),
            failpoint: Box::new(|_| {}),
        }
    }

    /// The clock that decides whether a change comes in time; the system's unless set. Give the manager the same one.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How long a change waits for another process that writes; 10 seconds unless set.
    pub const fn busy_timeout(mut self, patience: Duration) -> Self {
        self.busy = patience;
        self
    }

    /// How often this process looks for what others wrote; every 50 milliseconds unless set.
    pub const fn watch_every(mut self, interval: Duration) -> Self {
        self.watch = interval;
        self
    }

    /// Called by the writer at named points, for tests that kill the process there.
    #[doc(hidden)]
    pub fn failpoint(mut self, reached: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        self.failpoint = Box::new(reached);
        self
    }

    /// Opens the store; makes the file if there is none, readable for its owner alone.
    ///
    /// # Errors
    /// When the file cannot be opened or is no store, or was written by a newer program.
    pub fn open(self) -> Result<SqliteStore, StoreError> {
        let Self { path, clock, busy, watch, failpoint } = self;
        make_private(&path)?;
        let at = |error: StoreError| match error {
            StoreError::Unavailable { message, source } => {
                StoreError::Unavailable { message: format!("{}: {message}", path.display()), source }
            }
            other => other,
        };
        let connection = connect(&path, busy).map_err(at)?;
        let floor: i64 = connection
            .query_row("SELECT value FROM meta WHERE name = 'high_water'", [], |row| row.get(0))
            .map_err(failed("the time of the store cannot be read"))?;
        let time = Arc::new(StoreTime::new(clock, Some(moment(floor)?)));
        let queue = Arc::new(Queue::new());
        let listeners = Arc::new(Listeners::new());
        let writer = Writer {
            seen: Seen::now(&connection)?,
            connection,
            queue: Arc::clone(&queue),
            time: Arc::clone(&time),
            listeners: Arc::clone(&listeners),
            watch,
            failpoint,
        };
        let thread = std::thread::Builder::new()
            .name("approvals-sqlite".to_owned())
            .spawn(move || writer.run())
            .map_err(|e| StoreError::caused_by("the thread that writes could not be started", e))?;
        let readers = Readers::new(path.clone(), move |path| readers::open(path, busy));
        Ok(SqliteStore {
            path,
            queue,
            readers: Arc::new(readers),
            time,
            listeners,
            writer: std::sync::Mutex::new(Some(thread)),
            watch,
        })
    }
}

/// Makes the file if there is none, so that nobody else can read it. What SQLite puts beside it inherits that.
fn make_private(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            let hint = match error.kind() {
                std::io::ErrorKind::NotFound => " (its directory does not exist; make it first)",
                std::io::ErrorKind::PermissionDenied => " (its directory may not be written by this user)",
                _ => "",
            };
            Err(StoreError::caused_by(
                format!("the store's file {} cannot be made{hint}", path.display()),
                error,
            ))
        }
    }
}

/// Opens the connection that writes, and brings the file up to date.
fn connect(path: &Path, busy: Duration) -> Result<Connection, StoreError> {
    let fail = failed("the store's file cannot be opened");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(&fail)?;
    connection.busy_timeout(busy).map_err(&fail)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(&fail)?;
    if mode != "wal" {
        return Err(StoreError::unavailable(format!(
            "the store's file cannot be used with a write-ahead log (mode {mode:?}); put it on a local disk"
        )));
    }
    // In this mode every commit is synced before it is acknowledged.
    connection.pragma_update(None, "synchronous", "FULL").map_err(&fail)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000).map_err(&fail)?;
    connection.pragma_update(None, "cache_size", -65_536).map_err(&fail)?;
    connection.set_prepared_statement_cache_capacity(64);
    schema::migrate(&mut connection)?;
    Ok(connection)
}
