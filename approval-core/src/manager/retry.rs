//! Trying again what ended without having run.

use std::sync::Arc;

use super::{
    ApprovalManager, Context, Core, PendingApproval, engine::Opened, open::tightened_gate,
    successor::key_of_successor,
};
use crate::{
    approval_error::{About, ApprovalError},
    id::RequestId,
    lifecycle::{self, Draft, Predecessor},
    model::{Basis, Declaration, Enclosed, Follows, Gate, OnTimeout, Request, Text},
    policy::{Ruling, Said},
    store::StoreError,
};

/// How often it is looked again which request is the last that tries one again.
const ROUNDS: usize = 100;

impl ApprovalManager {
    /// Opens a new request with the arguments of one that ended without having run, linked to it. Its key, if it had one,
    /// leads to the new one from then on. Where another call follows it under its key already, the new request follows the
    /// last of these, once that ended too.
    ///
    /// People are asked as a new call would be today: as the declaration of the action that the request was opened with demands,
    /// and what the policy asks for besides; a rule that may relax it (`may_relax`) is asked for in its place. Where the policy
    /// would not ask, they are asked as they were before.
    ///
    /// # Errors
    /// When there is no such request, or it is open, runs, ran, or may have run; [`ApprovalError::PolicyDenied`] when the policy
    /// denies it now; [`ApprovalError::KeyConflict`] when another call that follows it is open, approved or was run. Where an
    /// idempotent action runs again under its own approval meanwhile, the new request is cancelled.
    pub async fn retry(&self, request: RequestId) -> Result<PendingApproval, ApprovalError> {
        for _ in 0..ROUNDS {
            if let Some(opened) = self.try_again(request).await? {
                return Ok(opened);
            }
        }
        Err(StoreError::unavailable("the requests that try it again kept ending; try again").into())
    }

    /// The same. `None` if the one request that could follow is there, and gave way when the request ran again: it is linked
    /// now, and the next look finds it and follows it.
    async fn try_again(&self, request: RequestId) -> Result<Option<PendingApproval>, ApprovalError> {
        let core = &self.core;
        core.at_work()?;
        let origin = core.load(request).await?;
        let last = core.newest(origin.clone()).await?;
        let same = last.request.original == origin.request.original
            && core.same_person(origin.request.on_behalf_of.as_ref(), &last.request).await?;
        let conflict = |other: &Request| ApprovalError::KeyConflict {
            about: About::of(other),
            original: other.original,
            given: origin.request.original,
        };
        let now = core.now().await?;
        let id = RequestId::generate(now);
        match core.may_retry(&last, id, now).await {
            Ok(()) => {}
            // It is being tried again already.
            Err(ApprovalError::Refused { .. }) if last.request.id != request && same => {
                return self.attach(last.request.id).await.map(Some);
            }
            Err(_) if !same => return Err(conflict(&last.request)),
            Err(error) => return Err(error),
        }
        let again_of = if same { &last.request } else { &origin.request };
        // What another program changed is not asked about again.
        lifecycle::intact(again_of)
            .map_err(|refusal| ApprovalError::of_refusal(About::of(again_of), refusal))?;
        let gate = core.gate_of_retry(again_of).await?;
        let mut draft = again(again_of, gate, last.request.id, id);
        draft.key = Some(key_of_successor(&last.request));
        let (opened, is_new) = match core.open(&draft, &Context::current().limits).await? {
            Opened::New(stored) => (stored, true),
            Opened::Existing(stored) => (stored, false),
        };
        if let Some(refused) = core.link(last.request.id, &opened.request).await? {
            return Err(refused);
        }
        if !is_new && lifecycle::gave_way(&opened.request) {
            return Ok(None);
        }
        if opened.request.original != origin.request.original {
            return Err(conflict(&opened.request));
        }
        self.attach(opened.request.id).await.map(Some)
    }
}

