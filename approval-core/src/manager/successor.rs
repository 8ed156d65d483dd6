//! Requests that follow each other: finding the successor of an ended request, and linking it to that one.

use std::{collections::HashSet, sync::Arc};

use super::{Core, keys::successor_key};
use crate::{
    approval_error::{About, ApprovalError},
    error::Invalid,
    id::RequestId,
    lifecycle::{self, Act, Command, Refusal},
    model::{LibraryPart, Principal, Request, Text},
    store::{StoreError, Stored},
};

/// Longest chain of requests under one key that is followed.
const LONGEST_CHAIN: usize = 1000;
/// Most requests that try one again, one after the other.
const SUCCESSOR_LIMIT: usize = 10_000;

/// The key of the one request that may follow this one: the same, however often and wherever it is opened, and whatever
/// crashes in between.
pub(super) fn key_of_successor(request: &Request) -> Text {
    successor_key(request.key.as_deref().unwrap_or(&request.id.to_string()))
}

impl Core {
    /// The requests of a key, oldest first, from its first one on.
    pub(super) async fn chain(&self, root: Stored) -> Result<Vec<Stored>, ApprovalError> {
        let mut chain = vec![root];
        while let Some(last) = chain.last() {
            let Some(next) = self.successor(&last.request).await? else { return Ok(chain) };
            if chain.iter().any(|one| one.request.id == next.request.id) {
                return Err(StoreError::unreadable(format!(
                    "the requests that follow each other after {} lead in a circle",
                    About::of(&next.request)
                ))
                .into());
            }
            if chain.len() >= LONGEST_CHAIN {
                return Err(Invalid::new(
                    "key of the call",
                    About::of(&next.request).to_string(),
                    format!("has {LONGEST_CHAIN} requests already, none of which was run"),
                )
                .hint("use a new key")
                .into());
            }
            chain.push(next);
        }
        Ok(chain)
    }

    /// The last of the requests that try one again.
    ///
    /// # Errors
    /// When one of them leads back to an earlier one, or there are more than [`SUCCESSOR_LIMIT`]: the rows were changed behind
    /// the back of the lifecycle.
    pub(super) async fn newest(&self, mut stored: Stored) -> Result<Stored, ApprovalError> {
        let first = stored.request.id;
        let mut passed = HashSet::from([first]);
        while let Some(next) = self.successor(&stored.request).await? {
            if !passed.insert(next.request.id) || passed.len() > SUCCESSOR_LIMIT {
                return Err(StoreError::unreadable(format!(
                    "the requests that try {first} again lead in a circle, or are more than {SUCCESSOR_LIMIT}"
                ))
                .into());
            }
            stored = next;
        }
        Ok(stored)
    }

    /// The request that follows this one, if there is one.
    async fn successor(&self, request: &Request) -> Result<Option<Stored>, ApprovalError> {
        match request.successor {
            Some(successor) => self.load(successor).await.map(Some),
            None if lifecycle::may_be_followed(request) => self.link_unlinked(request).await,
            None => Ok(None),
        }
    }

    /// A successor whose opener was stopped before it was linked: links it. `None` if there is none, or it may not follow the
    /// request any more.
    pub(crate) async fn link_unlinked(&self, request: &Request) -> Result<Option<Stored>, ApprovalError> {
        let found = self.store.find(&key_of_successor(request)).await?.and_then(|found| self.own(found));
        let Some(found) = found.filter(|found| lifecycle::follows_unlinked(request, &found.request)) else {
            return Ok(None);
        };
        Ok(self.link(request.id, &found.request).await?.is_none().then_some(found))
    }

    /// Notes with an ended request which one follows it. A successor that may not follow it, since the request runs again
    /// meanwhile, for instance, is ended: the two must not run beside each other. Returns why it may not.
    ///
    /// # Errors
    /// When it is not known whether it is linked, or the successor that may not follow could not be ended.
    pub(super) async fn link(
        &self,
        request: RequestId,
        successor: &Request,
    ) -> Result<Option<ApprovalError>, ApprovalError> {
        let command = Command {
            actor: successor.requester.clone(),
            via: None,
            operator: true,
            act: Act::Retry { successor: successor.id },
        };
        let refused = match self.execute(request, command).await {
            Ok(_) => return Ok(None),
            // It is linked already.
            Err(ApprovalError::Refused { refusal, .. }) if matches!(*refusal, Refusal::NothingToDo) => {
                return Ok(None);
            }
            Err(
                refused @ (ApprovalError::Refused { .. }
                | ApprovalError::AlreadyRan { .. }
                | ApprovalError::Unknown(_)),
            ) => refused,
            Err(error) => return Err(error),
        };
        self.end_unlinked(successor.id, request).await?;
        Ok(Some(refused))
    }

    /// Links a successor that is about to begin, if that was not done yet: see [`Core::link`]. One that may not follow is
    /// revoked then, and does not begin.
    pub(super) async fn link_before_begin(&self, successor: &Request) -> Result<(), ApprovalError> {
        let Some(followed) = successor.predecessor else { return Ok(()) };
        // A request that was removed since runs no more.
        let Some(followed) = self.find(followed).await? else { return Ok(()) };
        if followed.request.successor != Some(successor.id) {
            self.link(followed.request.id, successor).await?;
        }
        Ok(())
    }

    /// Cancels a successor that may not follow its request, or revokes its approval.
    async fn end_unlinked(&self, successor: RequestId, followed: RequestId) -> Result<(), ApprovalError> {
        let reason: Text = format!(
            "request {followed}, which it was to follow, runs again or is followed by another request"
        )
        .into();
        let by_guard =
            |act| Command { actor: Principal::part(LibraryPart::Guard), via: None, operator: true, act };
        let cancel = by_guard(Act::Cancel { reason: Some(Arc::clone(&reason)) });
        let ended = match self.execute(successor, cancel).await {
            Err(ApprovalError::AlreadyDecided { .. }) => {
                self.execute(successor, by_guard(Act::Revoke { reason })).await
            }
            ended => ended,
        };
        match ended {
            Ok(_) => {
                tracing::warn!(request = %successor, %followed, "ended a request that may not follow another one");
                Ok(())
            }
            // It ended before, and runs no more.
            Err(
                ApprovalError::Refused { .. }
                | ApprovalError::GrantExpired { .. }
                | ApprovalError::Revoked { .. },
            ) => Ok(()),
            Err(error) => {
                tracing::error!(request = %successor, %followed, %error, "failed to end a request that may not follow another one");
                Err(error)
            }
        }
    }
}
