//! Trying again what ended without having run.

use std::sync::Arc;

use super::{ApprovalManager, Context, Core, PendingApproval, engine::Opened, successor::key_of_successor};
use crate::{
    approval_error::{About, ApprovalError},
    id::RequestId,
    lifecycle,
    model::{Basis, Gate, Request},
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
        let mut draft = lifecycle::draft_of_retry(again_of, gate, last.request.id, id);
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
        let Some(own) = lifecycle::demanded_again(request) else {
            return Ok((Arc::clone(&request.gate), None));
        };
        let arguments = (&request.revision.arguments, &request.revision.digest);
        let (ruling, policy) =
            self.rule_again(request, arguments, &own.gate, own.said, lifecycle::CountedAs::NOTHING).await?;
        let gate = lifecycle::gate_of_retry(request, &own, (&ruling).into())
            .map_err(|refusal| ApprovalError::of_refusal(About::of(request), refusal))?;
        // The directory is named when the request is opened.
        Ok((gate, self.sources.basis(policy, None)))
    }
}
