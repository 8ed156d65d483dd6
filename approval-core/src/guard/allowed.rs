//! A call that the policy allowed without asking: without a key it leaves a journal line, with one a request.

use std::sync::{Arc, LazyLock};

use crate::{
    approval_error::ApprovalError,
    manager::{ApprovalManager, Prepared, RuledBy, Unwound},
    model::{Risk, Text},
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
    /// Checks the store's clock and the halts, and writes the line in front, where the risk asks for one.
    pub(crate) async fn begin(
        manager: &ApprovalManager,
        prepared: Prepared,
        by: RuledBy,
    ) -> Result<Self, ApprovalError> {
        let core = &manager.core;
        let action = &prepared.spec.info.name;
        let halts = core.halts.fresh(core).await?;
        if let Some(halt) = halts.halts().covering(&prepared.agent, action) {
            return Err(ApprovalError::Halted { action: action.clone(), halt: Box::new(halt.clone()) });
        }
        // No commit does it here: without a key no request is opened.
        core.clock_is_right().await?;
        if prepared.spec.risk > Risk::Low {
            core.journal.sync(line(manager, &prepared, &by, "allowed", None)).await?;
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

    pub(crate) async fn end(mut self, outcome: &str, why: Option<&str>) {
        self.done = true;
        let line = line(&self.manager, &self.prepared, &self.by, outcome, why);
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
        let line = line(&self.manager, &self.prepared, &self.by, outcome, Some(why));
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

/// Writes the line about a call that the policy denied. A denied call of low risk may wait in the buffer.
pub(crate) async fn denied(
    manager: &ApprovalManager,
    prepared: &Prepared,
    by: &RuledBy,
    reason: &str,
) -> Result<(), ApprovalError> {
    let line = line(manager, prepared, by, "denied", Some(reason));
    if prepared.spec.risk > Risk::Low {
        manager.core.journal.sync(line).await
    } else {
        manager.core.journal.buffer(line).await
    }
}

/// How most calls end; shared by their lines.
static SUCCEEDED: LazyLock<Text> = LazyLock::new(|| "succeeded".into());

fn line(
    manager: &ApprovalManager,
    prepared: &Prepared,
    by: &RuledBy,
    outcome: &str,
    why: Option<&str>,
) -> JournalLine {
    JournalLine::Call {
        at: manager.core.clock.now(),
        action: prepared.spec.info.name.text(),
        version: prepared.spec.info.version,
        digest: prepared.bound.digest,
        agent: prepared.agent.clone(),
        run: prepared.context.run.clone(),
        rule: Arc::clone(&by.rule),
        outcome: if outcome == &**SUCCEEDED { Text::clone(&SUCCEEDED) } else { outcome.into() },
        why: why.map(Text::from),
        basis: by.basis.clone(),
    }
}
