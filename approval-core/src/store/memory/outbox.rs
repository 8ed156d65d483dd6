//! The waiting notices of one shard, by channel and by the time at which they can be claimed.

use std::collections::BTreeSet;

use crate::{
    clock::Timestamp,
    id::{ExecutorId, RequestId},
    model::{Delivery, OutboxNotice, Text},
};

/// A notice and who has claimed it.
#[derive(Debug)]
pub(super) struct NoticeRow {
    pub(super) notice: OutboxNotice,
    /// Boxed: few are claimed at a time, many are kept.
    pub(super) lease: Option<Box<Lease>>,
}

#[derive(Debug)]
pub(super) struct Lease {
    pub(super) owner: ExecutorId,
    pub(super) until: Timestamp,
}

impl NoticeRow {
    /// From when on anybody can claim it. `None`: it does not wait.
    pub(super) fn claimable_at(&self) -> Option<Timestamp> {
        let Delivery::Waiting { next_at, .. } = self.notice.delivery else { return None };
        Some(self.lease.as_ref().map_or(next_at, |lease| lease.until.max(next_at)))
    }
}

/// Where a waiting notice is found: when it can be claimed, about which request, its place among that one's notices.
pub(super) type Place = (Timestamp, RequestId, u32);

/// Waiting notices. There are few channels: a list is searched faster than a map.
#[derive(Debug, Default)]
pub(super) struct Waiting(Vec<(Text, BTreeSet<Place>)>);

impl Waiting {
    pub(super) fn insert(&mut self, channel: &Text, place: Place) {
        match self.0.iter_mut().find(|(name, _)| name == channel) {
            Some((_, places)) => drop(places.insert(place)),
            None => self.0.push((Text::clone(channel), BTreeSet::from([place]))),
        }
    }

    pub(super) fn remove(&mut self, channel: &Text, place: Place) {
        if let Some((_, places)) = self.0.iter_mut().find(|(name, _)| name == channel) {
            places.remove(&place);
        }
    }

    /// Up to `limit` places that can be claimed at `now`, the longest waiting first.
    pub(super) fn claimable(&self, channels: &[Text], now: Timestamp, limit: usize) -> Vec<Place> {
        let mut found: Vec<Place> = self
            .of(channels)
            .flat_map(|places| places.iter().take_while(|place| place.0 <= now).take(limit))
            .copied()
            .collect();
        found.sort_unstable();
        found.truncate(limit);
        found
    }

    /// When the first of these channels can be claimed.
    pub(super) fn next(&self, channels: &[Text]) -> Option<Timestamp> {
        self.of(channels).filter_map(|places| places.first()).map(|place| place.0).min()
    }

    fn of(&self, channels: &[Text]) -> impl Iterator<Item = &BTreeSet<Place>> {
        self.0
            .iter()
            .filter(move |(name, _)| channels.is_empty() || channels.contains(name))
            .map(|(_, places)| places)
    }
}
