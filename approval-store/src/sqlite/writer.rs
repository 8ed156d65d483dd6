//! The thread that writes.

use std::{collections::HashMap, sync::Arc, time::Duration};

use approval_core::{
    id::RequestId,
    store::{Change, CommitOutcome, Listeners, NoticeClaims, RecordName, StoreError, StoreTime},
};
use rusqlite::{Connection, params};

use super::{
    apply::Batch,
    claims,
    failure::failed,
    job::{Job, Work},
    queue::{Queue, Taken},
    rows::{micros, moment},
};

const META: &str = "SELECT value FROM meta WHERE name = ?1";
const SET_META: &str = "UPDATE meta SET value = ?2 WHERE name = ?1";
const JOURNAL: &str = "INSERT INTO journal (line) VALUES (?1)";
const LAST_EVENT: &str = "SELECT coalesce(max(number), 0) FROM events";
const EVENTS_AFTER: &str = "SELECT DISTINCT request FROM events WHERE number > ?1";
const RECORDS_AFTER: &str = "SELECT name FROM records WHERE batch > ?1";

/// What the writer has to do with.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) queue: Arc<Queue<Job>>,
    pub(super) time: Arc<StoreTime>,
    pub(super) listeners: Arc<Listeners>,
    pub(super) watch: Duration,
    pub(super) failpoint: Box<dyn Fn(&'static str) + Send + Sync>,
    pub(super) seen: Seen,
}

/// How much of the file this process has seen, so that it can tell what others wrote.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// SQLite's own counter of commits by other connections.
    data_version: i64,
    event: i64,
    batch: i64,
}

/// What work came to, in the open transaction. Nobody is told before the sync.
enum Outcome {
    Commit(CommitOutcome),
    Claim(NoticeClaims),
    Done,
}

/// Answers work. Whoever stopped waiting does not want it.
fn answer(work: Work, outcome: Outcome) {
    match (work, outcome) {
        (Work::Commit { answer, .. }, Outcome::Commit(outcome)) => drop(answer.send(Ok(outcome))),
        (Work::Claim { answer, .. }, Outcome::Claim(claims)) => drop(answer.send(Ok(claims))),
        (Work::Settle { answer, .. } | Work::Journal { answer, .. }, Outcome::Done) => {
            drop(answer.send(Ok(())));
        }
        (work, Outcome::Commit(_) | Outcome::Claim(_) | Outcome::Done) => {
            refuse(work, StoreError::OutcomeUnknown { message: "work and outcome do not fit".to_owned() });
        }
    }
}

fn refuse(work: Work, error: StoreError) {
    match work {
        Work::Commit { answer, .. } => drop(answer.send(Err(error))),
        Work::Claim { answer, .. } => drop(answer.send(Err(error))),
        Work::Settle { answer, .. } | Work::Journal { answer, .. } => drop(answer.send(Err(error))),
    }
}

impl Seen {
    pub(super) fn now(connection: &Connection) -> Result<Self, StoreError> {
        let fail = failed("the store's file cannot be read");
        let number = |sql: &str, parameter: &[&dyn rusqlite::ToSql]| {
            connection.query_row(sql, parameter, |row| row.get::<_, i64>(0)).map_err(&fail)
        };
        Ok(Self {
            data_version: number("PRAGMA data_version", &[])?,
            event: number(LAST_EVENT, &[])?,
            batch: number(META, &[&"batch"])?,
        })
    }
}

impl Writer {
    /// Writes until the queue is closed.
    pub(super) fn run(mut self) {
        loop {
            match self.queue.take(self.watch) {
                Taken::Jobs(jobs) => self.group(jobs),
                Taken::Nothing => {}
                Taken::Closed => break,
            }
            self.look_around();
        }
        // Leaves one whole file behind where nobody else uses it.
        if let Err(error) = self.connection.pragma_query(None, "wal_checkpoint(TRUNCATE)", |_| Ok(())) {
            tracing::debug!(%error, "the log of the store was not folded into its file; the next opening does it");
        }
    }

