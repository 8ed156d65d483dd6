//! The requests whose ids fall into one shard, with all that hangs on them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use super::{
    changes::{Log, Numbers},
    history::History,
    notice::{NoticeRow, moment},
    outbox::{Outbox, Place},
    outgoing::Outgoing,
};
use crate::{
    id::{ExecutorId, RequestId},
    model::{EventLine, OutboxNotice, Request, Text},
    store::{ClaimedNotice, NoticeSettlement, Order, Query, StoreError, Stored},
};

/// The due time of what is never due. As the others in microseconds since 1970.
pub(super) const NEVER: i64 = i64::MAX;

/// One request. Slices, not vectors: a million of these wait with no room to spare.
#[derive(Debug)]
struct Row {
    /// `None`: there are only notices about it.
    stored: Option<Stored>,
    due_at: i64,
    history: History,
    notices: Box<[NoticeRow]>,
}

impl Default for Row {
    fn default() -> Self {
        Self { stored: None, due_at: NEVER, history: History::default(), notices: Box::default() }
    }
}

impl Row {
    /// The namespace of the request; that of requests which name none, while there are only notices.
    fn namespace(&self) -> Text {
        self.stored.as_ref().map_or_else(
            || Request::DEFAULT_NAMESPACE.into(),
            |stored| Text::clone(&stored.request.namespace),
        )
    }

    /// Where its waiting notices from the one numbered `first` on are found.
    fn places(&self, id: RequestId, first: usize) -> impl Iterator<Item = (&Text, Place)> {
        (0..)
            .zip(&self.notices)
            .skip(first)
            .filter_map(move |(number, notice)| Some((&notice.channel, (notice.claimable_at()?, id, number))))
    }
}

/// A new state that has passed all checks.
#[derive(Debug)]
pub(super) struct NewState {
    pub(super) stored: Stored,
    pub(super) due_at: i64,
    pub(super) events: Vec<EventLine>,
}

/// Everything about the requests of one shard.
#[derive(Debug, Default)]
pub(super) struct Shard {
    rows: BTreeMap<RequestId, Box<Row>>,
    /// What is due, by namespace.
    due: BTreeMap<Text, BTreeSet<(i64, RequestId)>>,
    /// Only once it was asked which histories grew.
    log: Option<Log>,
    pub(super) outgoing: Outgoing,
}

impl Shard {
    pub(super) fn load(&self, id: RequestId) -> Option<&Stored> {
        self.rows.get(&id)?.stored.as_ref()
    }

    /// The number of the last line of a request's history.
    pub(super) fn last_event(&self, id: RequestId) -> Result<u64, StoreError> {
        self.rows.get(&id).map_or(Ok(0), |row| row.history.last(id))
    }

    /// Writes a state and notices, claimed by an owner until a moment or not at all. Gives back the state before, so that it is dropped after the lock.
    pub(super) fn write(
        &mut self,
        id: RequestId,
        state: Option<NewState>,
        (notices, claim): (Vec<OutboxNotice>, Option<(ExecutorId, i64)>),
        outbox: &Outbox,
        numbers: &Numbers,
    ) -> Option<Stored> {
        let row = self.rows.entry(id).or_default();
        let mut before = None;
        if let Some(state) = state {
            if let (Some(log), false) = (&mut self.log, state.events.is_empty()) {
                log.push(numbers, id);
            }
            let namespace = &state.stored.request.namespace;
            if row.due_at != state.due_at {
                if let Some(due) = self.due.get_mut(namespace) {
                    due.remove(&(row.due_at, id));
                }
                if state.due_at != NEVER {
                    if let Some(due) = self.due.get_mut(namespace) {
                        due.insert((state.due_at, id));
                    } else {
                        let due = BTreeSet::from([(state.due_at, id)]);
                        self.due.insert(Text::clone(namespace), due);
                    }
                }
            }
            row.due_at = state.due_at;
            row.history.append(id, &state.events);
            // Notices that were there before their request now have its namespace.
            if row.stored.is_none() && !row.notices.is_empty() {
                let from = row.namespace();
                row.places(id, 0).for_each(|(channel, place)| outbox.remove(&from, channel, place));
                outbox.insert(namespace, row.places(id, 0));
            }
            before = row.stored.replace(state.stored);
        }
        if !notices.is_empty() {
            let first = row.notices.len();
            append(&mut row.notices, notices.into_iter().map(NoticeRow::from).collect());
            if let Some((owner, until)) = claim {
                row.notices.iter_mut().skip(first).for_each(|notice| notice.claim(owner, until));
            }
            outbox.insert(&row.namespace(), row.places(id, first));
        }
        before
    }

