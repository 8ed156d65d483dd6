//! What is done to many requests, one after the other or together: one that fails holds up none of the others.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::sync::MutexGuard;

use super::Core;
use crate::{
    approval_error::ApprovalError,
    clock::{Span, after},
    error::Internal,
    id::RequestId,
    lifecycle::Command,
    store::Stored,
};

/// Patience with the one whose turn it is to change a counter: it may be waiting for a directory.
const PATIENCE: Span = Span::from_secs(1);

impl Core {
    /// Executes a command on one request of many. A panic, of a directory for instance, is an error of this one.
    pub(super) async fn execute_one(&self, id: RequestId, command: Command) -> Result<Stored, ApprovalError> {
        AssertUnwindSafe(self.execute(id, command)).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(request = %id, "a change of a request panicked");
            Err(Internal::new("a change of a request panicked").into())
        })
    }

    /// Whether the others are gone on with after one failed: unless the store gives no answers, when all of them would fail,
    /// each after a while.
    pub(super) async fn goes_on_after(&self, error: &ApprovalError) -> bool {
        !matches!(error, ApprovalError::Store(_)) || self.store.record(self.halts.own()).await.is_ok()
    }

    /// Waits until nothing else in this process that ends one request after the other gives a place in a limit back: of two
    /// at the same time, one has to count anew. A courtesy, and not for ever: nothing depends on it.
    pub(super) async fn turn_to_give_back(&self) -> Option<MutexGuard<'_, ()>> {
        if let Ok(turn) = self.giving_back.try_lock() {
            return Some(turn);
        }
        tokio::select! {
            turn = self.giving_back.lock() => Some(turn),
            () = self.clock.sleep_until(after(self.clock.now(), PATIENCE)) => None,
        }
    }
}
