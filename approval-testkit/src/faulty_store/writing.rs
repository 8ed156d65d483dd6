//! Faults of commits.

use std::{sync::Arc, time::Duration};

use approval_core::{
    clock::{Span, after},
    store::{Change, Commit, CommitOutcome, Document, Expect, RowWrite, StoreError},
};

use super::{Fault, FaultyStore};

/// Long enough that a listener that was notified too early looks before the write.
const A_WHILE: Duration = Duration::from_millis(30);

impl FaultyStore {
    pub(super) async fn commit_distorted(&self, mut commit: Commit) -> Result<CommitOutcome, StoreError> {
        match self.fault {
            Some(Fault::IgnoresTime) => (commit.not_before, commit.not_after) = (None, None),
            Some(Fault::ClosesTooLate) => {
                commit.not_after = commit.not_after.map(|bound| after(bound, Span::from_micros(1)));
            }
            Some(Fault::IgnoresConditions) => commit.conditions.clear(),
            Some(Fault::LosesEvents) if commit.events.len() > 1 => drop(commit.events.pop()),
            Some(Fault::ChecksTimeFirst) => {
                let now = self.inner.now().await?;
                if !commit.in_time(now) {
                    return Ok(CommitOutcome::OutsideTime { now });
                }
            }
            Some(Fault::LooksThenWrites) => return self.look_then_write(commit).await,
            Some(Fault::AcknowledgesEarly) => return self.acknowledge_early(commit).await,
            Some(Fault::WritesInSteps) => {
                let writes = std::mem::take(&mut commit.writes);
                self.inner.commit(Commit { writes, ..Commit::default() }).await?;
                tokio::task::yield_now().await;
            }
            Some(Fault::TellsEarly) => {
                if let Some(row) = &commit.row {
                    self.listeners.tell(&[Change::Request { id: row.document.request().id, stored: None }]);
                }
                tokio::time::sleep(A_WHILE).await;
            }
            _ => {}
        }
        let outcome = self.inner.commit(commit.clone()).await?;
        self.after(commit, outcome).await
    }

    /// Faults that need to know what the good store said.
    async fn after(&self, mut commit: Commit, outcome: CommitOutcome) -> Result<CommitOutcome, StoreError> {
        match (self.fault, outcome) {
            (Some(Fault::IgnoresVersions), CommitOutcome::Conflict(Some(found))) => {
                if let Some(row) = &mut commit.row {
                    row.expect = Expect::Version(found.version);
                }
                commit.events.clear();
                self.inner.commit(commit).await
            }
            (Some(Fault::GivesKeysTwice), CommitOutcome::KeyTaken(_)) => {
                if let Some(row) = &mut commit.row {
                    let mut request = (**row.document.request()).clone();
                    request.key = None;
                    row.document = Document::new(Arc::new(request));
                }
                self.inner.commit(commit).await
            }
            (Some(Fault::TurnsBackTime), CommitOutcome::Committed { at, version }) => {
                Ok(CommitOutcome::Committed { at: self.distort(at), version })
            }
            (_, outcome @ CommitOutcome::Committed { .. }) => Ok(outcome),
            (Some(Fault::WritesHalfOfRefusals), refused) => {
                self.inner.commit(Commit { writes: commit.writes, ..Commit::default() }).await?;
                Ok(refused)
            }
            (Some(Fault::TellsOfRefusals), refused) => {
                if let Some(row) = &commit.row {
                    self.listeners.tell(&[Change::Request { id: row.document.request().id, stored: None }]);
                }
                Ok(refused)
            }
            (_, refused) => Ok(refused),
        }
    }

    /// Compares the version with what is there, and only then writes over whatever is there by now.
    async fn look_then_write(&self, mut commit: Commit) -> Result<CommitOutcome, StoreError> {
        if let Some(RowWrite { expect: Expect::Version(expected), document }) = &commit.row {
            let id = document.request().id;
            let found = self.inner.load(id).await?;
            if found.as_ref().is_none_or(|stored| stored.version != *expected) {
                return Ok(CommitOutcome::Conflict(found));
            }
            tokio::task::yield_now().await;
            if let Some(now) = self.inner.load(id).await?
                && let Some(row) = &mut commit.row
            {
                row.expect = Expect::Version(now.version);
                commit.events.clear();
            }
        }
        self.inner.commit(commit).await
    }

    async fn acknowledge_early(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        let version = commit.row.as_ref().map_or(0, |row| match row.expect {
            Expect::Absent => 1,
            Expect::Version(version) => version.saturating_add(1),
        });
        let (inner, at) = (Arc::clone(&self.inner), self.inner.now().await?);
        drop(tokio::spawn(async move {
            tokio::time::sleep(A_WHILE).await;
            inner.commit(commit).await
        }));
        Ok(CommitOutcome::Committed { at, version })
    }
}
