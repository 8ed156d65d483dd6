//! Asking the policy once more, when what it or people approved is about to run.

use std::sync::Arc;

use thin_vec::ThinVec;

use super::{
    Core, Prepared,
    basis::{Ruled, RuledBy},
    limits,
};
use crate::{
    approval_error::ApprovalError,
    clock::Timestamp,
    lifecycle::{self, Act, Command, CountedAs, EditRuling, Held, RunRuling},
    model::{ArgumentsDigest, CanonicalJson, Gate, Request, Share, SourceDigest, Text},
    policy::{Call, Ruling, Said},
};

impl Core {
    /// For a command that consumes a grant, or revokes what the policy no longer covers: what the policy says about the call
    /// now, and the digest of its text.
    ///
    /// # Errors
    /// When it cannot be asked, or the cost cannot be computed: nothing runs then.
    pub(super) async fn ruling_for(
        &self,
        command: &Command,
        request: &Request,
    ) -> Result<(Option<RunRuling>, Option<SourceDigest>), ApprovalError> {
        if !matches!(command.act, Act::Consume { .. } | Act::Uncover) {
            return Ok((None, None));
        }
        let (arguments, digest) = (&request.revision.arguments, &request.revision.digest);
        // It must not count against itself.
        let counted = lifecycle::counted_as(request);
        let (ruling, policy) =
            Box::pin(self.rule_again(request, (arguments, digest), &request.gate, Said::ALL, counted))
                .await?;
        let ruling = match ruling {
            Ruling::Allow { run_windows, .. } => RunRuling::Allows { inform: Vec::new(), run_windows },
            Ruling::Notify { to, run_windows, .. } => RunRuling::Allows { inform: to, run_windows },
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
        Ok((Some(ruling), policy))
    }

    /// For a command that edits the arguments which the request has: what the policy says about a call with the new ones.
    /// With the digest of its text. `None` for other commands, and where the lifecycle refuses the edit for what it is.
    ///
    /// # Errors
    /// When it cannot be asked, or the cost cannot be computed: the edit does not count then.
    pub(super) async fn ruling_of_edit(
        &self,
        command: &Command,
        request: &Request,
    ) -> Result<(Option<EditRuling>, Option<SourceDigest>), ApprovalError> {
        let Act::ApproveEdited { edits, digest: seen, .. } = &command.act else { return Ok((None, None)) };
        if *seen != request.revision.digest {
            return Ok((None, None));
        }
        let Ok((arguments, digest)) = lifecycle::edited_arguments(request, edits) else {
            return Ok((None, None));
        };
        let gate = lifecycle::gate_before_rules(request);
        let (ruling, policy) =
            Box::pin(self.rule_again(request, (&arguments, &digest), &gate, Said::ALL, CountedAs::NOTHING))
                .await?;
        let ruling = match ruling {
            Ruling::Allow { run_windows, .. } if run_windows.is_empty() => {
                RunRuling::Allows { inform: Vec::new(), run_windows }
            }
            // The time of the grant is counted from when they open.
            Ruling::Allow { rule, run_windows } => {
                RunRuling::Asks(Arc::new(lifecycle::besides(&rule, &[], &run_windows)))
            }
            Ruling::Notify { rule, to, run_windows } => {
                RunRuling::Asks(Arc::new(lifecycle::besides(&rule, &to, &run_windows)))
            }
            Ruling::Deny { rule, reason } => RunRuling::Denies { rule, reason },
            ruling @ Ruling::Ask { .. } => {
                RunRuling::Asks(lifecycle::by_rule(&gate, Said::ALL, (&ruling).into()))
            }
        };
        Ok((Some(EditRuling { digest, ruling }), policy))
    }

    /// Asks the policy about a request that is there already, with these arguments and this gate of the action, of which `said`
    /// was set explicitly. `counted`: how it was counted itself.
    pub(super) async fn rule_again(
        &self,
        request: &Request,
        (arguments, digest): (&CanonicalJson, &ArgumentsDigest),
        gate: &Arc<Gate>,
        said: Said,
        counted: CountedAs<'_>,
    ) -> Result<(Ruling, Option<SourceDigest>), ApprovalError> {
        let cost = lifecycle::cost_of(&request.action, arguments)?.map(|cost| cost.magnitude());
        let counts = limits::Counts {
            agent: &request.requester,
            action: &request.action.name,
            run: request.run.as_deref(),
            person: request.on_behalf_of.as_ref(),
        };
        let behind = self.canonical(request.on_behalf_of.as_ref()).await?;
        let call = Call {
            action: &request.action,
            arguments,
            digest,
            agent: &request.requester,
            on_behalf_of: behind.as_ref(),
            run: request.run.as_ref(),
            risk: request.risk,
            cost,
            // Looked up when the policy is asked.
            spent_usd: None,
            gate,
            said,
            now: self.now().await?,
        };
        self.ask_policy(&call, counts, counted).await
    }

    /// Asks the policy again about a call that it allowed at `asked`, and counts it at the moment at which it runs, unless that
    /// was a moment ago. `shares`: how it was counted before. What the policy says now, and how the call is counted, if it was
    /// asked.
    ///
    /// # Errors
    /// When the policy, or a limit, does not let it run any more, or cannot be asked.
    pub(crate) async fn still_allows(
        &self,
        prepared: &Prepared,
        asked: Timestamp,
        shares: &[Share],
    ) -> Result<Option<(RuledBy, ThinVec<Share>)>, Box<HeldBack>> {
        if lifecycle::is_fresh(asked, self.clock.now()) {
            return Ok(None);
        }
        // On the heap: most calls begin at once, and must not carry it.
        Box::pin(self.allows_again(prepared, shares)).await.map(Some)
    }

    async fn allows_again(
        &self,
        prepared: &Prepared,
        shares: &[Share],
    ) -> Result<(RuledBy, ThinVec<Share>), Box<HeldBack>> {
        let action = || prepared.spec.info.name.clone();
        let asks = |rule| ApprovalError::PolicyAsks { action: action(), rule, request: None, again: false };
        let unanswered = |error| Box::new(HeldBack { by: None, error });
        let Ruled { ruling, basis } =
            self.rule_counted(prepared, CountedAs::Runs(shares)).await.map_err(unanswered)?;
        let held_back = |by, error| Err(Box::new(HeldBack { by: Some(by), error }));
        let by = |rule: &Text| RuledBy { rule: Text::clone(rule), basis };
        let by = match lifecycle::held(&(&ruling).into(), prepared.way(&ruling)) {
            Held::Runs(rule) => by(rule),
            Held::Asks(rule) => return held_back(by(rule), asks(Text::clone(rule))),
            Held::Denied { rule, reason } => {
                let (denied_by, reason) = (Text::clone(rule), Text::clone(reason));
                let error = ApprovalError::PolicyDenied { action: action(), rule: denied_by, reason };
                return held_back(by(rule), error);
            }
        };
        match self.count_at_run(prepared, &by, shares).await {
            Ok(limits::Count::Taken(shares)) => Ok((by, shares)),
            Ok(limits::Count::Asks(limit)) => held_back(by, asks(limit)),
            Err(error) => held_back(by, error),
        }
    }
}

/// Why a call that the policy allowed before does not run.
#[derive(Debug)]
pub(crate) struct HeldBack {
    /// What the policy answered now; `None`: it did not.
    pub(crate) by: Option<RuledBy>,
    pub(crate) error: ApprovalError,
}
