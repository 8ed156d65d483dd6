//! Counting. Exact: percentiles are times that were measured, not estimates.

mod groups;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::groups::{Groups, Waits};
use crate::{
    clock::Span,
    lifecycle::statistics::{Cast, CountedVote, Decided, End, Subject},
    model::{Ballots, Dimension, Figures, Stats, StatsQuery, Text},
};

/// Ways to end.
const ENDS: usize = End::ALL.len();
/// What votes say.
const CASTS: usize = Cast::ALL.len();

/// A subject that is counted, as its number in a [`Tally`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubjectIndex(u32);

/// A person and a channel whose votes are counted, as their number in a [`Tally`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoterIndex(u32);

/// Adds up figures. A store gives it every subject once, then counts and decisions under its number; it takes 8 bytes for
/// each decision and each vote in the range (16 for what took longer than 12 days).
#[derive(Debug)]
pub struct Tally<'a> {
    query: &'a StatsQuery,
    requests: Requests,
    votes: Votes,
}

#[derive(Debug, Default)]
struct Requests {
    subjects: Vec<Subject>,
    /// For each subject how many are pending, and how many ended in each way, by its number.
    counts: Vec<[u64; 1 + ENDS]>,
    /// How long people took.
    waits: Waits,
}

#[derive(Debug, Default)]
struct Votes {
    voters: Vec<(Text, Text)>,
    counts: Vec<[u64; CASTS]>,
    waits: Waits,
}

impl<'a> Tally<'a> {
    /// Nothing is counted yet.
    #[must_use]
    pub fn new(query: &'a StatsQuery) -> Self {
        Self { query, requests: Requests::default(), votes: Votes::default() }
    }

    /// What is counted under `subject` from now on. `None`: the query does not ask for it.
    pub fn subject(&mut self, subject: Subject) -> Option<SubjectIndex> {
        let query = self.query;
        let is = |wanted: Option<&Text>, found: &Text| wanted.is_none_or(|wanted| wanted == found);
        let wanted = is(query.namespace.as_ref(), &subject.namespace)
            && is(query.action.as_ref(), &subject.action)
            && is(query.agent.as_ref(), &subject.agent)
            && query.risk.is_none_or(|risk| risk == subject.risk)
            && query.priority.is_none_or(|priority| priority == subject.priority);
        if !wanted {
            return None;
        }
        // More than 2^32 do not fit into memory.
        let index = u32::try_from(self.requests.subjects.len()).ok()?;
        self.requests.subjects.push(subject);
        self.requests.counts.push([0; 1 + ENDS]);
        Some(SubjectIndex(index))
    }

    /// Votes of this person through this channel (empty: none).
    pub fn voter(&mut self, approver: Text, channel: Text) -> Option<VoterIndex> {
        let index = u32::try_from(self.votes.voters.len()).ok()?;
        self.votes.voters.push((approver, channel));
        self.votes.counts.push([0; CASTS]);
        Some(VoterIndex(index))
    }

    /// Makes room for so many decisions. A hint: there may be more or fewer.
    pub fn expect_decisions(&mut self, count: usize) {
        self.requests.waits.reserve(count);
    }

    /// Makes room for so many votes. A hint likewise.
    pub fn expect_votes(&mut self, count: usize) {
        self.votes.waits.reserve(count);
    }

    /// Counts open requests.
    pub fn pending(&mut self, subject: SubjectIndex, count: u64) {
        if let Some([pending, ..]) = self.requests.counts.get_mut(subject.0 as usize) {
            *pending = pending.saturating_add(count);
        }
    }

    /// Counts a decision that lies in the range; `after` is in microseconds.
    pub fn decision(&mut self, subject: SubjectIndex, end: End, after: u64) {
        let Some([_, ends @ ..]) = self.requests.counts.get_mut(subject.0 as usize) else { return };
        if let Some(count) = ends.get_mut(usize::from(end.number())) {
            *count = count.saturating_add(1);
        }
        if end.by_people() {
            self.requests.waits.push(after, subject.0);
        }
    }

