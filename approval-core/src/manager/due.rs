//! One worker for all that time brings about: deadlines, stages, reminders, grant expiries, lost leases.

use std::sync::Arc;

use futures_util::future::join_all;

use super::{Core, lease, runtime::back_off};
use crate::{
    approval_error::ApprovalError,
    clock::{Span, Timestamp, after},
    lifecycle::{Act, Command},
    model::{LibraryPart, Principal},
};

/// Requests that are brought up to date together.
const BATCH: usize = 256;
/// The worker looks at least so often, for what other processes wrote.
const LONGEST_NAP: Span = Span::from_secs(30);

/// Brings about what time brings, until the manager stops.
pub(crate) async fn run(core: Arc<Core>) {
    let mut failures = 0;
    while !core.stop.is_stopped() {
        core.due_bell.disarm();
        let wake = match turn(&core).await {
            Ok(next) => {
                failures = 0;
                let nap = after(core.clock.now(), LONGEST_NAP);
                next.map_or(nap, |next| next.min(nap))
            }
            Err(error) => {
                failures += 1;
                tracing::error!(%error, failures, "what is due could not be done; it is tried again");
                after(core.clock.now(), back_off(Span::from_millis(500), failures))
            }
        };
        core.due_bell.arm(wake);
        if wake > core.clock.now() {
            tokio::select! {
                () = core.clock.sleep_until(wake) => {}
                () = core.due_bell.rung() => {}
                () = core.stop.stopped() => {}
            }
        } else {
            // Others may run between two turns.
            tokio::task::yield_now().await;
        }
    }
}

/// Lets happen what is due by now.
pub(super) fn tick() -> Command {
    Command { actor: Principal::part(LibraryPart::Due), via: None, operator: true, act: Act::Tick }
}

/// Does what is due by now. Returns when something is due next.
async fn turn(core: &Arc<Core>) -> Result<Option<Timestamp>, ApprovalError> {
    core.carry_out_halts_of_store().await?;
    let due = core.store.due(&core.settings.namespace, BATCH).await?;
    let command = tick();
    let done = join_all(due.items.iter().map(|stored| async {
        core.cache.put(stored);
        core.execute(stored.request.id, command.clone()).await
    }))
    .await;
    for result in done {
        match result {
            Ok(_) | Err(ApprovalError::Refused { .. } | ApprovalError::AlreadyDecided { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    core.by_own_clock(due.next).await
}

impl Core {
    /// A moment of the store's clock, by the manager's: the two need not agree.
    pub(super) async fn by_own_clock(
        &self,
        at: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, ApprovalError> {
        let Some(at) = at else { return Ok(None) };
        let left = at.duration_since(self.now().await?);
        Ok(Some(after(self.clock.now(), left)))
    }
}

/// Renews this process's lease and takes away lost ones, until the manager stops.
pub(crate) async fn run_leases(core: Arc<Core>) {
    let mut failures = 0;
    while !core.stop.is_stopped() {
        let done = async {
            core.lease.renew(&core).await?;
            lease::sweep(&core).await
        };
        match done.await {
            Ok(()) => failures = 0,
            Err(error) => {
                failures += 1;
                tracing::error!(%error, failures, "leases could not be looked after; it is tried again");
            }
        }
        let nap = if failures == 0 {
            core.lease.renewal()
        } else {
            back_off(Span::from_millis(500), failures).min(core.lease.renewal())
        };
        let wake = after(core.clock.now(), nap);
        tokio::select! {
            () = core.clock.sleep_until(wake) => {}
            () = core.stop.stopped() => {}
        }
    }
}
