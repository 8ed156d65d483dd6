//! The worker that seals the audit trail.

use std::sync::Arc;

use super::{Core, runtime::back_off};
use crate::{
    approval_error::ApprovalError,
    audit::{AuditError, SealSink, Sealer},
    clock::{Span, after},
    store::StoreError,
};

/// After a failure it is tried again so soon, then ever later, but never later than at the next round.
const FIRST_RETRY: Span = Span::from_secs(1);
/// How long a shutdown waits for the places that seals are written to.
const LAST_PATIENCE: Span = Span::from_secs(10);

/// Seals until the manager stops.
pub(crate) async fn run(core: Arc<Core>) {
    let Some(sealer) = &core.sealer else { return };
    let mut failures = 0_u32;
    while !core.stop.is_stopped() {
        let nap = match turn(sealer).await {
            Ok(nap) => {
                failures = 0;
                nap
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                tracing::error!(%error, failures, "the audit trail could not be sealed; it is tried again");
                back_off(FIRST_RETRY, failures).min(sealer.pace())
            }
        };
        rest(&core, nap).await;
    }
}

/// Seals, unless another process has a moment ago. How long until the next turn.
async fn turn(sealer: &Sealer) -> Result<Span, AuditError> {
    let pause = sealer.pause().await?;
    if pause > Span::ZERO {
        return Ok(pause);
    }
    sealer.seal_in_store().await?;
    Ok(sealer.pace())
}

/// Hands the seals to one place outside the store until the manager stops. A worker for each: a place that takes its time keeps
/// neither the others waiting nor the sealing. The process that made the seals need not write where this process does.
pub(crate) async fn run_sink(core: Arc<Core>, sink: Arc<dyn SealSink>) {
    let Some(sealer) = &core.sealer else { return };
    let mut failures = 0_u32;
    while !core.stop.is_stopped() {
        let made = sealer.made();
        let filled = tokio::select! {
            filled = sealer.fill_sink(&*sink) => filled,
            () = core.stop.stopped() => return,
        };
        match filled {
            Ok(Ok(())) => {
                failures = 0;
                tokio::select! {
                    () = rest(&core, sealer.pace()) => {}
                    () = made => {}
                }
            }
            Ok(Err(error)) => {
                failures = failures.saturating_add(1);
                tracing::error!(sink = sink.name(), %error, failures, "seals of the audit trail could not be written there; they are kept in the store and written later");
                rest(&core, back_off(FIRST_RETRY, failures)).await;
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                tracing::error!(sink = sink.name(), %error, failures, "the seals of the audit trail could not be read; it is tried again");
                rest(&core, back_off(FIRST_RETRY, failures)).await;
            }
        }
    }
}

async fn rest(core: &Core, nap: Span) {
    tokio::select! {
        () = core.clock.sleep_until(after(core.clock.now(), nap)) => {}
        () = core.stop.stopped() => {}
    }
}

/// The manager has stopped: seals what is left. A place that does not take it within a few seconds gets it from the next
/// process that seals.
pub(crate) async fn last(core: &Core) -> Result<(), ApprovalError> {
    let Some(sealer) = &core.sealer else { return Ok(()) };
    sealer.seal_in_store().await.map_err(StoreError::from)?;
    let patience = core.clock.sleep_until(after(core.clock.now(), LAST_PATIENCE));
    tokio::select! {
        behind = sealer.fill_sinks() => {
            for (sink, error) in behind.map_err(StoreError::from)? {
                tracing::error!(%sink, %error, "the last seals of the audit trail could not be written there; they are kept in the store");
            }
        }
        () = patience => {
            tracing::error!("the last seals of the audit trail were not written outside the store in time; they are kept in it");
        }
    }
    Ok(())
}
