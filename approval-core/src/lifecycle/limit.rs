//! Counting calls against limits.
//!
//! What runs is counted as a run. A call that is opened without asking people, and runs later, takes a place until then: a
//! new call needs room besides runs and places, and what runs needs room besides runs alone. So no more calls run in a window
//! than the limit says, and one that never runs keeps no other from running.
//!
//! What a call was counted as is remembered with it, and exactly that is taken off again: limits, and the people that they
//! count, may be others by then.

use std::{fmt, sync::Arc};

use rust_decimal::Decimal;

use super::usage::{Kind, add, as_run, fits, spent, without};
use crate::{
    clock::Timestamp,
    id::RequestId,
    model::{Limit, Money, OverLimit, Share, Text, Usage},
};

/// Why a call goes over a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitReached {
    /// Name of the limit.
    pub limit: Text,
    /// What there was room for, and what was asked for.
    pub why: String,
    /// When there may be room again; `None`: never, or it is not known.
    pub room_at: Option<Timestamp>,
}

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit {} is reached: {}", self.limit, self.why)?;
        match self.room_at {
            Some(at) => write!(f, "; there is room again from {at} on"),
            None => Ok(()),
        }
    }
}

/// A counter, and what it has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Which.
    pub name: Text,
    /// What it has counted.
    pub usage: Usage,
    /// Its version in the store; `None`: it is not there yet.
    pub version: Option<u64>,
}

/// A limit that is about a call, and the counter that counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The limit.
    pub limit: Arc<Limit>,
    /// Which of its counters.
    pub counter: Counter,
}

/// A counter as it will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedWrite {
    /// Which.
    pub counter: Text,
    /// What it will have counted.
    pub usage: Usage,
    /// The version that it must have now; `None`: it is not there yet.
    pub expect: Option<u64>,
    /// What it will hold of the call; `None`: nothing, or nothing that is ever taken off.
    pub share: Option<Share>,
}

/// How a call that is about to run was counted before: which counters hold what of it. No share: not at all, or that has run
/// already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedAs<'a> {
    /// It has places, since its request was opened.
    Places(&'a [Share]),
    /// It was counted as a run, when the policy let it run.
    Runs(&'a [Share]),
}

impl<'a> CountedAs<'a> {
    /// It was not counted.
    pub const NOTHING: Self = Self::Places(&[]);

    /// What which counters hold of it.
    #[must_use]
    pub const fn shares(self) -> &'a [Share] {
        match self {
            Self::Places(shares) | Self::Runs(shares) => shares,
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Places(_) => Kind::Place,
            Self::Runs(_) => Kind::Run,
        }
    }

    /// What this counter holds of it: a call has no two shares in one.
    fn in_counter(self, counter: &Counter) -> Option<&'a Share> {
        self.shares().iter().find(|share| share.counter == counter.name)
    }
}

/// Counts one more call that runs at `now` without asking, in all of these.
///
/// # Errors
/// The limit that it goes over; one that denies before one that asks.
pub fn take_all<'a>(
    counted: impl Iterator<Item = &'a Counted>,
    cost: Option<Money>,
    now: Timestamp,
) -> Result<Vec<CountedWrite>, (OverLimit, Box<LimitReached>)> {
    take(counted, |one, usage| {
        fits(&one.limit, usage, cost, now, Kind::Place)?;
        Ok(add(&one.limit, &one.counter.name, usage, cost, now, Kind::Run))
    })
}

/// Takes a place for one more call that is opened at `now` without asking, where calls that run are limited.
///
/// # Errors
/// As [`take_all`].
pub(super) fn take_places(
    counted: &[Counted],
    cost: Option<Money>,
    now: Timestamp,
) -> Result<Vec<CountedWrite>, (OverLimit, Box<LimitReached>)> {
    take(counted.iter().filter(|one| counts_runs(one)), |one, usage| {
        fits(&one.limit, usage, cost, now, Kind::Place)?;
        Ok(add(&one.limit, &one.counter.name, usage, cost, now, Kind::Place))
    })
}

/// Counts one more call that asks to run at `now`, where such attempts are limited.
///
/// # Errors
/// The limit that it goes over.
pub(super) fn take_attempts(
    counted: &[Counted],
    cost: Option<Money>,
    now: Timestamp,
) -> Result<Vec<CountedWrite>, Box<LimitReached>> {
    take_all(counted.iter().filter(|one| one.limit.attempts), cost, now).map_err(|(_, reached)| reached)
}

/// Counts one more call at `now` that people approved: it may go over limits that ask, and not over those that deny.
///
/// # Errors
/// The limit that it goes over.
pub(super) fn take_approved(
    counted: &[Counted],
    cost: Option<Money>,
    now: Timestamp,
) -> Result<Vec<CountedWrite>, Box<LimitReached>> {
    let all = take(counted.iter().filter(|one| counts_runs(one)), |one, usage| {
        if one.limit.over == OverLimit::Deny {
            fits(&one.limit, usage, cost, now, Kind::Run)?;
        }
        Ok(add(&one.limit, &one.counter.name, usage, cost, now, Kind::Run))
    });
    all.map_err(|(_, reached)| reached)
}

