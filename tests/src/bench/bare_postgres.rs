//! Bare code on PostgreSQL: one connection writes everything that waits as one statement of many rows, with one
//! notification, and another one listens. It writes the same rows, indexes and bytes as our store, encoded beforehand, and
//! checks nothing. Waiters are those of [`super::bare_memory`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::Timeout,
};
use tokio_postgres::{Client, Statement, types::ToSql};
use uuid::Uuid;

use super::{bare_memory::BareMemory, load::Approvals, postgres, sample::Sample};

const SCHEMA: &str = include_str!("../../../approval-store/src/postgres/schema/1.sql");
/// Where everybody is notified.
pub const TOPIC: &str = "approvals_bare";
const WRITE: &str = "
    WITH opened AS (
        INSERT INTO requests (id, version, key, namespace, status, execution, action, requester, run, due_at, executor,
                created_at, document)
            SELECT n.id, 1, NULL, 'default', 'pending', NULL, $3, $4, NULL, $5, NULL, $6, n.document
            FROM unnest($1::uuid[], $2::bytea[]) AS n (id, document)
    ), decided AS (
        UPDATE requests r SET version = 2, status = 'approved', execution = 'not_started', due_at = $9,
                document = o.document
            FROM unnest($7::uuid[], $8::bytea[]) AS o (id, document) WHERE r.id = o.id
    ), told AS (
        INSERT INTO events (request, seq, line) SELECT * FROM unnest($10::uuid[], $11::bigint[], $12::bytea[])
    ), asked AS (
        INSERT INTO notices (id, request, channel, claimable_at, owner, body)
            SELECT n.id, n.request, $13, $6, $14, n.body
            FROM unnest($15::uuid[], $1, $16::text[]) AS n (id, request, body)
    ), delivered AS (
        UPDATE notices n SET delivery = d.delivery, claimable_at = NULL, owner = NULL
            FROM unnest($17::uuid[], $18::uuid[], $19::text[]) AS d (request, id, delivery)
            WHERE n.request = d.request AND n.id = d.id
    ), logged AS (
        INSERT INTO changes (batch, writer, requests, records, notices)
            SELECT nextval('batches'), $20, $1::uuid[] || $7::uuid[], '{}', false
            WHERE cardinality($1) + cardinality($7) > 0
    ), marked AS (
        UPDATE writers SET batch = batch + 1, high_water = $6 WHERE id = $20
    )
    SELECT pg_notify($21, $22) WHERE cardinality($1) + cardinality($7) > 0";

/// Most jobs in one statement.
const MOST: usize = 4096;

/// What the writer is to do.
enum Job {
    /// Insert a request with its history and notice.
    Create { id: Uuid, done: oneshot::Sender<()> },
    /// Approve it, and wake the waiter of this number.
    Decide { id: Uuid, waiter: u64, done: oneshot::Sender<()> },
    /// Note that a notice was delivered.
    Deliver { id: Uuid, notice: Uuid },
}

/// The writer and the waiters.
#[derive(Debug)]
pub struct BarePostgres {
    jobs: mpsc::UnboundedSender<Job>,
    waiters: Arc<BareMemory>,
    /// Notices that are not delivered yet.
    undelivered: Arc<AtomicUsize>,
}

/// Makes the tables.
///
/// # Panics
/// When they cannot be made.
pub async fn make_tables(url: &str) {
    let client = postgres::connect(url).await;
    client.batch_execute("CREATE SCHEMA approvals").await.expect("a schema");
    client.batch_execute(SCHEMA).await.expect("the tables");
}

impl BarePostgres {
    /// A writer on a database that has the tables.
    ///
    /// # Panics
    /// When there is no connection.
    pub async fn new(url: &str, sample: Sample) -> Self {
        let me = Uuid::new_v4();
        let listening = postgres::connect(url).await;
        listening.batch_execute(&format!("LISTEN {TOPIC}")).await.expect("it listens");
        let client = postgres::connect(url).await;
        client
            .execute("INSERT INTO writers VALUES ($1, 1, 0, 0, '{}', '{}', '{}')", &[&me])
            .await
            .expect("a row");
        let statement = client.prepare(WRITE).await.expect("SQL");
        let (jobs, given) = mpsc::unbounded_channel();
        let (waiters, undelivered) = (Arc::new(BareMemory::new()), Arc::new(AtomicUsize::new(0)));
        let writer = Writer {
            client,
            statement,
            _listening: listening,
            sample,
            me,
            waiters: Arc::clone(&waiters),
            undelivered: Arc::clone(&undelivered),
        };
        tokio::spawn(writer.run(given));
        Self { jobs, waiters, undelivered }
    }
}

