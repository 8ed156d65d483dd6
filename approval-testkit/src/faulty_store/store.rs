//! The store with its fault, and the faults of everything but commits.

use std::{
    sync::{Arc, PoisonError, Weak},
    time::Duration,
};

use approval_core::{
    clock::{Span, Timestamp, after},
    id::RequestId,
    model::{EventLine, OutboxNotice, Stats, StatsQuery},
    store::{
        ChangeCursor, ChangeListener, Changes, Commit, CommitOutcome, Due, JournalEntry, JournalLine,
        NoticeClaim, NoticeClaims, NoticeSettlement, Page, Query, Record, RecordName, Removal, Store,
        StoreError, StoreInfo, Stored,
    },
};
use async_trait::async_trait;

use super::{Fault, FaultyStore, Kept};

#[async_trait]
impl Store for FaultyStore {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(self.distort(self.inner.now().await?))
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        self.commit_distorted(commit).await
    }

    async fn load(&self, id: RequestId) -> Result<Option<Stored>, StoreError> {
        self.load_distorted(id).await
    }

    async fn find(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        let key = if self.has(Fault::TrimsKeys) { key.trim() } else { key };
        self.inner.find(key).await
    }

    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        let mut query = query.clone();
        if self.has(Fault::ForgetsTheCursor) {
            query.after = None;
        }
        if self.has(Fault::ForgetsAFilter) {
            query.executor = None;
        }
        let mut page = self.inner.list(&query).await?;
        if self.has(Fault::EndsListsEarly) {
            page.next = None;
        }
        Ok(page)
    }

    async fn due(&self, namespace: &str, limit: usize) -> Result<Due, StoreError> {
        if self.has(Fault::HurriesDue) {
            let soon = after(self.inner.now().await?, Span::from_secs(1));
            let due = |stored: &Stored| stored.request.deadline.is_some_and(|deadline| deadline <= soon);
            let items = self.inner.list(&Query::default()).await?.items.into_iter().filter(due).collect();
            return Ok(Due { items, next: self.inner.due(namespace, limit).await?.next });
        }
        if self.has(Fault::DueInAnyNamespace) {
            let now = self.inner.now().await?;
            let due = |stored: &Stored| stored.request.deadline.is_some_and(|deadline| deadline <= now);
            let query = Query { limit: 1000, ..Query::default() };
            let all = self.inner.list(&query).await?.items.into_iter().filter(due);
            let next = self.inner.due(namespace, limit).await?.next;
            return Ok(Due { items: all.take(limit).collect(), next });
        }
        let mut due = self.inner.due(namespace, limit).await?;
        if self.has(Fault::ForgetsNextDue) {
            due.next = None;
        }
        Ok(due)
    }

    async fn history(&self, id: RequestId) -> Result<Vec<EventLine>, StoreError> {
        let mut lines = self.inner.history(id).await?;
        if self.has(Fault::ReversesHistory) {
            lines.reverse();
        }
        Ok(lines)
    }

    async fn claim_notices(&self, claim: &NoticeClaim) -> Result<NoticeClaims, StoreError> {
        let mut changed = claim.clone();
        match self.fault {
            Some(Fault::ClaimsTwice) => changed.lease = Span::ZERO,
            Some(Fault::KeepsLeases) => changed.lease = Span::from_hours(24 * 365),
            Some(Fault::ClaimsAnyChannel) => changed.channels = Arc::new([]),
            Some(Fault::FoldsNamespaces) => changed.namespace = claim.namespace.to_lowercase().into(),
            _ => {}
        }
        let mut claims = self.inner.claim_notices(&changed).await?;
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        for claimed in &mut claims.notices {
            owners.insert(claimed.notice.id, claim.owner);
            claimed.until = after(after(claimed.until, -changed.lease), claim.lease);
        }
        drop(owners);
        Ok(claims)
    }

    async fn settle_notices(&self, mut settlements: Vec<NoticeSettlement>) -> Result<(), StoreError> {
        if self.has(Fault::ForgetsSettlements) {
            return Ok(());
        }
        if self.has(Fault::LetsAnybodySettle) {
            let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
            for settlement in &mut settlements {
                settlement.owner = owners.get(&settlement.id).copied().unwrap_or(settlement.owner);
            }
        }
        self.inner.settle_notices(settlements).await
    }

    async fn notices(&self, request: RequestId) -> Result<Vec<OutboxNotice>, StoreError> {
        self.inner.notices(request).await
    }

    async fn record(&self, name: &RecordName) -> Result<Option<Record>, StoreError> {
        let mut record = self.inner.record(name).await?;
        if self.has(Fault::ForgetsRecordVersions)
            && let Some(record) = &mut record
        {
            record.version = 1;
        }
        Ok(record)
    }

    async fn records(
        &self,
        prefix: &str,
        after: Option<&RecordName>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        if !self.has(Fault::FoldsPrefixes) {
            return self.inner.records(prefix, after, limit).await;
        }
        let mut records = self.inner.records("", after, usize::MAX).await?;
        let prefix = prefix.to_lowercase();
        records.retain(|record| record.name.as_str().to_lowercase().starts_with(&prefix));
        records.truncate(limit);
        Ok(records)
    }

    async fn append_journal(&self, lines: Vec<JournalLine>) -> Result<(), StoreError> {
        if !self.has(Fault::ScattersJournal) {
            return self.inner.append_journal(lines).await;
        }
        for line in lines {
            self.inner.append_journal(vec![line]).await?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    async fn import_journal(&self, entries: Vec<JournalEntry>) -> Result<(), StoreError> {
        if self.has(Fault::NumbersImportsAnew) {
            let lines = entries.into_iter().map(|entry| entry.line).collect();
            return self.inner.append_journal(lines).await;
        }
        self.inner.import_journal(entries).await
    }

    async fn read_journal(&self, after: u64, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        self.inner.read_journal(after, limit).await
    }

    async fn changes(&self, after: &ChangeCursor, limit: usize) -> Result<Changes, StoreError> {
        self.changes_distorted(after, limit).await
    }

    async fn remove(&self, removal: Removal) -> Result<CommitOutcome, StoreError> {
        self.remove_distorted(removal).await
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats, StoreError> {
        let mut query = query.clone();
        if self.has(Fault::IgnoresTheRangeOfFigures) {
            (query.decided_from, query.decided_before) = (None, None);
        }
        let mut stats = self.inner.stats(&query).await?;
        if self.has(Fault::KeepsDecidedPending) {
            stats.total.pending += stats.total.decided();
        }
        Ok(stats)
    }

    fn subscribe(&self, listener: Weak<dyn ChangeListener>) {
        match self.fault {
            Some(Fault::ForgetsToTell) => {}
            Some(Fault::TellsEarly) => self.listeners.add(listener),
            Some(Fault::TellsOutOfOrder) => {
                if self.relay.is_some() {
                    self.listeners.add(listener);
                }
            }
            Some(Fault::TellsOfRefusals) => {
                self.listeners.add(Weak::clone(&listener));
                self.inner.subscribe(listener);
            }
            Some(Fault::KeepsListeners) => {
                if let Some(listener) = listener.upgrade() {
                    self.inner.subscribe(Arc::downgrade(&listener));
                    self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(Kept(listener));
                }
            }
            _ => self.inner.subscribe(listener),
        }
    }

    async fn close(&self) -> Result<(), StoreError> {
        if self.has(Fault::StaysOpen) { Ok(()) } else { self.inner.close().await }
    }

    fn notices_others_within(&self) -> Option<Duration> {
        self.inner.notices_others_within()
    }
}
