//! Calls whose key has requests already: waiting for one of them, or following it.

use std::sync::Arc;

use super::{Core, secret_key::StoredKey, successor::key_of_successor};
use crate::{
    approval_error::{About, ApprovalError},
    clock::Timestamp,
    id::RequestId,
    lifecycle::{self, Act, Command, Draft, Predecessor, UnderKey},
    model::{ActionName, Enclosed, Execution, Follows, LibraryPart, Principal, Request, Text},
    store::{StoreError, Stored},
};

/// How often a key is looked at again when its requests change meanwhile.
const ROUNDS: usize = 100;

/// Where a call with a key has its place.
pub(crate) enum Placed {
    /// It opens a request: the draft says which key and predecessor that has.
    Opens,
    /// It waits for this request, which was opened for it before.
    Waits(Stored),
    /// People refused it before, as this request says.
    Refused(Stored),
}

impl Core {
    /// Finds the place of a call under its key: see [`lifecycle::under_key`]. Ends what today's declaration lets run no more.
    ///
    /// # Errors
    /// [`ApprovalError::KeyConflict`], [`ApprovalError::DefinitionChanged`], or why it could not be found out.
    pub(crate) async fn place(&self, draft: &mut Draft, key: &StoredKey) -> Result<Placed, ApprovalError> {
        for _ in 0..ROUNDS {
            let other = match &key.other {
                Some(other) => self.store.find(other).await?.and_then(|stored| self.own(stored)),
                None => None,
            };
            let root = match other {
                Some(root) => Some(root),
                None => self.store.find(&key.key).await?,
            };
            let Some(root) = root else {
                draft.key = Some(Text::clone(&key.key));
                draft.predecessor = None;
                return Ok(Placed::Opens);
            };
            let foreign = || StoreError::unavailable("the key of a new request belongs to another namespace");
            let root = self.own(root).ok_or_else(foreign)?;
            let mut chain = self.chain(root).await?;
            let Some(newest) = chain.pop() else { return Err(broken(&key.key)) };
            if time_is_up(&newest.request, self.now().await?) {
                self.note_end(newest.request.id).await?;
                // Still there: its end is written by another write that is on its way.
                let again = self.load(newest.request.id).await?;
                if time_is_up(&again.request, self.now().await?) {
                    return Ok(Placed::Waits(again));
                }
                continue;
            }
            let earlier: Vec<Arc<Request>> = chain.iter().map(|stored| Arc::clone(&stored.request)).collect();
            let people = {
                let requests = earlier.iter().chain([&newest.request]);
                let behind: Vec<&Principal> =
                    requests.flat_map(|request| &request.on_behalf_of).chain(&draft.on_behalf_of).collect();
                if behind.is_empty() { Arc::default() } else { self.people(&behind).await? }
            };
            let about = About::of(&newest.request);
            match lifecycle::under_key(&earlier, &newest.request, draft, &people) {
                UnderKey::Join => return Ok(Placed::Waits(newest)),
                UnderKey::Refused(id) => {
                    let refused = chain.into_iter().chain([newest]).find(|one| one.request.id == id);
                    return refused.map(Placed::Refused).ok_or_else(|| broken(&key.key));
                }
                UnderKey::Conflict => {
                    self.attempts.note_conflict(&newest.request, &draft.requester, self.now().await?);
                    self.journal.nudge();
                    return Err(ApprovalError::KeyConflict {
                        about,
                        original: newest.request.original,
                        given: lifecycle::digest_under(draft, &newest.request.action),
                    });
                }
                UnderKey::Follow => {
                    // No successor could be linked to a row that another program changed.
                    lifecycle::intact(&newest.request)
                        .map_err(|refusal| ApprovalError::of_refusal(about, refusal))?;
                    follow(draft, &newest.request);
                    return Ok(Placed::Opens);
                }
                UnderKey::Ask => self.ask_instead(newest.request.id).await?,
                UnderKey::Replace(what) => {
                    self.supersede(newest.request.id, &newest.request.action.name, what).await?;
                }
                UnderKey::Changed { what, revoke } => {
                    let revoked = revoke
                        && self.supersede(newest.request.id, &newest.request.action.name, what).await?;
                    return Err(ApprovalError::DefinitionChanged { about, what, revoked });
                }
            }
        }
        Err(StoreError::unavailable("the requests under one key kept changing; try again").into())
    }

    /// Revokes an approval that no person gave, if the policy no longer covers it: the same call is asked about then.
    pub(crate) async fn uncover(&self, request: RequestId) -> Result<(), ApprovalError> {
        self.take_from_policy(request, Act::Uncover, "the policy asks for more now").await
    }

    /// Revokes what the policy let run, for a call under its key that must ask people.
    async fn ask_instead(&self, request: RequestId) -> Result<(), ApprovalError> {
        let reason = "no person approved it, and a call under its key must ask people".into();
        self.take_from_policy(request, Act::Revoke { reason }, "a call under its key must ask people").await
    }

    async fn take_from_policy(&self, request: RequestId, act: Act, why: &str) -> Result<(), ApprovalError> {
        let actor = Principal::part(LibraryPart::Guard);
        let command = Command { actor, via: None, operator: true, act };
        match self.execute(request, command).await {
            Ok(_) => {
                tracing::warn!(%request, why, "revoked an approval that no person gave");
                Ok(())
            }
            // It was begun, or ended, or is covered again.
            Err(
                ApprovalError::Refused { .. }
                | ApprovalError::AlreadyRan { .. }
                | ApprovalError::Unknown(_)
                | ApprovalError::GrantExpired { .. }
                | ApprovalError::Revoked { .. },
            ) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends a request that today's declaration lets run no more, for the reason that it asks for `what`. What has begun, or
    /// ended, meanwhile is left as it is. Whether it was ended.
    pub(crate) async fn supersede(
        &self,
        request: RequestId,
        action: &ActionName,
        what: &str,
    ) -> Result<bool, ApprovalError> {
        let reason = format!("the action {action} is declared with {what} now").into();
        let command = Command {
            actor: Principal::part(LibraryPart::Guard),
            via: None,
            operator: true,
            act: Act::Supersede { reason },
        };
        match self.execute(request, command).await {
            Ok(_) => Ok(true),
            Err(ApprovalError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Makes a draft the successor of an ended request.
fn follow(draft: &mut Draft, request: &Request) {
    draft.key = Some(key_of_successor(request));
    draft.predecessor =
        Some(Predecessor { request: request.id, original: draft.digest, revision: 1, editor: None });
    let mut enclosed = draft.enclosed.as_deref().map_or_else(Enclosed::default, Clone::clone);
    enclosed.follows = Some(Box::new(Follows::of(request)));
    draft.enclosed = Some(Arc::new(enclosed));
}

/// Whether a request, or its grant, has come to its end by time, and that is not written yet.
fn time_is_up(request: &Request, now: Timestamp) -> bool {
    let is_over = |at: Timestamp| at <= now;
    if request.status.is_open() {
        return request.deadline.is_some_and(is_over);
    }
    matches!(request.execution.as_deref(), Some(Execution::NotStarted))
        && request.grant.as_ref().is_some_and(|grant| is_over(grant.expires_at))
}

fn broken(key: &str) -> ApprovalError {
    StoreError::unreadable(format!("the requests of the key {key} cannot be followed")).into()
}