struct Writer {
    client: Client,
    statement: Statement,
    _listening: Client,
    sample: Sample,
    me: Uuid,
    waiters: Arc<BareMemory>,
    undelivered: Arc<AtomicUsize>,
}

impl Writer {
    async fn run(self, mut given: mpsc::UnboundedReceiver<Job>) {
        let mut delivering = Vec::new();
        loop {
            let mut jobs = std::mem::take(&mut delivering);
            if jobs.is_empty() {
                let more = given.recv_many(&mut jobs, MOST).await;
                if more == 0 {
                    return;
                }
            } else {
                while let Ok(job) = given.try_recv() {
                    jobs.push(job);
                }
            }
            let notices = self.write(&jobs).await;
            for job in jobs {
                match job {
                    Job::Create { done, .. } => {
                        self.undelivered.fetch_add(1, Ordering::Relaxed);
                        done.send(()).unwrap_or_default();
                    }
                    Job::Decide { waiter, done, .. } => {
                        self.waiters.answer(waiter);
                        done.send(()).unwrap_or_default();
                    }
                    Job::Deliver { .. } => drop(self.undelivered.fetch_sub(1, Ordering::Relaxed)),
                }
            }
            delivering.extend(notices.into_iter().map(|(id, notice)| Job::Deliver { id, notice }));
        }
    }

    /// Writes the rows of all jobs. Gives the requests and the ids of the notices that it wrote.
    async fn write(&self, jobs: &[Job]) -> Vec<(Uuid, Uuid)> {
        let sample = &self.sample;
        let (mut new, mut old, mut notices) = (Vec::new(), Vec::new(), Vec::new());
        let (mut requests, mut seqs, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        let (mut told, mut delivered) = (Vec::new(), Vec::new());
        let mut event = |id: Uuid, place: usize, seq: i64| {
            requests.push(id);
            seqs.push(seq);
            lines.push(sample.events[place].as_bytes());
        };
        for job in jobs {
            match job {
                Job::Create { id, .. } => {
                    new.push(*id);
                    notices.push(Uuid::now_v7());
                    event(*id, 0, 1);
                }
                Job::Decide { id, .. } => {
                    old.push(*id);
                    event(*id, 1, 2);
                    event(*id, 2, 3);
                }
                Job::Deliver { id, notice } => {
                    told.push(*id);
                    delivered.push(*notice);
                }
            }
        }
        let pending = vec![&*sample.document_pending; new.len()];
        let approved = vec![&*sample.document_approved; old.len()];
        let bodies = vec![&*sample.notice; new.len()];
        let deliveries = vec![&*sample.delivered; told.len()];
        let payload = self.me.to_string();
        let values: [&(dyn ToSql + Sync); 22] = [
            &new,
            &pending,
            &sample.action,
            &sample.requester,
            &sample.due_pending,
            &sample.created_at,
            &old,
            &approved,
            &sample.due_approved,
            &requests,
            &seqs,
            &lines,
            &sample.channel,
            &sample.owner,
            &notices,
            &bodies,
            &told,
            &delivered,
            &deliveries,
            &self.me,
            &TOPIC,
            &payload,
        ];
        self.client.execute(&self.statement, &values).await.expect("written");
        new.into_iter().zip(notices).collect()
    }
}

impl Approvals for BarePostgres {
    type Ticket = (Uuid, u64);
    type Waiter = Timeout<oneshot::Receiver<bool>>;

    async fn create(&self) -> (Self::Ticket, Self::Waiter) {
        let id = Uuid::now_v7();
        let (waiter, timeout) = self.waiters.ask();
        let (done, written) = oneshot::channel();
        assert!(self.jobs.send(Job::Create { id, done }).is_ok(), "the writer is gone");
        written.await.expect("written");
        ((id, waiter), timeout)
    }

    async fn wait(waiter: Self::Waiter) {
        BareMemory::wait(waiter).await;
    }

    async fn decide(&self, (id, waiter): Self::Ticket) {
        let (done, written) = oneshot::channel();
        assert!(self.jobs.send(Job::Decide { id, waiter, done }).is_ok(), "the writer is gone");
        written.await.expect("written");
    }

    async fn quiet(&self) {
        while self.undelivered.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
