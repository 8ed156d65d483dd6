//! Bare code on SQLite: one writer thread with group commit and full sync. It writes the same rows, indexes and bytes as
//! our store, encoded beforehand, and checks nothing. Waiters are those of [`super::bare_memory`].

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::{Connection, params};
use tokio::{sync::oneshot, time::Timeout};
use uuid::Uuid;

use super::{bare_memory::BareMemory, load::Approvals, sample::Sample};

const SCHEMA: &str = include_str!("../../../approval-store/src/sqlite/schema/1.sql");
const INSERT: &str =
    "INSERT INTO requests (id, version, key, namespace, status, execution, action, requester, run, due_at,
    executor, created_at, document) VALUES (?1, 1, NULL, ?2, 'pending', NULL, ?3, ?4, NULL, ?5, NULL, ?6, ?7)";
const UPDATE: &str =
    "UPDATE requests SET version = 2, status = 'approved', execution = 'not_started', due_at = ?2, document = ?3
    WHERE id = ?1";
const EVENT: &str = "INSERT INTO events (request, seq, line) VALUES (?1, ?2, ?3)";
const NOTICE: &str =
    "INSERT INTO notices (id, request, channel, claimable_at, body, owner) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const DELIVERED: &str =
    "UPDATE notices SET delivery = ?3, claimable_at = NULL, owner = NULL WHERE request = ?1 AND id = ?2";
const MARK: &str = "INSERT INTO writers (id, batch, high_water) VALUES (1, ?1, ?2)
    ON CONFLICT (id) DO UPDATE SET batch = ?1, high_water = ?2";

/// What the writer is to do.
enum Job {
    /// Insert a request with its history and notice.
    Create { id: Uuid, done: oneshot::Sender<()> },
    /// Approve it, and wake the waiter of this number.
    Decide { id: Uuid, waiter: u64, done: oneshot::Sender<()> },
    /// Note that a notice was delivered.
    Deliver { id: Uuid, notice: Uuid },
}

#[derive(Default)]
struct Queue {
    jobs: Mutex<(Vec<Job>, bool)>,
    bell: Condvar,
}

/// The writer and the waiters.
pub struct BareSqlite {
    queue: Arc<Queue>,
    waiters: Arc<BareMemory>,
    writer: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for BareSqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BareSqlite")
    }
}

impl Queue {
    fn push(&self, job: Job) {
        self.jobs.lock().expect("no panic").0.push(job);
        self.bell.notify_one();
    }

    /// Everything that waits; `None` once it is closed and empty.
    fn take(&self) -> Option<Vec<Job>> {
        let mut jobs = self.jobs.lock().expect("no panic");
        loop {
            if !jobs.0.is_empty() {
                return Some(std::mem::take(&mut jobs.0));
            }
            if jobs.1 {
                return None;
            }
            jobs = self.bell.wait(jobs).expect("no panic");
        }
    }
}

impl BareSqlite {
    /// A new file at `path`.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn new(path: &Path, sample: Sample) -> Self {
        let connection = Connection::open(path).expect("a file");
        let mode: String = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
            .expect("a mode");
        assert_eq!(mode, "wal");
        connection.pragma_update(None, "synchronous", "FULL").expect("full sync");
        connection.pragma_update(None, "wal_autocheckpoint", 4096).expect("as ours");
        connection.pragma_update(None, "cache_size", -32_768).expect("as ours");
        connection.set_prepared_statement_cache_capacity(64);
        connection.execute_batch(SCHEMA).expect("the tables");
        let (queue, waiters) = (Arc::new(Queue::default()), Arc::new(BareMemory::new()));
        let (jobs, awake) = (Arc::clone(&queue), Arc::clone(&waiters));
        let writer = std::thread::spawn(move || write(&connection, &jobs, &awake, &sample));
        Self { queue, waiters, writer: Some(writer) }
    }
}

impl Drop for BareSqlite {
    fn drop(&mut self) {
        self.queue.jobs.lock().expect("no panic").1 = true;
        self.queue.bell.notify_one();
        if let Some(writer) = self.writer.take() {
            writer.join().expect("the writer does not panic");
        }
    }
}

fn write(connection: &Connection, queue: &Queue, waiters: &BareMemory, sample: &Sample) {
    let mut batch = 0_i64;
    while let Some(jobs) = queue.take() {
        batch += 1;
        connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
        let notices: Vec<(Uuid, Uuid)> =
            jobs.iter().filter_map(|job| execute(connection, job, sample).expect("written")).collect();
        let mark = params![batch, sample.created_at];
        connection.prepare_cached(MARK).expect("SQL").execute(mark).expect("written");
        connection.execute_batch("COMMIT").expect("synced");
        for job in jobs {
            match job {
                Job::Create { done, .. } => drop(done.send(())),
                Job::Decide { waiter, done, .. } => {
                    waiters.answer(waiter);
                    done.send(()).unwrap_or_default();
                }
                Job::Deliver { .. } => {}
            }
        }
        notices.into_iter().for_each(|(id, notice)| queue.push(Job::Deliver { id, notice }));
    }
}

/// Writes the rows of one job. Gives the request and the id of the notice that it wrote.
fn execute(connection: &Connection, job: &Job, sample: &Sample) -> rusqlite::Result<Option<(Uuid, Uuid)>> {
    let event = |id: &Uuid, seq: i64, line: &str| {
        connection.prepare_cached(EVENT)?.execute(params![id.as_bytes(), seq, line])
    };
    let notice = |id: &Uuid, body: &str| {
        let notice = Uuid::now_v7();
        let values = params![
            notice.as_bytes(),
            id.as_bytes(),
            sample.channel,
            sample.created_at,
            body,
            sample.owner.as_bytes(),
        ];
        connection.prepare_cached(NOTICE)?.execute(values)?;
        Ok(Some((*id, notice)))
    };
    match job {
        Job::Create { id, .. } => {
            connection.prepare_cached(INSERT)?.execute(params![
                id.as_bytes(),
                "default",
                sample.action,
                sample.requester,
                sample.due_pending,
                sample.created_at,
                sample.document_pending,
            ])?;
            event(id, 1, &sample.events[0])?;
            notice(id, &sample.notice)
        }
        Job::Decide { id, .. } => {
            let values = params![id.as_bytes(), sample.due_approved, sample.document_approved];
            connection.prepare_cached(UPDATE)?.execute(values)?;
            event(id, 2, &sample.events[1])?;
            event(id, 3, &sample.events[2])?;
            Ok(None)
        }
        Job::Deliver { id, notice } => {
            let values = params![id.as_bytes(), notice.as_bytes(), sample.delivered];
            connection.prepare_cached(DELIVERED)?.execute(values)?;
            Ok(None)
        }
    }
}

impl Approvals for BareSqlite {
    type Ticket = (Uuid, u64);
    type Waiter = Timeout<oneshot::Receiver<bool>>;

    async fn create(&self) -> (Self::Ticket, Self::Waiter) {
        let id = Uuid::now_v7();
        let (waiter, timeout) = self.waiters.ask();
        let (done, written) = oneshot::channel();
        self.queue.push(Job::Create { id, done });
        written.await.expect("written");
        ((id, waiter), timeout)
    }

    async fn wait(waiter: Self::Waiter) {
        BareMemory::wait(waiter).await;
    }

    async fn decide(&self, (id, waiter): Self::Ticket) {
        let (done, written) = oneshot::channel();
        self.queue.push(Job::Decide { id, waiter, done });
        written.await.expect("written");
    }

    async fn quiet(&self) {
        // One turn of the writer with nothing left over is enough.
        while !self.queue.jobs.lock().expect("no panic").0.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