impl Core {
    /// What must be met to try a request again, and the policy that says so.
    ///
    /// # Errors
    /// When the policy denies it, or cannot be asked.
    async fn gate_of_retry(
        &self,
        request: &Request,
    ) -> Result<(Arc<Gate>, Option<Arc<Basis>>), ApprovalError> {
        // No rule is about questions.
        if request.question.is_some() {
            return Ok((Arc::clone(&request.gate), None));
        }
        let own = Arc::new(declared(request));
        let said = said_by(&own, &request.gate);
        let arguments = (&request.revision.arguments, &request.revision.digest);
        let (ruling, policy) = self.rule_again(request, arguments, &own, said, None).await?;
        let ruling = match ruling {
            Ruling::Deny { rule, reason } => {
                return Err(ApprovalError::PolicyDenied {
                    action: request.action.name.clone(),
                    rule,
                    reason,
                });
            }
            ruling @ Ruling::Ask { .. } => ruling,
            // People were asked before, and ended it: what the policy lets run now is theirs to decide again.
            Ruling::Allow { rule, run_windows } | Ruling::Notify { rule, run_windows, .. } => {
                let before = Gate { declared: None, ..Gate::clone(&request.gate) };
                let windows = Gate { run_windows, ..Gate::only(rule, Vec::new()) };
                let gate = lifecycle::tighten(&before, &windows);
                Ruling::Ask { rule: Text::clone(&gate.rule), gate: Some(Arc::new(gate)), whole: false }
            }
        };
        // The directory is named when the request is opened.
        Ok((tightened_gate(&own, said, &ruling), self.sources.basis(policy, None)))
    }
}

/// What the action itself asked for when the request was opened. Of times, notices and texts, which are no demands and not
/// stored: as the request has them.
fn declared(request: &Request) -> Gate {
    let asked = Gate { declared: None, ..Gate::clone(&request.gate) };
    match &request.declaration {
        None => Gate::clone(&lifecycle::gate_before_rules(request)),
        Some(declaration) => Gate {
            timeout: asked.timeout,
            grant_ttl: asked.grant_ttl,
            reminders: asked.reminders,
            join_identical: asked.join_identical,
            inform: asked.inform,
            editable: asked.editable,
            reject_options: asked.reject_options,
            digest: asked.digest,
            ..declaration.gate.clone()
        },
    }
}

/// Which settings a declaration set explicitly. These are only tightened when a request is opened, so one that the request
/// has looser was left to the rule.
fn said_by(declared: &Gate, asked: &Gate) -> Said {
    let looser_end = declared.on_timeout == OnTimeout::Reject && asked.on_timeout != OnTimeout::Reject;
    Said { veto: asked.veto <= declared.veto, on_timeout: !looser_end, ..Said::ALL }
}

/// What comes along with a request that tries this one again.
fn followed_by(request: &Request) -> Arc<Enclosed> {
    let mut enclosed = request.enclosed.as_deref().map_or_else(Enclosed::default, Clone::clone);
    enclosed.follows = Some(Box::new(Follows::of(request)));
    Arc::new(enclosed)
}

/// A draft that asks for the same as `request` did at first, or as it was last edited.
fn again(
    request: &Request,
    (gate, basis): (Arc<Gate>, Option<Arc<Basis>>),
    follows: RequestId,
    id: RequestId,
) -> Draft {
    // What is not stored besides is what the gate shows.
    let declaration = request.declaration.clone().unwrap_or_else(|| {
        Arc::new(Declaration::new(&request.action, request.risk, &lifecycle::gate_before_rules(request)))
    });
    Draft {
        id,
        namespace: Arc::clone(&request.namespace),
        action: Arc::clone(&request.action),
        question: request.question.clone(),
        requester: request.requester.clone(),
        on_behalf_of: request.on_behalf_of.clone(),
        run: request.run.clone(),
        intent: request.intent.clone(),
        key: None,
        risk: request.risk,
        priority: Some(request.priority),
        gate,
        arguments: request.revision.arguments.clone(),
        enclosed: Some(followed_by(request)),
        digest: request.revision.digest,
        answers_info: request.answers_info,
        predecessor: Some(Predecessor {
            request: follows,
            original: request.original,
            revision: request.revision.number,
            editor: request.revision.editor.clone(),
        }),
        allowed: false,
        declaration: Some(declaration),
        basis,
    }
}
