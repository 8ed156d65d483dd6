//! The worker that seals the audit trail.

use std::sync::Arc;

use super::{Core, runtime::back_off};
use crate::{
    approval_error::ApprovalError,
    audit::{AuditError, Sealer, SinkError},
    clock::{Span, after},
    store::StoreError,
};

/// After a failure it is tried again so soon, then ever later, but never later than at the next round.
const FIRST_RETRY: Span = Span::from_secs(1);
/// A place for seals that failed is tried again so soon.
const SINK_RETRY: Span = Span::from_secs(10);

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
        let wake = after(core.clock.now(), nap);
        tokio::select! {
            () = core.clock.sleep_until(wake) => {}
            () = core.stop.stopped() => {}
        }
    }
}

/// Seals, unless somebody has a moment ago; whoever did need not write where this process does. How long until the next turn.
async fn turn(sealer: &Sealer) -> Result<Span, AuditError> {
    let pause = sealer.pause().await?;
    let (behind, nap) = if pause > Span::ZERO {
        (sealer.fill_sinks().await?, pause)
    } else {
        (sealer.seal().await?.behind, sealer.pace())
    };
    Ok(if complain(&behind) { nap.min(SINK_RETRY) } else { nap })
}

/// Says which sinks do not hold the last seal. Whether there are any.
fn complain(behind: &[(String, SinkError)]) -> bool {
    for (sink, error) in behind {
        tracing::error!(%sink, %error, "seals of the audit trail could not be written there; they are kept in the store and written later");
    }
    !behind.is_empty()
}

/// The manager has stopped: seals what is left.
pub(crate) async fn last(core: &Core) -> Result<(), ApprovalError> {
    if let Some(sealer) = &core.sealer {
        complain(&sealer.seal().await.map_err(StoreError::from)?.behind);
    }
    Ok(())
}
