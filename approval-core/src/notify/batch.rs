//! Many requests at a time: each keeps its own digest, vote and line of history.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};

use super::Decider;
use crate::{
    approval_error::ApprovalError,
    id::RequestId,
    model::{Ballot, Principal, Request, Status, Text},
    store::Query,
};

/// Votes that are handed in at the same time.
const AT_ONCE: usize = 64;

/// What became of one vote of several.
pub type Voted = (RequestId, Result<Arc<Request>, ApprovalError>);

impl Decider {
    /// Open requests that are like `seen`, oldest first, itself among them: of the same agent, for the same action, with any
    /// arguments. For deciding a burst of them in one go; show the arguments of each.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn similar(&self, seen: &Request) -> Result<Vec<Arc<Request>>, ApprovalError> {
        let mut query = Query {
            status: vec![Status::Pending, Status::InfoRequested],
            namespace: Some(Arc::clone(&seen.namespace)),
            action: Some(seen.action.name.text()),
            requester: Some(seen.requester.as_str().into()),
            ..Query::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self.list(&query).await?;
            found.extend(page.items.into_iter().map(|stored| stored.request));
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// Approves each of these, as the person saw it. One that was decided or changed meanwhile does not count; the others do.
    pub async fn approve_all(&self, seen: &[Arc<Request>], by: &Principal, note: Option<&str>) -> Vec<Voted> {
        self.vote_on_all(seen, by, &Ballot::Approve, note).await
    }

    /// Rejects each of these, as the person saw it. One that was decided or changed meanwhile does not count; the others do.
    pub async fn reject_all(&self, seen: &[Arc<Request>], by: &Principal, note: Option<&str>) -> Vec<Voted> {
        self.vote_on_all(seen, by, &Ballot::Reject { option: None }, note).await
    }

    async fn vote_on_all(
        &self,
        seen: &[Arc<Request>],
        by: &Principal,
        ballot: &Ballot,
        note: Option<&str>,
    ) -> Vec<Voted> {
        let votes = seen.iter().map(|request| {
            let (id, digest) = (request.id, request.revision.digest);
            async move { (id, self.vote(id, by, digest, ballot.clone(), note.map(Text::from)).await) }
        });
        stream::iter(votes).buffered(AT_ONCE).collect().await
    }
}
