//! Counting calls against limits.
//!
//! A window slides: calls are counted in stretches of a sixtieth of it, and a stretch counts until its last moment has left
//! the window. So no window, wherever it begins, holds more than the limit; room comes back up to a sixtieth late.

use std::{fmt, sync::Arc};

use rust_decimal::Decimal;

use crate::{
    clock::{Span, Timestamp, after, to_micros},
    id::RequestId,
    model::{Limit, Money, OverLimit, Stretch, Text, Usage},
};

/// Stretches that a window has.
const STRETCHES: i64 = 60;

/// Why a call goes over a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitReached {
    /// Name of the limit.
    pub limit: Text,
    /// What there was room for, and what was asked for.
    pub why: String,
    /// When there may be room again; `None`: never, or nobody knows.
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

/// Counts one more call at `now` in all of these.
///
/// # Errors
/// The limit that it goes over; one that denies before one that asks.
pub fn take_all<'a>(
    counted: impl Iterator<Item = &'a Counted>,
    cost: Option<Money>,
    now: Timestamp,
) -> Result<Vec<CountedWrite>, (OverLimit, Box<LimitReached>)> {
    let mut writes = Vec::new();
    let mut asks = None;
    for one in counted.filter(|one| one.limit.open.is_none()) {
        match take(&one.limit, &one.usage, cost, now) {
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
    let mut writes = Vec::with_capacity(counted.len());
    for one in counted.iter().filter(|one| !one.limit.attempts && one.limit.open.is_none()) {
        let usage = match one.limit.over {
            OverLimit::Deny => take(&one.limit, &one.usage, cost, now)?,
            OverLimit::Ask => spend(&one.limit, &one.usage, cost, now),
        };
        writes.push(CountedWrite { counter: one.counter.clone(), usage, expect: one.version });
    }
    Ok(writes)
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

/// Counts one more call at `now`, unless it goes over the limit.
///
/// # Errors
/// Why it does.
fn take(
    limit: &Limit,
    usage: &Usage,
    cost: Option<Money>,
    now: Timestamp,
) -> Result<Usage, Box<LimitReached>> {
    let usage = in_window(limit, usage, now);
    if limit.only_counts {
        return Ok(count(limit, usage, cost, now));
    }
    let reached = |why: String| {
        let room_at = match (limit.within, usage.stretches.first()) {
            (Some(window), Some(oldest)) => Some(after(oldest.until, window)),
            _ => None,
        };
        Box::new(LimitReached { limit: limit.name.clone(), why, room_at })
    };
    if let (Some(lasts), Some(since)) = (limit.lasts, usage.since)
        && now >= after(since, lasts)
    {
        return Err(Box::new(LimitReached {
            limit: limit.name.clone(),
            why: format!("calls may be made for {} s after the first at {since}", lasts.as_secs()),
            room_at: None,
        }));
    }
    let calls: u64 = usage.stretches.iter().map(|stretch| stretch.calls).sum();
    if let Some(most) = limit.calls
        && calls >= u64::from(most)
    {
        return Err(reached(format!("{calls} of {most} calls were made")));
    }
    if let (Some(most), Some(cost)) = (limit.cost, cost) {
        if cost.currency() != most.currency() {
            return Err(Box::new(LimitReached {
                limit: limit.name.clone(),
                why: format!("{cost} cannot be counted in {}", most.currency()),
                room_at: None,
            }));
        }
        let spent: Option<Decimal> =
            usage.stretches.iter().try_fold(Decimal::ZERO, |sum, stretch| sum.checked_add(stretch.cost));
        // A credit takes as much room as a payment: it never gives room back.
        let fits = spent
            .and_then(|spent| spent.checked_add(cost.magnitude().amount()))
            .is_some_and(|sum| sum <= most.amount());
        if !fits {
            let spent = spent.map_or_else(
                || "too much".to_owned(),
                |spent| Money::new(spent, most.currency()).to_string(),
            );
            return Err(reached(format!("{spent} of {most} are spent, and this call costs {cost}")));
        }
    }
    Ok(count(limit, usage, cost, now))
}

/// Counts one more call at `now`, whether or not it goes over the limit: people approved it.
#[must_use]
fn spend(limit: &Limit, usage: &Usage, cost: Option<Money>, now: Timestamp) -> Usage {
    count(limit, in_window(limit, usage, now), cost, now)
}

/// What calls that still count at `now` have cost, in the currency of the limit.
#[must_use]
pub fn spent(limit: &Limit, usage: &Usage, now: Timestamp) -> Decimal {
    let stretches = in_window(limit, usage, now).stretches;
    // Held at the end: more than that is over every limit.
    stretches.iter().fold(Decimal::ZERO, |sum, stretch| sum.saturating_add(stretch.cost))
}

/// The same without the share of one call, which was counted at a moment and cost this.
#[must_use]
pub fn spent_besides(
    limit: &Limit,
    usage: &Usage,
    own: Option<(Money, Timestamp)>,
    now: Timestamp,
) -> Decimal {
    let all = spent(limit, usage, now);
    let counts =
        |at: Timestamp| limit.within.is_none_or(|window| after(end_of_stretch(limit, at), window) > now);
    match own {
        Some((cost, at))
            if limit.cost.is_some_and(|most| most.currency() == cost.currency()) && counts(at) =>
        {
            // Never below zero, should the call not have been counted here.
            all.saturating_sub(cost.magnitude().amount()).max(Decimal::ZERO)
        }
        _ => all,
    }
}

/// Counts a call that nobody was asked about at the moment at which it runs. Where it was counted before (when it was opened, or
/// the policy let it run), that share moves to the stretch in which it runs, so that what is opened bit by bit and run at once
/// is held against the limit as what runs at once. `counted_at`: when that was; `None`: it was not, or what was counted then
/// has run already.
///
/// # Errors
/// The limit that it goes over, though its own share is left out; one that denies before one that asks.
pub fn take_at_run(
    counted: &[Counted],
    cost: Option<Money>,
    counted_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<CountedWrite>, (OverLimit, Box<LimitReached>)> {
    let mut writes = Vec::new();
    let mut asks = None;
    for one in counted.iter().filter(|one| !one.limit.attempts && one.limit.open.is_none()) {
        let besides = counted_at.and_then(|at| without_share(one, cost, at));
        // Nothing is to be written where it runs in the stretch that it was counted in.
        let stays = besides.is_some()
            && counted_at.is_some_and(|at| end_of_stretch(&one.limit, at) == end_of_stretch(&one.limit, now));
        match take(&one.limit, besides.as_ref().unwrap_or(&one.usage), cost, now) {
            Ok(_) if stays => {}
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
fn without_share(counted: &Counted, cost: Option<Money>, counted_at: Timestamp) -> Option<Usage> {
    let (limit, usage) = (&counted.limit, &counted.usage);
    // A limit that has counted only since then holds no share of this call.
    if usage.since.is_none_or(|since| to_micros(since) > counted_at) {
        return None;
    }
    let own = end_of_stretch(limit, counted_at);
    let mut besides = usage.clone();
    let at = besides.stretches.iter().position(|stretch| stretch.until == own)?;
    let stretch = besides.stretches.get_mut(at)?;
    stretch.calls = stretch.calls.checked_sub(1)?;
    // Never below zero, should the cost not have been counted here.
    stretch.cost = stretch.cost.saturating_sub(share_of(limit, cost)).max(Decimal::ZERO);
    if stretch.calls == 0 {
        besides.stretches.remove(at);
    }
    Some(besides)
}

/// What a call takes of the room of a limit on cost. Another currency is never counted: people were asked about such a call,
/// or it did not run.
fn share_of(limit: &Limit, cost: Option<Money>) -> Decimal {
    cost.filter(|cost| limit.cost.is_some_and(|most| most.currency() == cost.currency()))
        .map_or(Decimal::ZERO, |cost| cost.magnitude().amount())
}

/// What still counts at `now`.
fn in_window(limit: &Limit, usage: &Usage, now: Timestamp) -> Usage {
    let counts = |stretch: &&Stretch| limit.within.is_none_or(|window| after(stretch.until, window) > now);
    let stretches = usage.stretches.iter().filter(counts).copied().collect();
    Usage { since: usage.since, stretches, open: Vec::new() }
}

fn count(limit: &Limit, mut usage: Usage, cost: Option<Money>, now: Timestamp) -> Usage {
    usage.since = usage.since.or(Some(now));
    let until = end_of_stretch(limit, now);
    let cost = share_of(limit, cost);
    match usage.stretches.last_mut() {
        // Held at the end, which is beyond every bound.
        Some(last) if last.until >= until => {
            last.calls = last.calls.saturating_add(1);
            last.cost = last.cost.saturating_add(cost);
        }
        _ => usage.stretches.push(Stretch { until, calls: 1, cost }),
    }
    usage
}

/// The end of the stretch that `now` lies in.
fn end_of_stretch(limit: &Limit, now: Timestamp) -> Timestamp {
    let Some(window) = limit.within else { return Timestamp::MAX };
    // A window beyond 292,000 years is as good as one of these.
    let length = (i64::try_from(window.as_micros()).unwrap_or(i64::MAX) / STRETCHES).max(1);
    let micros = now.as_microsecond();
    let into = micros.rem_euclid(length);
    after(now, Span::from_micros(length - into))
}
