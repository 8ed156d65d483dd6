//! The usual way on PostgreSQL: a transaction for every step of every approval, each on a connection of its own, and a
//! notification in the one that decides. The same rows, indexes and bytes as ours; it checks nothing. Each transaction is a
//! single statement, which spares it the round trips for `BEGIN` and `COMMIT`.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Semaphore, oneshot},
    time::Timeout,
};
use tokio_postgres::{Client, Statement, types::ToSql};
use uuid::Uuid;

use super::{bare_memory::BareMemory, bare_postgres::TOPIC, load::Approvals, postgres, sample::Sample};

const OPEN: &str = "
    WITH opened AS (
        INSERT INTO requests (id, version, key, namespace, status, execution, action, requester, run, due_at, executor,
                created_at, document)
            VALUES ($1, 1, NULL, 'default', 'pending', NULL, $2, $3, NULL, $4, NULL, $5, $6)
    ), told AS (
        INSERT INTO events (request, seq, line) VALUES ($1, 1, $7)
    )
    INSERT INTO notices (id, request, channel, claimable_at, owner, body) VALUES ($8, $1, $9, $5, $10, $11)";
const DELIVER: &str = "
    UPDATE notices SET delivery = $3, claimable_at = NULL, owner = NULL WHERE request = $1 AND id = $2";
const DECIDE: &str = "
    WITH decided AS (
        UPDATE requests SET version = 2, status = 'approved', execution = 'not_started', due_at = $2, document = $3
            WHERE id = $1
    ), told AS (
        INSERT INTO events (request, seq, line) VALUES ($1, 2, $4), ($1, 3, $5)
    ), logged AS (
        INSERT INTO changes (batch, writer, requests, records, notices)
            VALUES (nextval('batches'), $6, ARRAY[$1], '{}', false)
    )
    SELECT pg_notify($7, $8)";

/// How many connections.
const CLIENTS: usize = 64;

/// A connection with its statements.
#[derive(Debug)]
struct Prepared {
    client: Client,
    open: Statement,
    deliver: Statement,
    decide: Statement,
}

/// The connections and the waiters.
#[derive(Debug)]
pub struct StatementsPostgres(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    clients: Mutex<Vec<Prepared>>,
    free: Semaphore,
    sample: Sample,
    waiters: BareMemory,
    undelivered: AtomicUsize,
}

impl StatementsPostgres {
    /// Connections to a database that has the tables.
    ///
    /// # Panics
    /// When there are none.
    pub async fn new(url: &str, sample: Sample) -> Self {
        let mut clients = Vec::with_capacity(CLIENTS);
        for _ in 0..CLIENTS {
            let client = postgres::connect(url).await;
            let prepare = async |sql| client.prepare(sql).await.expect("SQL");
            let (open, deliver, decide) =
                (prepare(OPEN).await, prepare(DELIVER).await, prepare(DECIDE).await);
            clients.push(Prepared { client, open, deliver, decide });
        }
        Self(Arc::new(Inside {
            clients: Mutex::new(clients),
            free: Semaphore::new(CLIENTS),
            sample,
            waiters: BareMemory::new(),
            undelivered: AtomicUsize::new(0),
        }))
    }
}

impl Inside {
    /// Has a statement done on a connection that nobody uses.
    async fn execute(&self, which: fn(&Prepared) -> &Statement, values: &[&(dyn ToSql + Sync)]) {
        let _permit = self.free.acquire().await.expect("never closed");
        let prepared = self.clients.lock().expect("no panic").pop().expect("one is free");
        prepared.client.execute(which(&prepared), values).await.expect("written");
        self.clients.lock().expect("no panic").push(prepared);
    }

    async fn deliver(&self, id: Uuid, notice: Uuid) {
        self.execute(|prepared| &prepared.deliver, &[&id, &notice, &self.sample.delivered]).await;
        self.undelivered.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Approvals for StatementsPostgres {
    type Ticket = (Uuid, u64);
    type Waiter = Timeout<oneshot::Receiver<bool>>;

    async fn create(&self) -> (Self::Ticket, Self::Waiter) {
        let inside = &self.0;
        let (id, notice, sample) = (Uuid::now_v7(), Uuid::now_v7(), &inside.sample);
        let (waiter, timeout) = inside.waiters.ask();
        let values: [&(dyn ToSql + Sync); 11] = [
            &id,
            &sample.action,
            &sample.requester,
            &sample.due_pending,
            &sample.created_at,
            &sample.document_pending,
            &sample.events[0].as_bytes(),
            &notice,
            &sample.channel,
            &sample.owner,
            &sample.notice,
        ];
        inside.execute(|prepared| &prepared.open, &values).await;
        inside.undelivered.fetch_add(1, Ordering::Relaxed);
        let delivering = Arc::clone(inside);
        tokio::spawn(async move { delivering.deliver(id, notice).await });
        ((id, waiter), timeout)
    }

    async fn wait(waiter: Self::Waiter) {
        BareMemory::wait(waiter).await;
    }

    async fn decide(&self, (id, waiter): Self::Ticket) {
        let (inside, sample) = (&self.0, &self.0.sample);
        let payload = id.to_string();
        let values: [&(dyn ToSql + Sync); 8] = [
            &id,
            &sample.due_approved,
            &sample.document_approved,
            &sample.events[1].as_bytes(),
            &sample.events[2].as_bytes(),
            &sample.owner,
            &TOPIC,
            &payload,
        ];
        inside.execute(|prepared| &prepared.decide, &values).await;
        inside.waiters.answer(waiter);
    }

    async fn quiet(&self) {
        while self.0.undelivered.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
