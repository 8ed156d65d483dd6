//! Wakes a worker, and tells it to stop.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use tokio::sync::{Notify, watch};

use crate::clock::Timestamp;

/// Wakes one worker. A ring before the worker listens is not lost.
#[derive(Debug)]
pub(crate) struct Bell {
    notify: Notify,
    /// The worker sleeps until then, in microseconds; rings for later moments are not needed.
    armed: AtomicI64,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self { notify: Notify::new(), armed: AtomicI64::new(i64::MIN) }
    }

    /// Wakes the worker.
    pub(crate) fn ring(&self) {
        self.notify.notify_one();
    }

    /// Wakes the worker if it sleeps for longer than until `at`.
    pub(crate) fn ring_for(&self, at: Timestamp) {
        if at.as_microsecond() < self.armed.load(Ordering::Acquire) {
            self.notify.notify_one();
        }
    }

    /// The worker will look again at `at` by itself. From now on only earlier moments ring.
    pub(crate) fn arm(&self, at: Timestamp) {
        self.armed.store(at.as_microsecond(), Ordering::Release);
    }

    /// The worker is about to look: everything rings.
    pub(crate) fn disarm(&self) {
        self.armed.store(i64::MAX, Ordering::Release);
    }

    pub(crate) async fn rung(&self) {
        self.notify.notified().await;
    }
}

/// Tells all workers to stop.
#[derive(Debug)]
pub(crate) struct Stop {
    sender: watch::Sender<bool>,
    stopped: AtomicBool,
}

impl Stop {
    pub(crate) fn new() -> Self {
        Self { sender: watch::Sender::new(false), stopped: AtomicBool::new(false) }
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.sender.send_replace(true);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Returns once everything shall stop.
    pub(crate) async fn stopped(&self) {
        let mut receiver = self.sender.subscribe();
        if receiver.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
