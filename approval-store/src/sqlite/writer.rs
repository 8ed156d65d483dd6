//! The thread that writes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use approval_core::{
    clock::Timestamp,
    store::{Change, Listeners, StoreError, StoreTime},
};
use rusqlite::{Connection, params};

use super::{
    batch::Batch,
    failure::{failed, is_busy},
    job::Job,
    readers,
    rows::{micros, moment},
    watch::Seen,
};
use crate::group_commit::Executor;

const BEGIN: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";
const HIGH_WATER: &str = "SELECT max(high_water) FROM writers";
const MARK: &str = "INSERT INTO writers (id, batch, high_water) VALUES (?1, ?2, ?3)
    ON CONFLICT (id) DO UPDATE SET batch = ?2, high_water = ?3";
const MARKED: &str = "SELECT coalesce(max(batch), 0) FROM writers WHERE id = ?1";

/// Pauses between attempts to get the write lock from another process: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_micros(500), Duration::from_millis(10)];

/// How a transaction is committed; tests let it fail.
pub(super) type Commit = Box<dyn FnMut(&Connection) -> rusqlite::Result<()> + Send>;

/// Commits, which syncs.
pub(super) fn commit(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached(COMMIT)?.execute([]).map(drop)
}

/// What the writer has to do with.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    /// Names this writer in the file.
    pub(super) id: i64,
    /// Counts the transactions of this writer.
    pub(super) batch: i64,
    pub(super) time: Arc<StoreTime>,
    pub(super) listeners: Arc<Listeners>,
    pub(super) seen: Seen,
    /// How long to wait for another process that writes.
    pub(super) busy: Duration,
    /// How often to look for what others wrote.
    pub(super) watch: Duration,
    pub(super) failpoint: Box<dyn Fn(&'static str) + Send + Sync>,
    pub(super) commit: Commit,
}

/// Why a transaction failed. Nothing of it is written, except where that is not known.
enum Failure {
    /// Nothing was begun: each job by itself would fare no better.
    NotBegun(StoreError),
    /// One of the jobs could not be done; the others may be.
    AtWork(StoreError),
    /// It could not be committed.
    NotCommitted(StoreError),
}

impl Executor<Box<dyn Job>> for Writer {
    fn group(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        match self.transaction(&mut jobs) {
            Ok(()) => jobs.into_iter().for_each(Job::answer),
            Err(Failure::AtWork(error)) if jobs.len() > 1 => {
                tracing::warn!(%error, "a group of changes failed; each is tried by itself");
                for job in jobs {
                    self.group(vec![job]);
                }
            }
            Err(Failure::NotBegun(error) | Failure::AtWork(error) | Failure::NotCommitted(error)) => {
                for job in jobs {
                    job.refuse(error.clone());
                }
            }
        }
        (self.failpoint)("after the answers");
    }

    fn idle(&mut self) {
        self.look_around();
    }
}

impl Writer {
    /// Does all jobs in one transaction and, when it is durable, tells the listeners; the answers are the caller's matter.
    fn transaction(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        (self.failpoint)("before the transaction");
        self.begin().map_err(Failure::NotBegun)?;
        (self.failpoint)("after the transaction began");
        let (changes, seen) = match self.fill(jobs) {
            Ok(filled) => filled,
            Err(error) => {
                self.roll_back();
                return Err(Failure::AtWork(error));
            }
        };
        (self.failpoint)("before the sync");
        if let Err(error) = (self.commit)(&self.connection) {
            self.after_failed_commit(&failed("a transaction could not be committed")(error))?;
        }
        (self.failpoint)("after the sync");
        self.seen = seen;
        self.listeners.tell(&changes);
        (self.failpoint)("before the answers");
        Ok(())
    }

    /// Gets the write lock, for which other processes may have to be waited for. What they write meanwhile is reported.
    fn begin(&mut self) -> Result<(), StoreError> {
        let [mut pause, longest] = PAUSES;
        let mut waited = Duration::ZERO;
        let mut looked = Duration::ZERO;
        loop {
            match self.connection.prepare_cached(BEGIN).and_then(|mut begin| begin.execute([])) {
                Ok(_) => return Ok(()),
                Err(error) if is_busy(&error) && waited < self.busy => {
                    // Nothing unparks this thread: it is a pause that needs no clock.
                    std::thread::park_timeout(pause);
                    waited = waited.saturating_add(pause);
                    pause = pause.saturating_mul(2).min(longest);
                    if waited.saturating_sub(looked) >= self.watch {
                        looked = waited;
                        self.look_around();
                    }
                }
                Err(error) => return Err(failed("a transaction could not be begun")(error)),
            }
        }
    }

