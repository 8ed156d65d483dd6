//! Waiting for a run window to open.

use crate::{
    approval_error::ApprovalError,
    clock::{Span, Timestamp, after},
    lifecycle::Claim,
    manager::{ApprovalManager, Approved, Execution, sleep_until},
};

/// Shortest wait: the clock of the store may lag behind that of the process.
const SHORTEST_NAP: Span = Span::from_millis(100);

/// Consumes the grant; where its run window is closed, once that opens, unless the caller's patience ends before.
pub(super) async fn begin_in_window(
    manager: &ApprovalManager,
    approved: &Approved,
    claim: Claim,
    until: Option<Timestamp>,
) -> Result<Execution, ApprovalError> {
    let core = &manager.core;
    loop {
        let opens_at = match approved.begin_claiming(claim.clone()).await {
            Err(ApprovalError::OutsideWindow { opens_at: Some(at), .. })
                if until.is_none_or(|until| at <= until) =>
            {
                at
            }
            other => return other,
        };
        // By the store's clock, which judges the window.
        let left = opens_at.duration_since(core.now().await?).max(SHORTEST_NAP);
        let wake = after(core.clock.now(), left);
        tokio::select! {
            () = sleep_until(&*core.clock, wake) => {}
            () = core.stop.stopped() => {}
        }
    }
}