    /// The changes after number `after`; from now on they are noted. What is there already counts as changed now.
    pub(super) fn log(&mut self, numbers: &Numbers, after: u64) -> &[(u64, RequestId)] {
        let rows = &self.rows;
        self.log.get_or_insert_with(|| Log::of(numbers, rows.keys().copied())).after(after)
    }

    /// Removes everything about a request. Gives back its state, so that it is dropped after the lock.
    pub(super) fn remove(&mut self, id: RequestId, outbox: &Outbox) -> Option<Stored> {
        let row = self.rows.remove(&id)?;
        let namespace = row.namespace();
        if let Some(due) = self.due.get_mut(&namespace) {
            due.remove(&(row.due_at, id));
        }
        row.places(id, 0).for_each(|(channel, place)| outbox.remove(&namespace, channel, place));
        row.stored
    }

    pub(super) fn history(&self, id: RequestId) -> Result<Vec<EventLine>, StoreError> {
        self.rows.get(&id).map_or_else(|| Ok(Vec::new()), |row| row.history.lines(id))
    }

    pub(super) fn notices(&self, id: RequestId) -> Vec<OutboxNotice> {
        self.rows.get(&id).map_or_else(Vec::new, |row| row.notices.iter().map(|row| row.notice(id)).collect())
    }

    /// The due times of a namespace up to `now` and the first one after it, but at most `limit`; earliest first.
    pub(super) fn due(
        &self,
        namespace: &str,
        now: i64,
        limit: usize,
    ) -> impl Iterator<Item = (i64, RequestId, Option<&Stored>)> {
        let mut over = false;
        self.due
            .get(namespace)
            .into_iter()
            .flatten()
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

    /// Claims the notice at `place`, which the outbox lets be claimed again at `until`. `None`: it is not there any more.
    pub(super) fn claim(
        &mut self,
        place: Place,
        (owner, until): (ExecutorId, i64),
        outbox: &Outbox,
    ) -> Option<ClaimedNotice> {
        let (at, id, number) = place;
        let row = self.rows.get_mut(&id)?;
        let namespace = row.namespace();
        let notice = position(&mut row.notices, number)?;
        // It was taken from the outbox without the lock of this shard: it may have been settled since, or claimed by
        // an owner whose lease was over before it was noted.
        let claimable_at = notice.claimable_at();
        if claimable_at != Some(at) {
            outbox.remove(&namespace, &notice.channel, (until, id, number));
            let place = claimable_at.map(|at| (&notice.channel, (at, id, number)));
            outbox.insert(&namespace, place.into_iter());
            return None;
        }
        notice.claim(owner, until);
        Some(ClaimedNotice { notice: notice.notice(id), until: moment(until) })
    }

    /// Records what became of a claimed notice. Whether it can be claimed again.
    pub(super) fn settle(&mut self, settlement: NoticeSettlement, outbox: &Outbox) -> bool {
        let id = settlement.request;
        let Some(row) = self.rows.get_mut(&id) else { return false };
        let namespace = row.namespace();
        let Some((number, notice)) = (0..).zip(&mut row.notices).find(|(_, row)| row.id == settlement.id)
        else {
            return false;
        };
        let before = notice.claimable_at();
        if !notice.settle(settlement.owner, settlement.delivery) {
            return false;
        }
        if let Some(at) = before {
            outbox.remove(&namespace, &notice.channel, (at, id, number));
        }
        let again = notice.claimable_at();
        if let Some(at) = again {
            outbox.insert(&namespace, std::iter::once((&notice.channel, (at, id, number))));
        }
        again.is_some()
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