/// Counts a call that no person was asked about at the moment at which it runs. How it was counted before is taken off, so that
/// it counts once, and there where it runs. In those `counters` that hold something of it, and in which no limit counts it now,
/// it is counted as a run too: a program or a time without a limit frees no room in it.
///
/// # Errors
/// As [`take_all`].
pub fn take_at_run(
    counted: &[Counted],
    counters: &[Counter],
    cost: Option<Money>,
    before: CountedAs<'_>,
    now: Timestamp,
) -> Result<Vec<CountedWrite>, (OverLimit, Box<LimitReached>)> {
    let mut writes = take(counted.iter().filter(|one| counts_runs(one)), |one, _| {
        let besides = besides(&one.counter, before);
        let usage = besides.as_ref().unwrap_or(&one.counter.usage);
        fits(&one.limit, usage, cost, now, Kind::Run)?;
        Ok(add(&one.limit, &one.counter.name, usage, cost, now, Kind::Run))
    })?;
    let others = counted.iter().filter(|one| !counts_runs(one)).map(|one| &one.counter).chain(counters);
    writes.extend(others.filter_map(|counter| {
        let (usage, share) = as_run(&counter.usage, before.in_counter(counter)?, now, before.kind())?;
        Some(write(counter, usage, Some(share)))
    }));
    Ok(writes)
}

/// Whether its counter counts calls that run.
fn counts_runs(one: &Counted) -> bool {
    !one.limit.attempts && one.limit.open.is_none()
}

fn take<'a>(
    counted: impl Iterator<Item = &'a Counted>,
    count: impl Fn(&Counted, &Usage) -> Result<(Usage, Share), Box<LimitReached>>,
) -> Result<Vec<CountedWrite>, (OverLimit, Box<LimitReached>)> {
    let mut writes = Vec::new();
    let mut asks = None;
    for one in counted.filter(|one| one.limit.open.is_none()) {
        match count(one, &one.counter.usage) {
            Ok((usage, share)) => {
                // Attempts stay counted.
                writes.push(write(&one.counter, usage, Some(share).filter(|_| !one.limit.attempts)));
            }
            Err(reached) if one.limit.over == OverLimit::Deny => return Err((OverLimit::Deny, reached)),
            Err(reached) => asks = asks.or(Some(reached)),
        }
    }
    match asks {
        Some(reached) => Err((OverLimit::Ask, reached)),
        None => Ok(writes),
    }
}

fn write(counter: &Counter, usage: Usage, share: Option<Share>) -> CountedWrite {
    CountedWrite { counter: Text::clone(&counter.name), usage, expect: counter.version, share }
}

/// What a counter has counted besides one call; `None`: it holds nothing of it.
fn besides(counter: &Counter, before: CountedAs<'_>) -> Option<Usage> {
    without(&counter.usage, before.in_counter(counter)?, before.kind())
}

/// Gives back what a call that will not run was counted as, from where it was counted.
#[must_use]
pub fn give_back<'a>(
    counters: impl Iterator<Item = &'a Counter>,
    before: CountedAs<'_>,
) -> Vec<CountedWrite> {
    let without = counters.filter_map(|counter| Some(write(counter, besides(counter, before)?, None)));
    without.collect()
}

/// What calls that still count at `now` have cost, in the currency of the limit; without one call.
#[must_use]
pub fn spent_besides(counted: &Counted, own: CountedAs<'_>, now: Timestamp) -> Decimal {
    let besides = besides(&counted.counter, own);
    spent(&counted.limit, besides.as_ref().unwrap_or(&counted.counter.usage), now)
}

/// Counts a request that people are about to be asked about, where open requests are limited. What the counters hold was
/// looked at before: they name none that is known to be decided, unless there is room all the same.
///
/// # Errors
/// The limit that it goes over.
pub(super) fn take_open(counted: &[Counted], id: RequestId) -> Result<Vec<CountedWrite>, Box<LimitReached>> {
    let mut writes = Vec::new();
    for one in counted {
        let Some(most) = one.limit.open else { continue };
        let open = one.counter.usage.open.len();
        // So many ids no machine holds that counts no further.
        if open >= usize::try_from(most).unwrap_or(usize::MAX) {
            let why = format!("{open} of {most} requests are open: they must be decided or taken back first");
            return Err(Box::new(LimitReached { limit: one.limit.name.clone(), why, room_at: None }));
        }
        let mut usage = one.counter.usage.clone();
        usage.open.push(id);
        writes.push(write(&one.counter, usage, None));
    }
    Ok(writes)
}