    /// Does all of `jobs` in one transaction; if that breaks, each in one of its own.
    fn group(&mut self, jobs: Vec<Job>) {
        let mut waiting: Vec<Work> = jobs.into_iter().map(|job| job.work).collect();
        match self.transaction(&mut waiting) {
            Ok(()) => {}
            Err(error) if waiting.len() <= 1 => {
                for work in waiting {
                    refuse(work, error.clone());
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a group of changes failed; each is tried by itself");
                for work in waiting {
                    let mut alone = vec![work];
                    if let Err(error) = self.transaction(&mut alone) {
                        for work in alone {
                            refuse(work, error.clone());
                        }
                    }
                }
            }
        }
    }

    /// One transaction. On success all of `jobs` are answered and gone; on error nothing is written, and they are all still
    /// there.
    fn transaction(&mut self, jobs: &mut Vec<Work>) -> Result<(), StoreError> {
        (self.failpoint)("before the transaction");
        self.connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(failed("a transaction could not be begun"))?;
        let filled = self.fill(jobs).inspect_err(|_| self.roll_back())?;
        (self.failpoint)("before the sync");
        if let Err(error) = self.connection.execute_batch("COMMIT") {
            let error = failed("a transaction could not be committed")(error);
            match self.read_back(filled.batch) {
                Ok(true) => tracing::warn!(%error, "a commit reported an error, but counts"),
                Ok(false) => return Err(error),
                Err(unreadable) => {
                    let message = format!("{error}; and reading back failed: {unreadable}");
                    for work in jobs.drain(..) {
                        refuse(work, StoreError::OutcomeUnknown { message: message.clone() });
                    }
                    return Ok(());
                }
            }
        }
        (self.failpoint)("after the sync");
        self.seen = filled.seen;
        self.listeners.tell(&filled.changes);
        (self.failpoint)("before the answers");
        jobs.drain(..).zip(filled.outcomes).for_each(|(work, outcome)| answer(work, outcome));
        (self.failpoint)("after the answers");
        Ok(())
    }

    /// Whether the transaction of this number counts, although its commit reported an error.
    fn read_back(&self, batch: i64) -> Result<bool, StoreError> {
        if !self.connection.is_autocommit() {
            self.roll_back();
            return Ok(false);
        }
        let last: i64 = self
            .connection
            .query_row(META, ["batch"], |row| row.get(0))
            .map_err(failed("the outcome of a transaction could not be read back"))?;
        Ok(last >= batch)
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    /// Does the work inside the open transaction.
    fn fill(&self, jobs: &[Work]) -> Result<Filled, StoreError> {
        let fail = failed("the store's file could not be written");
        let meta = |name: &str| {
            let mut statement = self.connection.prepare_cached(META).map_err(&fail)?;
            statement.query_row([name], |row| row.get::<_, i64>(0)).map_err(&fail)
        };
        // The lock is held from here on: whatever other processes wrote is there, and nothing more comes.
        let mut changes = self.foreign_changes()?;
        self.time.raise(moment(meta("high_water")?)?);
        let number = meta("batch")? + 1;
        let mut batch = Batch {
            connection: &self.connection,
            number,
            records: HashMap::new(),
            changes: Vec::new(),
            failpoint: &*self.failpoint,
        };
        let mut outcomes = Vec::with_capacity(jobs.len());
        let mut notices_again = false;
        for work in jobs {
            let now = self.time.now();
            outcomes.push(match work {
                Work::Commit { prepared, .. } => Outcome::Commit(batch.apply(prepared, now)?),
                Work::Claim { claim, .. } => Outcome::Claim(claims::claim(&self.connection, claim, now)?),
                Work::Settle { settlements, .. } => {
                    notices_again |= claims::settle(&self.connection, settlements)?;
                    Outcome::Done
                }
                Work::Journal { lines, .. } => {
                    let mut insert = self.connection.prepare_cached(JOURNAL).map_err(&fail)?;
                    for line in lines {
                        insert.execute([line]).map_err(&fail)?;
                    }
                    Outcome::Done
                }
            });
        }
        changes.append(&mut batch.changes);
        if notices_again {
            changes.push(Change::Notices);
        }
        let mut set = self.connection.prepare_cached(SET_META).map_err(&fail)?;
        set.execute(params!["high_water", micros(self.time.now())]).map_err(&fail)?;
        set.execute(params!["batch", number]).map_err(&fail)?;
        let event = self.last_event()?;
        Ok(Filled {
            outcomes,
            changes,
            batch: number,
            seen: Seen { data_version: self.data_version()?, event, batch: number },
        })
    }

    fn data_version(&self) -> Result<i64, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("PRAGMA data_version")
            .map_err(failed("the store's file cannot be read"))?;
        statement.query_row([], |row| row.get(0)).map_err(failed("the store's file cannot be read"))
    }

    fn last_event(&self) -> Result<i64, StoreError> {
        let fail = failed("the store's file cannot be read");
        let mut statement = self.connection.prepare_cached(LAST_EVENT).map_err(&fail)?;
        statement.query_row([], |row| row.get(0)).map_err(&fail)
    }

    /// What other processes wrote since the last look.
    fn foreign_changes(&self) -> Result<Vec<Change>, StoreError> {
        if self.data_version()? == self.seen.data_version {
            return Ok(Vec::new());
        }
        let fail = failed("the changes of other processes could not be read");
        let mut statement = self.connection.prepare_cached(EVENTS_AFTER).map_err(&fail)?;
        let ids = statement.query_map([self.seen.event], |row| row.get::<_, Vec<u8>>(0)).map_err(&fail)?;
        let mut changes = vec![Change::Notices];
        for id in ids {
            let id = uuid::Uuid::from_slice(&id.map_err(&fail)?).map_err(|e| {
                StoreError::unreadable(format!("the id of a request in the history cannot be read: {e}"))
            })?;
            changes.push(Change::Request { id: RequestId::from_uuid(id), stored: None });
        }
        let mut statement = self.connection.prepare_cached(RECORDS_AFTER).map_err(&fail)?;
        let names = statement.query_map([self.seen.batch], |row| row.get::<_, String>(0)).map_err(&fail)?;
        for name in names {
            changes.push(Change::Record(RecordName::new(name.map_err(&fail)?)));
        }
        Ok(changes)
    }

    /// The one look per process for what others wrote, while there is nothing to write.
    fn look_around(&mut self) {
        let looked = self.data_version().and_then(|version| {
            if version == self.seen.data_version {
                return Ok(None);
            }
            // One snapshot for all that is read, or a change between two reads would be missed.
            self.connection.execute_batch("BEGIN").map_err(failed("the store's file cannot be read"))?;
            let read = self.foreign_changes().and_then(|changes| Ok((changes, Seen::now(&self.connection)?)));
            self.roll_back();
            read.map(Some)
        });
        match looked {
            Ok(None) => {}
            Ok(Some((changes, seen))) => {
                self.seen = seen;
                self.listeners.tell(&changes);
            }
            Err(error) => tracing::error!(%error, "the changes of other processes could not be looked for"),
        }
    }
}

/// An open transaction that everything was written in.
struct Filled {
    outcomes: Vec<Outcome>,
    changes: Vec<Change>,
    batch: i64,
    seen: Seen,
}
