//! Faults of following changes and of removing.

use std::{sync::atomic::Ordering, time::Duration};

use approval_core::store::{ChangeCursor, Changes, CommitOutcome, Removal, StoreError};

use super::{Fault, FaultyStore};

/// Long enough for others to write meanwhile.
const A_WHILE: Duration = Duration::from_millis(30);

impl FaultyStore {
    pub(super) async fn changes_distorted(
        &self,
        after: &ChangeCursor,
        limit: usize,
    ) -> Result<Changes, StoreError> {
        let mut found = self.inner.changes(after, limit).await?;
        match self.fault {
            Some(Fault::PassesOverChanges) => drop(found.requests.pop()),
            Some(Fault::SkipsWhatIsWritten) => {
                tokio::time::sleep(A_WHILE).await;
                found.next = self.inner.changes(after, usize::MAX - 1).await?.next;
            }
            Some(Fault::EndsChangesEarly) => found.more = false,
            Some(Fault::NumbersChangesAgain) => {
                let removed = self.removals.load(Ordering::Relaxed).min(found.requests.len());
                found.requests.drain(..removed);
            }
            _ => {}
        }
        Ok(found)
    }

    pub(super) async fn remove_distorted(&self, mut removal: Removal) -> Result<CommitOutcome, StoreError> {
        match self.fault {
            Some(Fault::KeepsWhatIsRemoved) => {
                return Ok(CommitOutcome::Committed { at: self.inner.now().await?, version: 0 });
            }
            Some(Fault::RemovesAnyVersion) => {
                if let Some(found) = self.inner.load(removal.request).await? {
                    removal.version = found.version;
                }
            }
            _ => {}
        }
        self.removals.fetch_add(1, Ordering::Relaxed);
        self.inner.remove(removal).await
    }
}
