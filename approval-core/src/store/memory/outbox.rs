//! The waiting notices of all requests, by namespace, channel and by the time at which they can be claimed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{id::RequestId, model::Text, store::NoticeClaim};

/// Where a waiting notice is found: when it can be claimed (microseconds since 1970), about which request, its place among
/// that one's notices.
pub(super) type Place = (i64, RequestId, u32);

/// The waiting notices of a namespace. There are few channels: a list is searched faster than a map.
type Channels = Vec<(Text, BTreeSet<Place>)>;

/// Waiting notices, by namespace. One lock for all of them, so that a claim need not visit every shard.
///
/// Who changes a notice holds the lock of its shard and takes this one inside. A claim holds only one of the two at a time:
/// what it takes from here it looks at again in the shard.
#[derive(Debug, Default)]
pub(super) struct Outbox(Mutex<BTreeMap<Text, Channels>>);

impl Outbox {
    pub(super) fn insert<'a>(&self, namespace: &Text, places: impl Iterator<Item = (&'a Text, Place)>) {
        let mut places = places.peekable();
        if places.peek().is_none() {
            return;
        }
        let mut all = self.lock();
        let channels = all.entry(Text::clone(namespace)).or_default();
        for (channel, place) in places {
            match channels.iter_mut().find(|(name, _)| name == channel) {
                Some((_, places)) => drop(places.insert(place)),
                None => channels.push((Text::clone(channel), BTreeSet::from([place]))),
            }
        }
    }

    pub(super) fn remove(&self, namespace: &Text, channel: &Text, place: Place) {
        let mut all = self.lock();
        let mut channels = all.get_mut(namespace).into_iter().flatten();
        if let Some((_, places)) = channels.find(|(name, _)| name == channel) {
            places.remove(&place);
        }
    }

    /// Takes up to `claim.limit` places that can be claimed at `now`, those that have waited longest, and lets them be
    /// claimed again from `until` on. When the next can be claimed.
    pub(super) fn take(&self, claim: &NoticeClaim, now: i64, until: i64) -> (Vec<Place>, Option<i64>) {
        let mut all = self.lock();
        let Some(channels) = all.get_mut(&claim.namespace) else { return (Vec::new(), None) };
        let wanted = |name: &Text| claim.channels.is_empty() || claim.channels.contains(name);
        let mut found: Vec<(Place, usize)> = Vec::new();
        for (number, (_, places)) in channels.iter().enumerate().filter(|(_, (name, _))| wanted(name)) {
            let ready = places.iter().take_while(|place| place.0 <= now).take(claim.limit);
            found.extend(ready.map(|place| (*place, number)));
        }
        found.sort_unstable();
        found.truncate(claim.limit);
        for (place, number) in &found {
            if let Some((_, places)) = channels.get_mut(*number) {
                places.remove(place);
                places.insert((until, place.1, place.2));
            }
        }
        let next = channels.iter().filter(|(name, _)| wanted(name)).filter_map(|(_, places)| places.first());
        let next = next.map(|place| place.0).min();
        (found.into_iter().map(|(place, _)| place).collect(), next)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Text, Channels>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