    /// Does the jobs inside the open transaction. What listeners are to be notified of once it is durable, and what is seen then.
    fn fill(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(Vec<Change>, Seen), StoreError> {
        // The lock is held from here on: whatever other processes wrote is there, and nothing more comes.
        let mut changes = Vec::new();
        if self.seen.is_outdated(&self.connection)? {
            changes = self.seen.changes(&self.connection)?;
            self.time.raise(high_water(&self.connection)?);
        }
        self.batch = self.batch.saturating_add(1);
        let mut batch = Batch::new(&self.connection, &self.time, changes, &*self.failpoint);
        for job in jobs {
            job.run(&mut batch, self.time.now())?;
        }
        let changes = batch.changes;
        mark(&self.connection, self.id, self.batch, &self.time)?;
        let seen = Seen::all(&self.connection)?;
        self.seen.forget(&self.connection, &seen)?;
        Ok((changes, seen))
    }

    /// Finds out whether a transaction counts whose commit reported an error.
    fn after_failed_commit(&self, error: &StoreError) -> Result<(), Failure> {
        if !self.connection.is_autocommit() && self.roll_back() {
            return Err(Failure::NotCommitted(error.clone()));
        }
        // By this connection if it still reads, else by a new one.
        let marked = marked(&self.connection, self.id)
            .or_else(|_| marked(&readers::open(&self.path, self.busy)?, self.id));
        match marked {
            Ok(batch) if batch >= self.batch => {
                tracing::warn!(%error, "a commit reported an error, but counts");
                Ok(())
            }
            Ok(_) => Err(Failure::NotCommitted(error.clone())),
            Err(unreadable) => {
                let message = format!("{error}; and reading back failed: {unreadable}");
                Err(Failure::NotCommitted(StoreError::OutcomeUnknown { message }))
            }
        }
    }

    /// Whether no transaction is open afterwards.
    fn roll_back(&self) -> bool {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
        self.connection.is_autocommit()
    }

    /// The one look per process for what others wrote, while there is nothing to write.
    fn look_around(&mut self) {
        match self.look() {
            Ok(Some((changes, seen))) => {
                self.seen = seen;
                self.listeners.tell(&changes);
            }
            Ok(None) => {}
            // The next look finds the same.
            Err(error) => tracing::warn!(%error, "the changes of other processes could not be looked for"),
        }
    }

    fn look(&self) -> Result<Option<(Vec<Change>, Seen)>, StoreError> {
        if !self.seen.is_outdated(&self.connection)? {
            return Ok(None);
        }
        // One snapshot for all that is read, or a change between two reads would be missed.
        self.connection.execute_batch("BEGIN").map_err(failed("the store's file cannot be read"))?;
        // The count of changes goes first, as it begins the snapshot.
        let read = Seen::all(&self.connection)
            .and_then(|seen| Ok((self.seen.changes(&self.connection)?, seen)))
            .and_then(|read| {
                self.time.raise(high_water(&self.connection)?);
                Ok(read)
            });
        self.roll_back();
        read.map(Some)
    }

    /// Folds the log into the file, so that one whole file is left behind where no other process uses it.
    pub(super) fn end(self) {
        let folded: rusqlite::Result<()> = self
            .connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        if let Err(error) = folded {
            tracing::debug!(%error, "the log of the store was not folded into its file; the next opening does it");
        }
    }
}

/// The latest moment that any writer gave out. `None` as long as there was none.
pub(super) fn high_water(connection: &Connection) -> Result<Timestamp, StoreError> {
    let fail = failed("the time of the store cannot be read");
    let mut statement = connection.prepare_cached(HIGH_WATER).map_err(&fail)?;
    let latest: Option<i64> = statement.query_row([], |row| row.get(0)).map_err(&fail)?;
    latest.map_or(Ok(Timestamp::MIN), moment)
}

/// Writes down the number of this transaction and the latest moment that was given out.
pub(super) fn mark(connection: &Connection, id: i64, batch: i64, time: &StoreTime) -> Result<(), StoreError> {
    let fail = failed("the time of the store cannot be written");
    let mut statement = connection.prepare_cached(MARK).map_err(&fail)?;
    statement.execute(params![id, batch, micros(time.now())]).map_err(&fail)?;
    Ok(())
}

fn marked(connection: &Connection, id: i64) -> Result<i64, StoreError> {
    let fail = failed("the outcome of a transaction could not be read back");
    let mut statement = connection.prepare_cached(MARKED).map_err(&fail)?;
    statement.query_row([id], |row| row.get(0)).map_err(&fail)
}
