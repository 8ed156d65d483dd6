//! The requests whose ids fall into one shard, with all that hangs on them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use super::{
    outbox::{Lease, NoticeRow, Waiting},
    outgoing::Outgoing,
};
use crate::{
    clock::{Timestamp, after},
    id::RequestId,
    model::{Delivery, EventLine, OutboxNotice},
    store::{ClaimedNotice, NoticeClaim, NoticeSettlement, Order, Query, Stored},
};

/// One request. Slices, not vectors: a million of these wait with no room to spare.
#[derive(Debug, Default)]
struct Row {
    /// `None`: there are only notices about it.
    stored: Option<Stored>,
    due_at: Option<Timestamp>,
    events: Box<[EventLine]>,
    notices: Box<[NoticeRow]>,
}

/// A new state that has passed all checks.
#[derive(Debug)]
pub(super) struct NewState {
    pub(super) stored: Stored,
    pub(super) due_at: Option<Timestamp>,
    pub(super) events: Vec<EventLine>,
}

/// Everything about the requests of one shard.
#[derive(Debug, Default)]
pub(super) struct Shard {
    rows: BTreeMap<RequestId, Box<Row>>,
    due: BTreeSet<(Timestamp, RequestId)>,
    waiting: Waiting,
    pub(super) outgoing: Outgoing,
}

impl Shard {
    pub(super) fn load(&self, id: RequestId) -> Option<&Stored> {
        self.rows.get(&id)?.stored.as_ref()
    }

    /// The number of the last line of a request's history.
    pub(super) fn last_event(&self, id: RequestId) -> u64 {
        self.rows.get(&id).and_then(|row| row.events.last()).map_or(0, |line| line.seq)
    }

    /// Writes a state and notices. Gives back the state before, so that it is dropped after the lock.
    pub(super) fn write(
        &mut self,
        id: RequestId,
        state: Option<NewState>,
        notices: Vec<OutboxNotice>,
    ) -> Option<Stored> {
        let row = self.rows.entry(id).or_default();
        let mut before = None;
        if let Some(state) = state {
            if row.due_at != state.due_at {
                if let Some(due) = row.due_at {
                    self.due.remove(&(due, id));
                }
                if let Some(due) = state.due_at {
                    self.due.insert((due, id));
                }
            }
            row.due_at = state.due_at;
            append(&mut row.events, state.events);
            before = row.stored.replace(state.stored);
        }
        let first = row.notices.len();
        append(
            &mut row.notices,
            notices.into_iter().map(|notice| NoticeRow { notice, lease: None }).collect(),
        );
        for (place, notice) in (0..).zip(&row.notices).skip(first) {
            if let Some(at) = notice.claimable_at() {
                self.waiting.insert(&notice.notice.channel, (at, id, place));
            }
        }
        before
    }

    pub(super) fn history(&self, id: RequestId) -> Vec<EventLine> {
        self.rows.get(&id).map_or_else(Vec::new, |row| row.events.to_vec())
    }

    pub(super) fn notices(&self, id: RequestId) -> Vec<OutboxNotice> {
        self.rows
            .get(&id)
            .map_or_else(Vec::new, |row| row.notices.iter().map(|row| row.notice.clone()).collect())
    }

    /// The due times up to `now` and the first one after it, but at most `limit`; earliest first.
    pub(super) fn due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> impl Iterator<Item = (Timestamp, RequestId, Option<&Stored>)> {
        let mut over = false;
        self.due
            .iter()
            .take_while(move |(at, _)| !std::mem::replace(&mut over, *at > now))
            .take(limit)
            .map(|(at, id)| (*at, *id, self.load(*id)))
    }

    /// Adds requests that match to `found`, in the order asked for, until it holds `limit`. `Some`: the lock has been
    /// held long enough; go on after this id.
    pub(super) fn list(
        &self,
        query: &Query,
        from: Option<RequestId>,
        limit: usize,
        found: &mut Vec<Stored>,
    ) -> Option<RequestId> {
        /// Rows looked at under one lock, so that a long search does not keep commits waiting.
        const STRETCH: usize = 512;
        let bound = from.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rows: Box<dyn Iterator<Item = (&RequestId, &Box<Row>)>> = match query.order {
            Order::Ascending => Box::new(self.rows.range((bound, Bound::Unbounded))),
            Order::Descending => Box::new(self.rows.range((Bound::Unbounded, bound)).rev()),
        };
        let mut last = None;
        for (id, row) in rows.by_ref().take(STRETCH) {
            if let Some(stored) = row.stored.as_ref().filter(|stored| query.matches(&stored.request)) {
                found.push(stored.clone());
                if found.len() >= limit {
                    return None;
                }
            }
            last = Some(*id);
        }
        rows.next().and(last)
    }

    /// Claims waiting notices.
    pub(super) fn claim(
        &mut self,
        claim: &NoticeClaim,
        now: Timestamp,
        limit: usize,
        claimed: &mut Vec<(u32, ClaimedNotice)>,
    ) {
        let until = after(now, claim.lease);
        for place in self.waiting.claimable(&claim.channels, now, limit) {
            let (_, id, number) = place;
            let Some(row) = self.rows.get_mut(&id) else { continue };
            let Some(notice) = position(&mut row.notices, number) else { continue };
            self.waiting.remove(&notice.notice.channel, place);
            self.waiting.insert(&notice.notice.channel, (until, id, number));
            notice.lease = Some(Box::new(Lease { owner: claim.owner, until }));
            claimed.push((number, ClaimedNotice { notice: notice.notice.clone(), until }));
        }
    }

    /// When the first notice of the channels that are asked for can be claimed.
    pub(super) fn next_claim(&self, claim: &NoticeClaim) -> Option<Timestamp> {
        self.waiting.next(&claim.channels)
    }

    /// Records what became of a claimed notice. Whether it can be claimed again.
    pub(super) fn settle(&mut self, settlement: NoticeSettlement) -> bool {
        let id = settlement.request;
        let Some(row) = self.rows.get_mut(&id) else { return false };
        let Some((number, notice)) =
            (0..).zip(&mut row.notices).find(|(_, row)| row.notice.id == settlement.id)
        else {
            return false;
        };
        if notice.lease.as_ref().is_none_or(|lease| lease.owner != settlement.owner) {
            return false;
        }
        let before = notice.claimable_at();
        notice.notice.delivery = settlement.delivery;
        notice.lease = None;
        let after = notice.claimable_at();
        let channel = Arc::clone(&notice.notice.channel);
        if let Some(at) = before {
            self.waiting.remove(&channel, (at, id, number));
        }
        if let Some(at) = after {
            self.waiting.insert(&channel, (at, id, number));
        }
        matches!(notice.notice.delivery, Delivery::Waiting { .. })
    }
}

fn position(notices: &mut [NoticeRow], number: u32) -> Option<&mut NoticeRow> {
    notices.get_mut(usize::try_from(number).ok()?)
}

fn append<T>(slice: &mut Box<[T]>, more: Vec<T>) {
    if more.is_empty() {
        return;
    }
    let mut all = Vec::with_capacity(slice.len().saturating_add(more.len()));
    all.extend(std::mem::take(slice));
    all.extend(more);
    *slice = all.into_boxed_slice();
}
