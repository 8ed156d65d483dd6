//! Notices that this process claimed when it wrote them: handed to its own outbox worker, without a look at the store.

use tokio::sync::Notify;

use crate::{
    clock::{Span, Timestamp},
    id::ExecutorId,
    model::OutboxNotice,
    store::ClaimWhenWriting,
    sync::{Mutex, lock},
};

/// How long no other process delivers what was claimed when it was written: as long as a notice waits whose process ended right
/// then. What takes longer is claimed again meanwhile.
const LEASE: Span = Span::from_secs(10);
/// Notices that wait here at the most; further ones wait in the store.
const CAPACITY: usize = 65_536;

/// A notice, and until when it is ours.
pub(crate) type HandedOver = (OutboxNotice, Timestamp);

/// From those who write notices to the worker that delivers them.
#[derive(Debug)]
pub(crate) struct Handover {
    owner: ExecutorId,
    inside: Mutex<Inside>,
    some: Notify,
}

#[derive(Debug)]
struct Inside {
    waiting: Vec<HandedOver>,
    /// Whether a worker takes what is handed over.
    open: bool,
}

impl Handover {
    pub(crate) fn new(owner: ExecutorId) -> Self {
        Self { owner, inside: Mutex::new(Inside { waiting: Vec::new(), open: false }), some: Notify::new() }
    }

    /// In whose name the worker claims.
    pub(crate) const fn owner(&self) -> ExecutorId {
        self.owner
    }

    /// The worker begins.
    pub(crate) fn open(&self) {
        lock(&self.inside).open = true;
    }

    /// The worker ends. What it has not taken.
    pub(crate) fn close(&self) -> Vec<HandedOver> {
        let mut inside = lock(&self.inside);
        inside.open = false;
        std::mem::take(&mut inside.waiting)
    }

    /// The claim for notices that are about to be written; `None` if the store shall keep them for the next process.
    pub(crate) fn claim(&self) -> Option<ClaimWhenWriting> {
        let inside = lock(&self.inside);
        (inside.open && inside.waiting.len() < CAPACITY)
            .then_some(ClaimWhenWriting { owner: self.owner, lease: LEASE })
    }

    /// Hands over what was written. Not ours, or no worker to take it: it stays in the store until its claim ends.
    pub(crate) fn put(&self, owner: ExecutorId, until: Timestamp, notices: &[OutboxNotice]) {
        if owner != self.owner {
            return;
        }
        let mut inside = lock(&self.inside);
        if !inside.open {
            return;
        }
        let ring = inside.waiting.is_empty();
        inside.waiting.extend(notices.iter().map(|notice| (notice.clone(), until)));
        drop(inside);
        if ring {
            self.some.notify_one();
        }
    }

    /// Takes what was handed over.
    pub(crate) fn take(&self) -> Vec<HandedOver> {
        std::mem::take(&mut lock(&self.inside).waiting)
    }

    /// Returns when there is something to take, or there was a moment ago.
    pub(crate) async fn some(&self) {
        self.some.notified().await;
    }
}
