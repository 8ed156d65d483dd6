//! Removing old requests so that the seals stay valid: a seal says first that they may be gone, and only then are they
//! removed. A process that is killed between the two leaves them where they are; the next time they are named again.

use std::collections::BTreeSet;

use super::{AuditError, Leaf, Sealer, sealer::Removals};
use crate::{
    clock::Timestamp,
    id::RequestId,
    lifecycle,
    model::{Request, StandingApproval},
    store::{CommitOutcome, Query, RecordName, Removal, STANDING, Store, StoreError},
};

/// Requests that are announced and removed at a time.
const BATCH: usize = 500;

/// What may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Requests that were opened before this moment and came to their end before it.
    pub before: Timestamp,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// Requests that are gone.
    pub removed: u64,
    /// Requests that are as old and still open, approved and not run, running, or in doubt, or with which a standing approval was
    /// given that is in force or may stand behind calls to come: they stay.
    pub unfinished: u64,
}

impl Retention {
    /// Whether a request came to its end before the moment: no one can decide, nothing can run, and nothing is left to settle.
    #[must_use]
    pub fn lets_go(&self, request: &Request) -> bool {
        let ended = request.decision.as_ref().is_some_and(|decision| decision.at < self.before);
        let running = request.execution.as_ref().is_some_and(|execution| !execution.state().is_over());
        ended && !request.status.is_open() && !running
    }
}

/// Removes what `retention` lets go, after it was sealed that it may be gone. The journal and the seals stay. A key of a removed
/// request is free again: the same call with the same key opens a new request.
///
/// # Errors
/// When the store, the key or a sink failed: nothing is removed that is not announced wherever seals are written.
pub async fn prune(store: &dyn Store, sealer: &Sealer, retention: Retention) -> Result<Pruned, AuditError> {
    let mut pruned = Pruned::default();
    let held = given_with_standing(store).await?;
    let mut query = Query { created_before: Some(retention.before), limit: BATCH, ..Query::default() };
    loop {
        let page = store.list(&query).await?;
        let (go, stay): (Vec<_>, Vec<_>) =
            page.items.iter().partition(|stored| goes(&retention, &held, &stored.request));
        pruned.unfinished = pruned.unfinished.saturating_add(stay.len() as u64);
        if !go.is_empty() {
            // A leaf for what it is first: what was never sealed must not come into the seals as gone.
            sealer.seal_with(&[]).await?;
            let leaves: Vec<Leaf> = go
                .iter()
                .map(|stored| Leaf { pruned: true, ..Leaf::new(stored.request.id, stored.request.chain) })
                .collect();
            sealer.seal_with(&leaves).await?;
            if let Some((sink, error)) = sealer.fill_all(Removals::All).await?.into_iter().next() {
                return Err(AuditError::SinkBehind { sink, error });
            }
            for stored in go {
                let removal = Removal { request: stored.request.id, version: stored.version };
                match store.remove(removal).await? {
                    CommitOutcome::Committed { .. } => pruned.removed = pruned.removed.saturating_add(1),
                    // It changed meanwhile: next time.
                    CommitOutcome::Conflict(_)
                    | CommitOutcome::KeyTaken(_)
                    | CommitOutcome::OutsideTime { .. }
                    | CommitOutcome::ConditionFailed { .. } => {}
                }
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(pruned),
        }
    }
}

fn goes(retention: &Retention, held: &BTreeSet<RequestId>, request: &Request) -> bool {
    retention.lets_go(request) && !held.contains(&request.id)
}

/// Requests with which standing approvals were given that may still have to be withdrawn: that is noted with the request.
async fn given_with_standing(store: &dyn Store) -> Result<BTreeSet<RequestId>, AuditError> {
    let now = store.now().await?;
    let mut held = BTreeSet::new();
    let mut after: Option<RecordName> = None;
    loop {
        let page = store.records(STANDING, after.as_ref(), BATCH).await?;
        after = page.last().map(|record| record.name.clone());
        for record in &page {
            let approval: StandingApproval = serde_json::from_slice(&record.value).map_err(|e| {
                StoreError::unreadable(format!("the record {} cannot be read: {e}", record.name))
            })?;
            if lifecycle::may_be_taken_back(&approval, now) {
                held.insert(approval.request);
            }
        }
        if page.len() < BATCH {
            return Ok(held);
        }
    }
}

/// What [`prune`] would remove now, without removing anything.
///
/// # Errors
/// When the store failed.
pub async fn prunable(store: &dyn Store, retention: Retention) -> Result<Pruned, AuditError> {
    let mut pruned = Pruned::default();
    let held = given_with_standing(store).await?;
    let mut query = Query { created_before: Some(retention.before), limit: BATCH, ..Query::default() };
    loop {
        let page = store.list(&query).await?;
        let go = page.items.iter().filter(|stored| goes(&retention, &held, &stored.request)).count();
        pruned.removed = pruned.removed.saturating_add(go as u64);
        pruned.unfinished = pruned.unfinished.saturating_add((page.items.len() - go) as u64);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(pruned),
        }
    }
}
