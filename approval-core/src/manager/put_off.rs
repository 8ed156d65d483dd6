//! Requests that are due and could not be brought up to date. Each is tried again later, and meanwhile keeps no other waiting.

use std::collections::HashMap;

use super::runtime::{LONGEST, back_off};
use crate::{
    clock::{Span, Timestamp, after},
    id::RequestId,
};

/// After a failure it is tried again so soon, then ever later.
const FIRST_RETRY: Span = Span::from_millis(500);

/// How often something failed in a row, and when it is tried again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failing {
    failures: u32,
    again: Timestamp,
}

impl Failing {
    /// One more failure at `now`, after those before.
    pub(super) fn once_more(before: Option<Self>, now: Timestamp) -> Self {
        let failures = before.map_or(0, |before| before.failures).saturating_add(1);
        Self { failures, again: after(now, back_off(FIRST_RETRY, failures)) }
    }

    /// Whether it is not tried again yet at `now`. Not by a clock that was set back since: nothing is known then of how long it
    /// has waited.
    pub(super) fn waits(self, now: Timestamp) -> bool {
        now < self.again && self.again <= after(now, LONGEST)
    }

    /// When it is tried again.
    pub(super) const fn again(self) -> Timestamp {
        self.again
    }
}

/// The requests that failed.
#[derive(Debug, Default)]
pub(super) struct PutOff(HashMap<RequestId, Failing>);

impl PutOff {
    /// So many are remembered at the most.
    pub(super) const MOST: usize = 4096;

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a request is not tried again yet at `now`.
    pub(super) fn waits(&self, id: RequestId, now: Timestamp) -> bool {
        self.0.get(&id).is_some_and(|failing| failing.waits(now))
    }

    /// A request could not be brought up to date at `now`. Whether it is remembered: there may be too many.
    #[must_use]
    pub(super) fn failed(&mut self, id: RequestId, now: Timestamp) -> bool {
        let before = self.0.get(&id).copied();
        if before.is_none() && self.0.len() >= Self::MOST {
            return false;
        }
        self.0.insert(id, Failing::once_more(before, now));
        true
    }

    /// A request is up to date.
    pub(super) fn done(&mut self, id: RequestId) {
        self.0.remove(&id);
    }

    /// Only these are due still.
    pub(super) fn keep_only(&mut self, mut is_due: impl FnMut(RequestId) -> bool) {
        self.0.retain(|id, _| is_due(*id));
    }

    /// When the next one is tried again.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.values().map(|failing| failing.again).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> RequestId {
        RequestId::generate(at(i64::try_from(n).unwrap()))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn what_failed_waits_ever_longer_and_at_most_a_minute() {
        let (mut put_off, one) = (PutOff::default(), id(1));
        assert!(!put_off.waits(one, at(0)));
        let mut waited = Vec::new();
        let mut now = at(0);
        for _ in 0..9 {
            assert!(put_off.failed(one, now));
            let next = put_off.next().unwrap();
            assert!(put_off.waits(one, now) && !put_off.waits(one, next));
            waited.push(next.duration_since(now).as_secs());
            now = next;
        }
        assert_eq!(waited, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        put_off.done(one);
        assert!(!put_off.waits(one, now) && put_off.next().is_none());
        assert!(put_off.failed(one, now) && put_off.next() == Some(after(now, Span::from_secs(1))));
        put_off.keep_only(|_| false);
        assert_eq!(put_off.len(), 0);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nothing_wait_longer_than_a_minute() {
        let one = Failing::once_more(None, at(0));
        assert!(one.waits(at(0)) && one.waits(at(-59)), "by clocks that differ a little");
        assert!(!one.waits(at(-60)) && !one.waits(at(-24 * 3600)));
        let at_the_end = Failing::once_more(None, Timestamp::MAX);
        assert!(!at_the_end.waits(at(0)), "a clock that had run away");
    }

    #[test]
    fn no_more_than_a_number_is_remembered() {
        let mut put_off = PutOff::default();
        let first = id(0);
        assert!(put_off.failed(first, at(0)));
        for n in 1..PutOff::MOST {
            assert!(put_off.failed(id(n as u64), at(0)));
        }
        assert!(!put_off.failed(id(1), at(0)), "there is no room for another one");
        assert!(put_off.failed(first, at(1)), "one that is known needs none");
        assert_eq!(put_off.len(), PutOff::MOST);
    }
}
