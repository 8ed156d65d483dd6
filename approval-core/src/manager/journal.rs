//! Lines about calls that opened no request. Synced before the call goes on, or buffered; a full buffer waits, never drops.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{Core, runtime::back_off};
use crate::{
    approval_error::ApprovalError,
    clock::{Span, after},
    store::{JournalLine, Store, StoreError},
    sync::{Mutex, lock},
};

/// Lines that wait at the most; then callers wait.
const CAPACITY: usize = 8192;
/// From so many on they are written at once.
const BATCH: usize = 512;

pub(crate) struct Journal {
    store: Arc<dyn Store>,
    buffer: Mutex<Buffer>,
    /// Rings when there is something to write.
    some: Notify,
    /// Rings when there is a batch to write.
    full: Notify,
    /// Rings when there is room again.
    room: Notify,
    /// One writes at a time, so that lines stay in order.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Buffer {
    lines: Vec<JournalLine>,
    /// The worker is gone: the call that has a line writes it.
    closed: bool,
}

/// What became of a line that was to be buffered.
enum Tried {
    Buffered,
    Full(JournalLine),
    Closed(JournalLine),
}

impl Journal {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            buffer: Mutex::default(),
            some: Notify::new(),
            full: Notify::new(),
            room: Notify::new(),
            writing: tokio::sync::Mutex::new(()),
        }
    }

    /// Appends a line to the buffer; waits while it is full. Without a worker it is written at once.
    pub(crate) async fn buffer(&self, mut line: JournalLine) -> Result<(), ApprovalError> {
        loop {
            let room = self.room.notified();
            line = match self.try_buffer(line) {
                Tried::Buffered => return Ok(()),
                Tried::Closed(line) => return Box::pin(self.sync(line)).await,
                Tried::Full(line) => line,
            };
            room.await;
        }
    }

    /// Appends a line without waiting, from a destructor; it may go beyond the capacity, for it is never dropped. Says
    /// whether the caller must [`Journal::flush`], because there is no worker.
    #[must_use]
    pub(crate) fn force(&self, line: JournalLine) -> bool {
        let mut buffer = lock(&self.buffer);
        buffer.lines.push(line);
        self.some.notify_one();
        buffer.closed
    }

    fn try_buffer(&self, line: JournalLine) -> Tried {
        let mut buffer = lock(&self.buffer);
        if buffer.closed {
            return Tried::Closed(line);
        }
        if buffer.lines.len() >= CAPACITY {
            self.full.notify_one();
            return Tried::Full(line);
        }
        buffer.lines.push(line);
        match buffer.lines.len() {
            1 => self.some.notify_one(),
            BATCH => self.full.notify_one(),
            _ => {}
        }
        Tried::Buffered
    }

    /// There is no worker any more. Those who wait for room write their lines themselves.
    pub(crate) fn close(&self) {
        lock(&self.buffer).closed = true;
        self.room.notify_waiters();
    }

    /// Writes a line; durable when it returns.
    pub(crate) async fn sync(&self, line: JournalLine) -> Result<(), ApprovalError> {
        Ok(self.store.append_journal(vec![line]).await?)
    }

    /// Writes what waits; durable when it returns. What could not be written waits on.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.writing.lock().await;
        let lines = std::mem::take(&mut lock(&self.buffer).lines);
        if lines.is_empty() {
            return Ok(());
        }
        let result = self.store.append_journal(lines.clone()).await;
        if result.is_err() {
            let waiting = &mut lock(&self.buffer).lines;
            let newer = std::mem::replace(waiting, lines);
            waiting.extend(newer);
        } else {
            self.room.notify_waiters();
        }
        result
    }

    /// There is something else to write with the next batch.
    pub(crate) fn nudge(&self) {
        self.some.notify_one();
    }
}

/// How long a buffered line waits at the most.
const PATIENCE: Span = Span::from_millis(200);

/// Writes buffered lines until the manager stops.
pub(crate) async fn run(core: Arc<Core>) {
    let journal = &core.journal;
    let mut failures = 0_u32;
    while !core.stop.is_stopped() {
        if failures == 0 {
            tokio::select! {
                () = journal.some.notified() => {}
                () = core.stop.stopped() => return,
            }
        }
        let wake = after(core.clock.now(), back_off(PATIENCE, failures));
        tokio::select! {
            () = journal.full.notified(), if failures == 0 => {}
            () = core.clock.sleep_until(wake) => {}
            () = core.stop.stopped() => {}
        }
        let written = async {
            // A reload whose text cannot be kept holds nothing else up.
            let reloads = core.flush_reloads().await;
            journal.flush().await?;
            core.attempts.flush(&*core.store).await?;
            reloads
        };
        match written.await {
            Ok(()) => failures = 0,
            Err(error) => {
                failures = failures.saturating_add(1);
                tracing::error!(%error, "the journal could not be written; it is kept and tried again");
            }
        }
    }
}
