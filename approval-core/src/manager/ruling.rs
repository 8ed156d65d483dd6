//! Asking the policy once more, when what it or people approved is about to run.

use std::sync::Arc;

use super::{
    Core, Prepared,
    basis::{Ruled, RuledBy},
    limits,
};
use crate::{
    approval_error::ApprovalError,
    clock::{Span, Timestamp, after},
    lifecycle::{self, Act, Command, RunRuling},
    model::{Gate, Request, SourceDigest},
    policy::{Call, Ruling, Said},
};

/// How old an answer of the policy may be that lets a call run without a request.
const FRESH: Span = Span::from_secs(1);

impl Core {
    /// For a command that consumes a grant: what the policy says about the call now, and the digest of its text.
    ///
    /// # Errors
    /// When it cannot be asked, or the cost cannot be computed: nothing runs then.
    pub(super) async fn ruling_for(
        &self,
        command: &Command,
        request: &Request,
    ) -> Result<(Option<RunRuling>, Option<SourceDigest>), ApprovalError> {
        if matches!(command.act, Act::Consume { .. }) {
            let (ruling, policy) = self.ruling_at_run(request).await?;
            return Ok((Some(ruling), policy));
        }
        Ok((None, None))
    }

    async fn ruling_at_run(
        &self,
        request: &Request,
    ) -> Result<(RunRuling, Option<SourceDigest>), ApprovalError> {
        let cost = lifecycle::cost_of(&request.action, &request.revision.arguments)?;
        let cost = cost.map(|cost| cost.magnitude());
        let counts = limits::Counts {
            agent: &request.requester,
            action: &request.action.name,
            run: request.run.as_deref(),
            person: request.on_behalf_of.as_ref(),
        };
        // What nobody was asked about was counted when it was opened, and must not count against itself.
        let unasked = request
            .decision
            .as_deref()
            .is_some_and(|decision| decision.by_policy || decision.by_standing.is_some());
        let own = cost.filter(|_| unasked).map(|cost| (cost, request.created_at));
        let behind = self.canonical(request.on_behalf_of.as_ref()).await?;
        let call = Call {
            action: &request.action,
            arguments: &request.revision.arguments,
            digest: &request.revision.digest,
            agent: &request.requester,
            on_behalf_of: behind.as_ref(),
            run: request.run.as_ref(),
            risk: request.risk,
            cost,
            spent_usd: self.spent_usd(counts, own).await?,
            gate: &request.gate,
            said: Said::ALL,
            now: self.now().await?,
        };
        let (ruling, policy) = self.ask_policy(&call).await?;
        let ruling = match ruling {
            Ruling::Allow { .. } | Ruling::Notify { .. } => RunRuling::Allows,
            Ruling::Deny { rule, reason } => RunRuling::Denies { rule, reason },
            Ruling::Ask { rule, gate, whole } => {
                let gate = match gate {
                    Some(gate) if whole => Gate::clone(&gate),
                    Some(gate) => lifecycle::tighten(&request.gate, &gate),
                    None => Gate::clone(&request.gate),
                };
                RunRuling::Asks(Arc::new(Gate { rule, ..gate }))
            }
        };
        Ok((ruling, policy))
    }

    /// Asks the policy again about a call that it allowed at `asked`, unless that is a moment ago. What it says now, if it
    /// was asked.
    ///
    /// # Errors
    /// When it does not allow the call any more, or cannot be asked.
    pub(crate) async fn still_allows(
        &self,
        prepared: &Prepared,
        asked: Timestamp,
    ) -> Result<Option<RuledBy>, ApprovalError> {
        if self.clock.now() < after(asked, FRESH) {
            return Ok(None);
        }
        let action = prepared.spec.info.name.clone();
        let Ruled { ruling, basis } = self.rule_counted(prepared, Some(asked)).await?;
        match ruling {
            Ruling::Allow { rule } | Ruling::Notify { rule, .. } => Ok(Some(RuledBy { rule, basis })),
            Ruling::Ask { rule, .. } => Err(ApprovalError::PolicyAsks { action, rule, request: None }),
            Ruling::Deny { rule, reason } => Err(ApprovalError::PolicyDenied { action, rule, reason }),
        }
    }
}
