//! Carries out, in one namespace, the halts that an operator of the store set for all of it. A worker of its own: what such a halt
//! waits for keeps nothing else that is due waiting.

use std::sync::Arc;

use super::{Core, halts::HaltView, put_off::Failing};
use crate::{
    approval_error::ApprovalError,
    clock::{Span, after},
};

/// The worker looks at least so often.
const LONGEST_NAP: Span = Span::from_secs(30);

/// Carries them out, until the manager stops.
pub(crate) async fn run(core: Arc<Core>) {
    let mut worker = Worker::default();
    while !core.stop.is_stopped() {
        core.halts_bell.disarm();
        if let Err(error) = worker.turn(&core).await {
            worker.failing = Some(Failing::once_more(worker.failing, core.clock.now()));
            tracing::error!(%error, "failed to end all that halts of the whole store cover; it is tried again");
        }
        let nap = after(core.clock.now(), LONGEST_NAP);
        let wake = worker.failing.map_or(nap, |failing| failing.again().min(nap));
        core.halts_bell.arm(wake);
        tokio::select! {
            () = core.clock.sleep_until(wake) => {}
            () = core.halts_bell.rung() => {}
            () = core.stop.stopped() => {}
        }
    }
}

/// What the worker remembers from turn to turn.
#[derive(Debug, Default)]
struct Worker {
    /// The version of the halts that are carried out.
    carried_out: u64,
    /// The version that was tried last.
    tried: u64,
    /// That it failed, and when it is tried again.
    failing: Option<Failing>,
}

impl Worker {
    /// Carries the halts out if they have changed, or what failed is to be tried again.
    async fn turn(&mut self, core: &Core) -> Result<(), ApprovalError> {
        let view = core.halts.view(core).await?;
        let version = view.version_of_store();
        if self.carried_out == version {
            self.failing = None;
            return Ok(());
        }
        if self.tried != version {
            (self.tried, self.failing) = (version, None);
        } else if self.failing.is_some_and(|failing| failing.waits(core.clock.now())) {
            return Ok(());
        }
        core.carry_out(&view).await?;
        (self.carried_out, self.failing) = (version, None);
        Ok(())
    }
}

impl Core {
    /// Ends in this namespace what halts of the whole store cover. Of all of them, whatever cannot be ended.
    ///
    /// # Errors
    /// The first one, if something could not be ended: then they are not carried out yet.
    async fn carry_out(&self, view: &HaltView) -> Result<(), ApprovalError> {
        let mut failed = None;
        for halt in view.of_store() {
            match self.end_halted(halt).await {
                Ok(0) => {}
                Ok(ended) => {
                    tracing::warn!(scope = ?halt.scope, by = %halt.by, ended, "a halt of the whole store ended requests of this namespace");
                }
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }
}
