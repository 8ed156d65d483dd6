//! Walks two stores side by side.

use std::{cmp::Ordering, collections::VecDeque};

use super::{TransferError, target::OWN};
use crate::{
    audit,
    store::{HALTS, Query, Record, Store, StoreError, Stored},
};

/// Requests read at a time.
const REQUESTS: usize = 128;
/// Records read at a time.
const RECORDS: usize = 500;

/// What stands in both stores, or in one of them.
pub(super) enum Pair<T> {
    Both(T, T),
    Source(T),
    Target(T),
}

/// What a store lists in the order of a key.
pub(super) trait Listed: Sized {
    fn compare(&self, other: &Self) -> Ordering;
    /// What comes after `after`; whether there may be more.
    fn page(
        store: &dyn Store,
        after: Option<&Self>,
    ) -> impl Future<Output = Result<(Vec<Self>, bool), StoreError>> + Send;
}

impl Listed for Stored {
    fn compare(&self, other: &Self) -> Ordering {
        self.request.id.cmp(&other.request.id)
    }

    async fn page(store: &dyn Store, after: Option<&Self>) -> Result<(Vec<Self>, bool), StoreError> {
        let after = after.map(|stored| stored.request.id);
        let page = store.list(&Query { after, limit: REQUESTS, ..Query::default() }).await?;
        Ok((page.items, page.next.is_some()))
    }
}

impl Listed for Record {
    fn compare(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }

    async fn page(store: &dyn Store, after: Option<&Self>) -> Result<(Vec<Self>, bool), StoreError> {
        let records = store.records("", after.map(|record| &record.name), RECORDS).await?;
        let more = !records.is_empty();
        Ok((records, more))
    }
}

/// Whether a record is copied as it is. Not the copy's own, and not those that stand for a lock until the end.
pub(super) fn is_copied(record: &Record) -> bool {
    let name = record.name.as_str();
    !name.starts_with(OWN) && name != HALTS && record.name != audit::state_record()
}

struct Side<'a, T> {
    store: &'a dyn Store,
    wanted: fn(&T) -> bool,
    read: VecDeque<T>,
    last: Option<T>,
    more: bool,
}

impl<T: Listed + Clone + Send + Sync> Side<'_, T> {
    async fn fill(&mut self) -> Result<(), StoreError> {
        while self.read.is_empty() && self.more {
            let (page, more) = T::page(self.store, self.last.as_ref()).await?;
            self.last = page.last().cloned().or_else(|| self.last.take());
            self.more = more && !page.is_empty();
            self.read = page.into_iter().filter(self.wanted).collect();
        }
        Ok(())
    }
}

/// Both stores.
pub(super) struct Pairs<'a, T> {
    source: Side<'a, T>,
    target: Side<'a, T>,
}

impl<'a> Pairs<'a, Stored> {
    pub(super) fn requests(source: &'a dyn Store, target: &'a dyn Store) -> Self {
        Self::new(source, target, |_| true)
    }
}

impl<'a> Pairs<'a, Record> {
    pub(super) fn records(source: &'a dyn Store, target: &'a dyn Store) -> Self {
        Self::new(source, target, is_copied)
    }
}

impl<'a, T: Listed + Clone + Send + Sync> Pairs<'a, T> {
    fn new(source: &'a dyn Store, target: &'a dyn Store, wanted: fn(&T) -> bool) -> Self {
        let side = |store| Side { store, wanted, read: VecDeque::new(), last: None, more: true };
        Self { source: side(source), target: side(target) }
    }

    /// The next `most`, in their order; none when that was all.
    pub(super) async fn next(&mut self, most: usize) -> Result<Vec<Pair<T>>, TransferError> {
        let mut pairs = Vec::with_capacity(most);
        while pairs.len() < most {
            self.source.fill().await.map_err(TransferError::Source)?;
            self.target.fill().await.map_err(TransferError::Target)?;
            let order = match (self.source.read.front(), self.target.read.front()) {
                (Some(source), Some(target)) => source.compare(target),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            let source = if order.is_le() { self.source.read.pop_front() } else { None };
            let target = if order.is_ge() { self.target.read.pop_front() } else { None };
            pairs.extend(match (source, target) {
                (Some(source), Some(target)) => Some(Pair::Both(source, target)),
                (Some(source), None) => Some(Pair::Source(source)),
                (None, Some(target)) => Some(Pair::Target(target)),
                (None, None) => None,
            });
        }
        Ok(pairs)
    }
}
