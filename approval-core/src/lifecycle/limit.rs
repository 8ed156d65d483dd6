//! Counting calls against limits.
//!
//! What runs is counted as a run. A call that is opened without asking people, and runs later, takes a place until then: a
//! new call needs room besides runs and places, and what runs needs room besides runs alone. So no more calls run in a window
//! than the limit says, and one that never runs keeps no other from running.

use std::{fmt, sync::Arc};

use rust_decimal::Decimal;

use super::usage::{Kind, add, fits, spent, without};
use crate::{
    clock::Timestamp,
    id::RequestId,
    model::{Limit, Money, OverLimit, Text, Usage},
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

/// A limit that is about a call, and what its counter has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The limit.
    pub limit: Arc<Limit>,
    /// Which of its counters.
    pub counter: Text,
    /// What that has counted.
    pub usage: Usage,
    /// Its version in the store; `None`: it is not there yet.
    pub version: Option<u64>,
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
}

/// How a call that is about to run was counted before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// It took a place at this moment, when its request was opened.
    Place(Timestamp),
    /// It was counted as a run at this moment in these counters, when the policy let it run.
    Run(Timestamp, Arc<[Text]>),
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
    take(counted, |one| {
        fits(&one.limit, &one.usage, cost, now, Kind::Place)?;
        Ok(add(&one.limit, &one.usage, cost, now, Kind::Run))
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
    take(counted.iter().filter(|one| !one.limit.attempts), |one| {
        fits(&one.limit, &one.usage, cost, now, Kind::Place)?;
        Ok(add(&one.limit, &one.usage, cost, now, Kind::Place))
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
    let all = take(counted.iter().filter(|one| !one.limit.attempts), |one| {
        if one.limit.over == OverLimit::Deny {
            fits(&one.limit, &one.usage, cost, now, Kind::Run)?;
        }
        Ok(add(&one.limit, &one.usage, cost, now, Kind::Run))
    });
    all.map_err(|(_, reached)| reached)
}

/// Counts a call that no person was asked about at the moment at which it runs. How it was counted before (`share`; `None`: not at
/// all, or that has run already) is taken off, so that it counts once, and there where it runs.
///
/// # Errors
/// As [`take_all`].
pub fn take_at_run(
    counted: &[Counted],
    cost: Option<Money>,
    share: Option<&Share>,
    now: Timestamp,
) -> Result<Vec<CountedWrite>, (OverLimit, Box<LimitReached>)> {
    take(counted.iter().filter(|one| !one.limit.attempts), |one| {
        let besides = besides(one, cost, share);
        let usage = besides.as_ref().unwrap_or(&one.usage);
        fits(&one.limit, usage, cost, now, Kind::Run)?;
        Ok(add(&one.limit, usage, cost, now, Kind::Run))
    })
}

fn take<'a>(
    counted: impl Iterator<Item = &'a Counted>,
    count: impl Fn(&Counted) -> Result<Usage, Box<LimitReached>>,
) -> Result<Vec<CountedWrite>, (OverLimit, Box<LimitReached>)> {
    let mut writes = Vec::new();
    let mut asks = None;
    for one in counted.filter(|one| one.limit.open.is_none()) {
        match count(one) {
            Ok(usage) => {
                writes.push(CountedWrite { counter: one.counter.clone(), usage, expect: one.version });
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

/// What a limit has counted besides the share of one call; `None`: it has no share of it.
fn besides(counted: &Counted, cost: Option<Money>, share: Option<&Share>) -> Option<Usage> {
    match share? {
        Share::Place(at) => without(&counted.limit, &counted.usage, cost, *at, Kind::Place),
        Share::Run(at, counters) if counters.contains(&counted.counter) => {
            without(&counted.limit, &counted.usage, cost, *at, Kind::Run)
        }
        Share::Run(..) => None,
    }
}

/// Gives back what a call that will not run was counted as, from where it was counted. Attempts stay counted.
#[must_use]
pub fn give_back(counted: &[Counted], cost: Option<Money>, share: Option<&Share>) -> Vec<CountedWrite> {
    let on_calls = counted.iter().filter(|one| !one.limit.attempts && one.limit.open.is_none());
    let without = on_calls.filter_map(|one| {
        let usage = besides(one, cost, share)?;
        Some(CountedWrite { counter: one.counter.clone(), usage, expect: one.version })
    });
    without.collect()
}

/// What calls that still count at `now` have cost, in the currency of the limit; without the share of one call.
#[must_use]
pub fn spent_besides(counted: &Counted, own: Option<(Money, &Share)>, now: Timestamp) -> Decimal {
    let besides = own.and_then(|(cost, share)| besides(counted, Some(cost), Some(share)));
    spent(&counted.limit, besides.as_ref().unwrap_or(&counted.usage), now)
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
        let open = one.usage.open.len();
        // So many ids no machine holds that counts no further.
        if open >= usize::try_from(most).unwrap_or(usize::MAX) {
            let why = format!("{open} of {most} requests are open: they must be decided or taken back first");
            return Err(Box::new(LimitReached { limit: one.limit.name.clone(), why, room_at: None }));
        }
        let mut usage = one.usage.clone();
        usage.open.push(id);
        writes.push(CountedWrite { counter: one.counter.clone(), usage, expect: one.version });
    }
    Ok(writes)
}
