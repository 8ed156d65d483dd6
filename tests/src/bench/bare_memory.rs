//! Bare code in memory: a sharded map, a one-shot channel and a timeout. No arguments, digest, history or notices.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Timeout, timeout},
};

use super::load::Approvals;

const SHARDS: u64 = 64;

/// Waiters by number.
#[derive(Debug)]
pub struct BareMemory {
    next: AtomicU64,
    shards: Vec<Mutex<HashMap<u64, oneshot::Sender<bool>>>>,
}

impl BareMemory {
    /// Nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self { next: AtomicU64::new(0), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    fn shard(&self, number: u64) -> &Mutex<HashMap<u64, oneshot::Sender<bool>>> {
        &self.shards[usize::try_from(number % SHARDS).expect("a small number")]
    }

    /// Registers a waiter with a deadline in one hour.
    ///
    /// # Panics
    /// When another thread panicked with the lock held.
    pub fn ask(&self) -> (u64, Timeout<oneshot::Receiver<bool>>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.shard(number).lock().expect("no panic").insert(number, sender);
        (number, timeout(Duration::from_secs(3600), receiver))
    }

    /// Wakes it.
    ///
    /// # Panics
    /// When there is no such waiter.
    pub fn answer(&self, number: u64) {
        let sender = self.shard(number).lock().expect("no panic").remove(&number);
        sender.expect("it waits").send(true).expect("it listens");
    }
}

impl Default for BareMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl Approvals for BareMemory {
    type Ticket = u64;
    type Waiter = Timeout<oneshot::Receiver<bool>>;

    async fn create(&self) -> (u64, Self::Waiter) {
        self.ask()
    }

    async fn wait(waiter: Self::Waiter) {
        // An error means that nobody is left who could decide: a benchmark ends with its waiters alive.
        let decided = waiter.await.expect("decided in time");
        assert!(decided.unwrap_or(true), "approved");
    }

    async fn decide(&self, ticket: u64) {
        self.answer(ticket);
    }
}
