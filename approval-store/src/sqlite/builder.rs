//! Opening a store.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use approval_core::{
    Clock, SystemClock,
    checked_file::FileChecks,
    clock::Span,
    store::{Listeners, StoreError, StoreTime},
};
use rusqlite::{Connection, TransactionBehavior};

use super::{
    SqliteStore,
    failure::failed,
    file,
    readers::Readers,
    rows::micros,
    watch::Seen,
    writer::{self, Writer},
};
use crate::group_commit::Queue;

/// Rows of writers that have been silent for that long are removed.
const SILENCE: Span = Span::from_hours(1);
const FORGET_WRITERS: &str = "DELETE FROM writers WHERE high_water < ?1";

/// Settings of a store that is about to be opened.
#[must_use = "call .open()"]
pub struct SqliteBuilder {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    busy: Duration,
    watch: Duration,
    readers: usize,
    checks: FileChecks,
    failpoint: Box<dyn Fn(&'static str) + Send + Sync>,
    commit: writer::Commit,
}

impl std::fmt::Debug for SqliteBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteBuilder")
            .field("path", &approval_core::model::address::shown_path(&self.path))
            .finish_non_exhaustive()
    }
}

impl SqliteBuilder {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            clock: Arc::new(SystemClock),
            busy: Duration::from_secs(10),
            watch: Duration::from_millis(50),
            readers: 4,
            checks: FileChecks::new(),
            failpoint: Box::new(|_| {}),
            commit: Box::new(writer::commit),
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

    /// How many connections may read single rows at a time, and how many may scan; 4 of each unless set, at least 1.
    pub const fn readers(mut self, count: usize) -> Self {
        self.readers = count;
        self
    }

    /// What is accepted of the file although it is not safe. Unless set, a symbolic link in its place is refused, and a file
    /// (also the log beside it) that every user of the machine may write. Whatever is not a regular file is always refused.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use approval_core::checked_file::FileChecks;
    /// use approval_store::SqliteStore;
    ///
    /// let checks = FileChecks::new().allow_symbolic_link();
    /// let store = SqliteStore::builder("approvals.db").file_checks(checks).open()?;
    /// # drop(store); Ok(()) }
    /// ```
    pub const fn file_checks(mut self, checks: FileChecks) -> Self {
        self.checks = checks;
        self
    }

    /// Called by the writer at named points, for tests that kill the process there.
    #[doc(hidden)]
    pub fn failpoint(mut self, reached: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        self.failpoint = Box::new(reached);
        self
    }

    /// Commits in the place of SQLite.
    #[cfg(test)]
    pub(super) fn commit_by(
        mut self,
        commit: impl FnMut(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> Self {
        self.commit = Box::new(commit);
        self
    }

    /// Opens the store; makes the file if there is none, readable for its owner alone.
    ///
    /// # Errors
    /// When the file cannot be opened, is not safe ([`file_checks`](Self::file_checks)) or no store, or was written by a newer program.
    pub fn open(self) -> Result<SqliteStore, StoreError> {
        let Self { path, clock, busy, watch, readers, checks, failpoint, commit } = self;
        let path = file::absolute(&path)?;
        let (mut connection, real) = file::open(&path, busy, checks)?;
        let id = random_id();
        let (time, seen) = enter(&mut connection, clock, id)?;
        // From here on the writer waits for the lock by itself.
        connection.busy_timeout(Duration::ZERO).map_err(failed("the store's file cannot be opened"))?;
        let (queue, listeners) = (Arc::new(Queue::new()), Arc::new(Listeners::new()));
        let mut writer = Writer {
            path: real.clone(),
            connection,
            id,
            batch: 0,
            time: Arc::clone(&time),
            listeners: Arc::clone(&listeners),
            seen,
            busy,
            watch,
            failpoint,
            commit,
        };
        let work = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name("approvals-sqlite".to_owned())
            .spawn(move || {
                work.drive(&mut writer, watch);
                writer.end();
            })
            .map_err(|e| StoreError::caused_by("the thread that writes could not be started", e))?;
        Ok(SqliteStore {
            readers: Arc::new(Readers::new(&real, busy, readers)),
            path,
            queue,
            time,
            listeners,
            writer: Mutex::new(Some(thread)),
            watch,
        })
    }
}

/// Names a writer: the random half of a UUID, without its sign.
fn random_id() -> i64 {
    let (_, random) = uuid::Uuid::new_v4().as_u64_pair();
    (random >> 1).cast_signed()
}

/// Takes over the time where the last process left it, and enters this writer in the file.
fn enter(
    connection: &mut Connection,
    clock: Arc<dyn Clock>,
    id: i64,
) -> Result<(Arc<StoreTime>, Seen), StoreError> {
    let fail = failed("the store's file cannot be written");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
    let time = StoreTime::new(clock, Some(writer::high_water(&transaction)?));
    writer::mark(&transaction, id, 0, &time)?;
    let silent = approval_core::clock::after(time.now(), -SILENCE);
    transaction.execute(FORGET_WRITERS, [micros(silent)]).map_err(&fail)?;
    let seen = Seen::all(&transaction)?;
    transaction.commit().map_err(&fail)?;
    Ok((Arc::new(time), seen))
}
