//! Trying again what ended without having run.

use std::sync::Arc;

use super::{ApprovalManager, Context, PendingApproval, engine::Opened, keys::successor_key};
use crate::{
    approval_error::{About, ApprovalError},
    id::RequestId,
    lifecycle::{self, Draft, Predecessor},
    model::{Enclosed, Follows, Request},
};

impl ApprovalManager {
    /// Opens a new request with the arguments and the gate of one that ended without having run, linked to it. Its key, if
    /// it had one, leads to the new one from then on. Where another call follows it under its key already, the new request
    /// follows the last of these, once that ended too.
    ///
    /// # Errors
    /// When there is no such request, or it is open, runs, ran, or may have run; [`ApprovalError::KeyConflict`] when another
    /// call that follows it is open, approved or was run.
    pub async fn retry(&self, request: RequestId) -> Result<PendingApproval, ApprovalError> {
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
                return self.attach(last.request.id).await;
            }
            Err(_) if !same => return Err(conflict(&last.request)),
            Err(error) => return Err(error),
        }
        let again_of = if same { &last.request } else { &origin.request };
        // What another program changed is not asked about again.
        lifecycle::intact(again_of)
            .map_err(|refusal| ApprovalError::of_refusal(About::of(again_of), refusal))?;
        let mut draft = again(again_of, last.request.id, id);
        // The same successor, however often and wherever this is called, and whatever crashes in between.
        draft.key = Some(successor_key(last.request.key.as_deref().unwrap_or(&last.request.id.to_string())));
        let opened = match core.open(&draft, &Context::current().limits).await? {
            Opened::New(stored) | Opened::Existing(stored) => stored,
        };
        core.link(last.request.id, &opened.request).await?;
        if opened.request.original != origin.request.original {
            return Err(conflict(&opened.request));
        }
        self.attach(opened.request.id).await
    }
}

/// What comes along with a request that tries this one again.
fn followed_by(request: &Request) -> Arc<Enclosed> {
    let mut enclosed = request.enclosed.as_deref().map_or_else(Enclosed::default, Clone::clone);
    enclosed.follows = Some(Box::new(Follows::of(request)));
    Arc::new(enclosed)
}

/// A draft that asks for the same as `request` did at first, or as it was last edited.
fn again(request: &Request, follows: RequestId, id: RequestId) -> Draft {
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
        gate: Arc::clone(&request.gate),
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
        declaration: request.declaration.clone(),
        // The policy is not asked anew: what must be met comes from the one of then.
        basis: request.basis.clone(),
    }
}
