//! A call that the policy allowed without asking: without a key it leaves a journal line, with one a request.

use std::sync::Arc;

use thin_vec::ThinVec;

use crate::{
    approval_error::ApprovalError,
    clock::Timestamp,
    manager::{ApprovalManager, HeldBack, Prepared, RuledBy, Unwound},
    model::{Risk, Share},
    store::JournalLine,
};

/// A call that the policy allowed. For minimal and low risk one buffered line says how it ended; for higher risks a line is
/// synced before the body begins, and another says how it ended.
pub(crate) struct Allowed {
    manager: ApprovalManager,
    prepared: Prepared,
    by: RuledBy,
    started: bool,
    unwound: Unwound,
    done: bool,
}

impl Allowed {
    /// Begins a call that the policy allowed at `asked`, by this rule, and that was counted so. If it was held since then, the
    /// policy and the limits are asked again. A call that is refused is not counted any more.
    pub(crate) async fn begin(
        manager: &ApprovalManager,
        prepared: Prepared,
        (by, shares): (RuledBy, ThinVec<Share>),
        asked: Timestamp,
    ) -> Result<Self, ApprovalError> {
        let (by, shares) = match manager.core.still_allows(&prepared, asked, &shares).await {
            Ok(None) => (by, shares),
            Ok(Some(again)) => again,
            Err(held_back) => {
                return Err(Box::pin(refused(manager, &prepared, &shares, *held_back)).await);
            }
        };
        if let Err(error) = check_in(manager, &prepared, &by).await {
            Box::pin(manager.core.give_back(&prepared, &shares)).await;
            return Err(error);
        }
        Ok(Self {
            manager: manager.clone(),
            prepared,
            by,
            started: false,
            unwound: Unwound::Unwatched,
            done: false,
        })
    }

    pub(crate) const fn start(&mut self) {
        self.started = true;
    }

    pub(crate) fn watch(&mut self, unwound: Unwound) {
        self.started = true;
        self.unwound = unwound;
    }

    fn line(&self, outcome: &str, why: Option<&str>) -> JournalLine {
        self.prepared.line(self.manager.core.clock.now(), &self.by, outcome, why)
    }

    pub(crate) async fn end(mut self, outcome: &str, why: Option<&str>) {
        self.done = true;
        let line = self.line(outcome, why);
        if let Err(error) = self.manager.core.journal.buffer(line).await {
            tracing::error!(%error, "the end of an allowed call could not be journaled");
        }
    }
}

impl Drop for Allowed {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let panic = self.unwound.why();
        let (outcome, why) = match (&panic, self.started) {
            (Some(why), _) => ("failed", why.as_str()),
            (None, true) => ("unknown", "the future of the body was dropped before it ended"),
            (None, false) => ("failed", "dropped before the body began"),
        };
        let line = self.line(outcome, Some(why));
        let core = &self.manager.core;
        if core.journal.force(line) {
            let writing = Arc::clone(core);
            drop(core.runtime.spawn(async move {
                if let Err(error) = writing.journal.flush().await {
                    tracing::error!(%error, "the end of an allowed call could not be journaled");
                }
            }));
        }
    }
}

/// Checks the store's clock and the halts, and writes the line in front, where the risk asks for one.
async fn check_in(manager: &ApprovalManager, prepared: &Prepared, by: &RuledBy) -> Result<(), ApprovalError> {
    let core = &manager.core;
    not_halted(manager, prepared).await?;
    // No commit does it here: without a key no request is opened.
    core.clock_is_right().await?;
    if prepared.spec.risk > Risk::Low {
        Box::pin(core.journal.sync(prepared.line(core.clock.now(), by, "allowed", None))).await?;
        // The store may have taken its time, and the view may be a second old at the most.
        not_halted(manager, prepared).await?;
    }
    Ok(())
}

async fn not_halted(manager: &ApprovalManager, prepared: &Prepared) -> Result<(), ApprovalError> {
    let action = &prepared.spec.info.name;
    let halts = manager.core.halts.fresh(&manager.core).await?;
    match halts.halts().covering(&prepared.agent, action) {
        Some(halt) => Err(ApprovalError::Halted { action: action.clone(), halt: Box::new(halt.clone()) }),
        None => Ok(()),
    }
}

/// Why a call that was held does not run. A denial is on record before the caller gets it, and the call is not counted any
/// more.
async fn refused(
    manager: &ApprovalManager,
    prepared: &Prepared,
    shares: &[Share],
    HeldBack { by, error }: HeldBack,
) -> ApprovalError {
    // Counting it at the run may have moved the shares though the store's answer was lost: then those of another call would be
    // taken off.
    let may_have_moved = by.is_some() && matches!(error, ApprovalError::Store(_));
    let error = match by {
        Some(by) => manager.core.denied(prepared, by, error).await,
        None => error,
    };
    if !may_have_moved {
        manager.core.give_back(prepared, shares).await;
    }
    error
}
