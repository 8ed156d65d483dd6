//! Groups, and the percentiles of each.

use std::collections::BTreeMap;

use crate::{clock::Span, model::Percentiles};

/// Lengths of time in microseconds, each with the number of the subject or voter that it was measured of.
///
/// Most are short enough for time and number to share 8 bytes, which are sorted more quickly than 16.
#[derive(Debug, Default)]
pub(super) struct Waits {
    packed: Vec<u64>,
    others: Vec<(u64, u32)>,
}

/// Bits of the number in what is packed; the rest is for the time.
const MEMBER: u32 = 24;

impl Waits {
    pub(super) fn reserve(&mut self, more: usize) {
        self.packed.reserve(more);
    }

    pub(super) fn push(&mut self, after: u64, member: u32) {
        if after >> (u64::BITS - MEMBER) == 0 && member >> MEMBER == 0 {
            self.packed.push((after << MEMBER) | u64::from(member));
        } else {
            self.others.push((after, member));
        }
    }

    pub(super) fn sort(&mut self) {
        self.packed.sort_unstable();
        self.others.sort_unstable();
    }

    /// Calls `visit` with each in the order of their lengths, once they are sorted.
    fn each(&self, mut visit: impl FnMut(u64, u32)) {
        let mut others = self.others.iter().copied().peekable();
        for packed in &self.packed {
            let after = packed >> MEMBER;
            while let Some((after, member)) = others.next_if(|(other, _)| *other < after) {
                visit(after, member);
            }
            visit(after, (packed & ((1 << MEMBER) - 1)) as u32);
        }
        others.for_each(|(after, member)| visit(after, member));
    }
}

/// Groups of subjects or voters, with what was counted in them.
pub(super) struct Groups<K, const N: usize> {
    /// The group of each subject, in the order of their numbers.
    of: Vec<u32>,
    found: BTreeMap<K, u32>,
    counts: Vec<[u64; N]>,
}

/// The group of what nothing was counted of.
const NO_GROUP: u32 = u32::MAX;

impl<K, const N: usize> Default for Groups<K, N> {
    fn default() -> Self {
        Self { of: Vec::new(), found: BTreeMap::new(), counts: Vec::new() }
    }
}

impl<K: Ord, const N: usize> Groups<K, N> {
    /// Adds the next subject or voter. One of which nothing was counted makes no group.
    pub(super) fn add(&mut self, key: K, counts: [u64; N]) {
        if counts.iter().all(|count| *count == 0) {
            return self.of.push(NO_GROUP);
        }
        let next = u32::try_from(self.counts.len()).unwrap_or(NO_GROUP);
        let group = *self.found.entry(key).or_insert(next);
        if group == next {
            self.counts.push([0; N]);
        }
        self.of.push(group);
        if let Some(sums) = self.counts.get_mut(group as usize) {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum = sum.saturating_add(count);
            }
        }
    }

    /// The figures of each group, with the percentiles of what `timed` says was timed.
    pub(super) fn finish<F>(
        self,
        waits: &Waits,
        timed: impl Fn(&[u64; N]) -> u64,
        figures: impl Fn([u64; N], Option<Percentiles>) -> F,
    ) -> BTreeMap<K, F> {
        let mut ranks: Vec<Ranks> = self.counts.iter().map(|counts| Ranks::new(timed(counts))).collect();
        waits.each(|after, member| {
            let group = self.of.get(member as usize).copied().unwrap_or(NO_GROUP);
            if let Some(ranks) = ranks.get_mut(group as usize) {
                ranks.pass(after);
            }
        });
        let of_group = |group: u32| {
            let counts = self.counts.get(group as usize).copied().unwrap_or([0; N]);
            figures(counts, ranks.get(group as usize).and_then(Ranks::percentiles))
        };
        self.found.into_iter().map(|(key, group)| (key, of_group(group))).collect()
    }
}

/// The percentiles of one group, while its times pass by in order.
struct Ranks {
    /// How many have passed.
    passed: u64,
    /// The rank that is met next.
    next: u64,
    of: u64,
    /// Those met so far.
    met: [u64; PERCENTS.len()],
    count: usize,
}

const PERCENTS: [u64; 3] = [50, 90, 99];

impl Ranks {
    const fn new(of: u64) -> Self {
        let mut ranks = Self { passed: 0, next: 0, of, met: [0; PERCENTS.len()], count: 0 };
        ranks.next = ranks.rank(0);
        ranks
    }

    /// The nearest rank of a percentile: how many, counted from 1, are at most that large.
    const fn rank(&self, place: usize) -> u64 {
        let percent = match place {
            0 => PERCENTS[0],
            1 => PERCENTS[1],
            2 => PERCENTS[2],
            _ => return u64::MAX,
        };
        self.of.saturating_mul(percent).div_ceil(100)
    }

    const fn pass(&mut self, after: u64) {
        self.passed += 1;
        while self.passed == self.next {
            match self.count {
                0 => self.met[0] = after,
                1 => self.met[1] = after,
                2 => self.met[2] = after,
                _ => return,
            }
            self.count += 1;
            self.next = self.rank(self.count);
        }
    }

    fn percentiles(&self) -> Option<Percentiles> {
        let span = |micros: u64| Span::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
        let [p50, p90, p99] = self.met;
        (self.count == PERCENTS.len()).then(|| Percentiles { p50: span(p50), p90: span(p90), p99: span(p99) })
    }
}
