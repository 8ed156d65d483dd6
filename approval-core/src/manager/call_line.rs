//! Journal lines about calls that no person was asked about.

use std::sync::{Arc, LazyLock};

use super::{Core, Prepared, RuledBy};
use crate::{
    approval_error::ApprovalError,
    clock::Timestamp,
    model::{Risk, Text},
    store::JournalLine,
};

/// How most calls end; shared by their lines.
static SUCCEEDED: LazyLock<Text> = LazyLock::new(|| "succeeded".into());

impl Prepared {
    /// The line about this call, which a rule let run or denied.
    pub(crate) fn line(&self, at: Timestamp, by: &RuledBy, outcome: &str, why: Option<&str>) -> JournalLine {
        JournalLine::Call {
            at,
            action: self.spec.info.name.text(),
            version: self.spec.info.version,
            digest: self.bound.digest,
            agent: self.agent.clone(),
            run: self.context.run.clone(),
            rule: Arc::clone(&by.rule),
            outcome: if outcome == &**SUCCEEDED { Text::clone(&SUCCEEDED) } else { outcome.into() },
            why: why.map(Text::from),
            basis: by.basis.clone(),
        }
    }
}

impl Core {
    /// Writes a line about a call that the policy or a limit denied, and gives back why; where the line cannot be written,
    /// why not. Of a call of low risk it may wait in the buffer. Other errors are no denials.
    pub(crate) async fn denied(
        &self,
        prepared: &Prepared,
        by: RuledBy,
        error: ApprovalError,
    ) -> ApprovalError {
        let (rule, why) = if let ApprovalError::PolicyDenied { rule, reason, .. } = &error {
            (rule, &**reason)
        } else if let ApprovalError::LimitReached { reached, .. } = &error {
            (&reached.limit, &*reached.why)
        } else {
            return error;
        };
        let by = RuledBy { rule: Text::clone(rule), ..by };
        let line = prepared.line(self.clock.now(), &by, "denied", Some(why));
        let written = if prepared.spec.risk > Risk::Low {
            self.journal.sync(line).await
        } else {
            self.journal.buffer(line).await
        };
        match written {
            Ok(()) => error,
            Err(failed) => failed,
        }
    }
}