    /// Counts a vote on a request that is counted and whose decision lies in the range; `after` is in microseconds.
    pub fn vote(&mut self, voter: VoterIndex, cast: Cast, after: u64) {
        let Some(casts) = self.votes.counts.get_mut(voter.0 as usize) else { return };
        if let Some(count) = casts.get_mut(usize::from(cast.number())) {
            *count = count.saturating_add(1);
        }
        self.votes.waits.push(after, voter.0);
    }

    /// Counts a decision with its votes, if it lies in the range; `voter` finds the number of a person and a channel.
    pub fn decided(
        &mut self,
        subject: SubjectIndex,
        decided: &Decided,
        mut voter: impl FnMut(&mut Self, &CountedVote) -> Option<VoterIndex>,
    ) {
        if !self.query.covers(decided.at) {
            return;
        }
        self.decision(subject, decided.end, micros(decided.after));
        for vote in &decided.votes {
            if let Some(index) = voter(self, vote) {
                self.vote(index, vote.cast, micros(vote.after));
            }
        }
    }

    /// The figures.
    #[must_use]
    pub fn finish(self) -> Stats {
        let Self { query, mut requests, mut votes } = self;
        let mut stats = Stats::default();
        requests.count(query, &mut stats);
        votes.count(query, &mut stats);
        stats
    }
}

impl Requests {
    fn count(&mut self, query: &StatsQuery, stats: &mut Stats) {
        self.waits.sort();
        stats.total = self.by(|_| ()).remove(&()).unwrap_or_default();
        for dimension in &query.by {
            match dimension {
                Dimension::Action => stats.by_action = self.by(|subject| subject.action.clone()),
                Dimension::Agent => stats.by_agent = self.by(|subject| subject.agent.clone()),
                Dimension::Risk => stats.by_risk = self.by(|subject| subject.risk),
                Dimension::Priority => stats.by_priority = self.by(|subject| subject.priority),
                Dimension::Approver | Dimension::Channel => {}
            }
        }
    }

    fn by<K: Ord>(&self, key: impl Fn(&Subject) -> K) -> BTreeMap<K, Figures> {
        let mut groups = Groups::default();
        for (subject, counts) in self.subjects.iter().zip(&self.counts) {
            groups.add(key(subject), *counts);
        }
        let timed = |[_, ends @ ..]: &[u64; 1 + ENDS]| {
            End::ALL.iter().zip(ends).filter(|(end, _)| end.by_people()).map(|(_, count)| *count).sum()
        };
        groups.finish(&self.waits, timed, |[pending, ends @ ..], time_to_decision| {
            let [approved, rejected, expired, approved_by_timeout, cancelled, unasked] = ends;
            Figures {
                pending,
                approved,
                rejected,
                expired,
                approved_by_timeout,
                cancelled,
                unasked,
                time_to_decision,
            }
        })
    }
}

impl Votes {
    fn count(&mut self, query: &StatsQuery, stats: &mut Stats) {
        self.waits.sort();
        stats.votes = self.by(|_, _| ()).remove(&()).unwrap_or_default();
        if query.by.contains(&Dimension::Approver) {
            stats.by_approver = self.by(|approver, _| approver.clone());
        }
        if query.by.contains(&Dimension::Channel) {
            stats.by_channel = self.by(|_, channel| channel.clone());
        }
    }

    fn by<K: Ord>(&self, key: impl Fn(&Text, &Text) -> K) -> BTreeMap<K, Ballots> {
        let mut groups = Groups::default();
        for ((approver, channel), counts) in self.voters.iter().zip(&self.counts) {
            groups.add(key(approver, channel), *counts);
        }
        groups.finish(
            &self.waits,
            |counts| counts.iter().sum(),
            |[approvals, rejections, answers], time_to_vote| Ballots {
                approvals,
                rejections,
                answers,
                time_to_vote,
            },
        )
    }
}

/// A length of time as microseconds. A store's time does not go back, so that none is negative.
fn micros(span: Span) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(0)
}
