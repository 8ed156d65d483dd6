//! Which work travels together.

use std::collections::{HashSet, VecDeque};

use approval_core::{
    id::RequestId,
    store::{Condition, Expect, RecordName},
};

use super::work::Work;
use crate::change::{Encoded, Row};

/// Most changes in one transaction.
const MOST: usize = 1024;
/// Most bytes in one transaction, but for a single piece of work that has more.
const MOST_BYTES: usize = 16 << 20;

/// What the work of a group is about. The statement that writes a group wants each of these once.
#[derive(Default)]
struct Taken<'a> {
    requests: HashSet<RequestId>,
    keys: HashSet<&'a str>,
    bound: HashSet<&'a RecordName>,
    written: HashSet<&'a RecordName>,
}

impl<'a> Taken<'a> {
    /// Whether a change can go along, and takes what it is about if so.
    fn take(&mut self, change: &'a Encoded) -> bool {
        let id = change.row.as_ref().map(Row::id);
        let key = change.row.as_ref().filter(|row| row.expect == Expect::Absent);
        let key = key.and_then(|row| row.document.request().key.as_deref());
        let free = id.is_none_or(|id| !self.requests.contains(&id))
            && key.is_none_or(|key| !self.keys.contains(key))
            && change.conditions.iter().all(|condition| !self.written.contains(condition.name()))
            && change
                .writes
                .iter()
                .all(|write| !self.written.contains(&write.name) && !self.bound.contains(&write.name));
        if free {
            self.requests.extend(id);
            self.keys.extend(key);
            self.bound.extend(change.conditions.iter().map(Condition::name));
            self.written.extend(change.writes.iter().map(|write| &write.name));
        }
        free
    }
}

/// Takes from `waiting`, oldest first, what can be written in one transaction. The rest stays, in its order.
pub(super) fn next(waiting: &mut VecDeque<Work>) -> Vec<Work> {
    let mut chosen = Vec::with_capacity(waiting.len().min(MOST));
    {
        let mut taken = Taken::default();
        let mut bytes = 0_usize;
        for (place, work) in waiting.iter().enumerate() {
            let more = bytes.saturating_add(work.size());
            if chosen.len() >= MOST || (more > MOST_BYTES && !chosen.is_empty()) {
                break;
            }
            if !matches!(work, Work::Change(change, _) if !taken.take(change)) {
                bytes = more;
                chosen.push(place);
            }
        }
    }
    if chosen.len() == waiting.len() {
        return waiting.drain(..).collect();
    }
    let mut group = Vec::with_capacity(chosen.len());
    let mut left = VecDeque::with_capacity(waiting.len().saturating_sub(chosen.len()));
    let mut chosen = chosen.into_iter().peekable();
    for (place, work) in waiting.drain(..).enumerate() {
        if chosen.next_if_eq(&place).is_some() { group.push(work) } else { left.push_back(work) }
    }
    *waiting = left;
    group
}
