//! What one counter of a limit holds.
//!
//! A window slides: calls are counted in stretches of a sixtieth of it, and a stretch counts until its last moment has left
//! the window. So no window, wherever it begins, holds more than the limit; room comes back up to a sixtieth late. Without a
//! window calls are added to the last stretch, which ends with the last call, so that a window that a limit gets later begins
//! there.
//!
//! The share of a call is found by the end that its stretch had at first. Stretches are in the order of their ends, and ends only
//! grow: no two have the same first end, and no later stretch has that of one that left the window.

use rust_decimal::Decimal;

use super::LimitReached;
use crate::{
    clock::{Span, Timestamp, after, to_micros},
    model::{Limit, Money, Share, Stretch, Text, Usage},
};

/// Stretches that a window has.
const STRETCHES: i64 = 60;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A call that runs.
    Run,
    /// A call that may run later.
    Place,
}

/// Whether there is room for one more call at `now`: for a run besides the runs, for a place besides runs and places.
///
/// # Errors
/// Why there is none.
pub(super) fn fits(
    limit: &Limit,
    usage: &Usage,
    cost: Option<Money>,
    now: Timestamp,
    kind: Kind,
) -> Result<(), Box<LimitReached>> {
    if limit.only_counts {
        return Ok(());
    }
    let refuse = |why: String, room_at: Option<Timestamp>| {
        Err(Box::new(LimitReached { limit: limit.name.clone(), why, room_at }))
    };
    if let (Some(lasts), Some(since)) = (limit.lasts, usage.since)
        && now >= after(since, lasts)
    {
        let why = format!("calls may be made for {} s after the first at {since}", lasts.as_secs());
        return refuse(why, None);
    }
    if let (Some(most), Some(cost)) = (limit.cost, cost)
        && cost.currency() != most.currency()
    {
        return refuse(format!("{cost} cannot be counted in {}", most.currency()), None);
    }
    let usage = in_window(limit, usage, now);
    let Some(why) = full(limit, &usage.stretches, cost, kind) else { return Ok(()) };
    // There is room once so many of the oldest stretches have left the window.
    let room_at = limit.within.and_then(|window| {
        let mut oldest = usage.stretches.iter().enumerate();
        oldest.find_map(|(place, stretch)| {
            let later = usage.stretches.get(place.checked_add(1)?..)?;
            full(limit, later, cost, kind).is_none().then(|| after(stretch.until, window))
        })
    });
    refuse(why, room_at)
}

/// Why there is no room beside what these stretches hold.
fn full(limit: &Limit, stretches: &[Stretch], cost: Option<Money>, kind: Kind) -> Option<String> {
    // Held at the end, which is beyond every bound.
    let sum = |of: fn(&Stretch) -> u64| stretches.iter().map(of).fold(0_u64, u64::saturating_add);
    let runs = sum(|stretch| stretch.calls);
    let places = if kind == Kind::Place { sum(|stretch| stretch.places) } else { 0 };
    if let Some(most) = limit.calls
        && runs.saturating_add(places) >= u64::from(most)
    {
        let waiting = if places > 0 { format!(", and {places} may run later") } else { String::new() };
        return Some(format!("{runs} of {most} calls were made{waiting}"));
    }
    let (Some(most), Some(cost)) = (limit.cost, cost) else { return None };
    let spent = spent_in(stretches, kind);
    // A credit takes as much room as a payment: it never gives room back.
    let fits = spent
        .and_then(|spent| spent.checked_add(cost.magnitude().amount()))
        .is_some_and(|sum| sum <= most.amount());
    if fits {
        return None;
    }
    let spent =
        spent.map_or_else(|| "too much".to_owned(), |spent| Money::new(spent, most.currency()).to_string());
    let waiting = if places > 0 { " or may be spent by calls that run later" } else { "" };
    Some(format!("{spent} of {most} are spent{waiting}, and this call costs {cost}"))
}

/// What calls have cost, in the currency of the limit; `None`: more than can be counted.
fn spent_in(stretches: &[Stretch], kind: Kind) -> Option<Decimal> {
    stretches.iter().try_fold(Decimal::ZERO, |sum, stretch| {
        let sum = sum.checked_add(stretch.cost)?;
        if kind == Kind::Place { sum.checked_add(stretch.places_cost) } else { Some(sum) }
    })
}

/// What calls that still count at `now` have cost or may cost, in the currency of the limit.
pub(super) fn spent(limit: &Limit, usage: &Usage, now: Timestamp) -> Decimal {
    // Held at the end: more than that is over every limit.
    spent_in(&in_window(limit, usage, now).stretches, Kind::Place).unwrap_or(Decimal::MAX)
}

/// The same counter with one more call at `now`, whether or not there is room for it; and the share that this call has in it.
pub(super) fn add(
    limit: &Limit,
    counter: &Text,
    usage: &Usage,
    cost: Option<Money>,
    now: Timestamp,
    kind: Kind,
) -> (Usage, Share) {
    let mut usage = in_window(limit, usage, now);
    usage.since = usage.since.or(Some(now));
    let cost = room_for(limit, cost);
    let stretch = put(&mut usage, end_of_stretch(limit, now), limit.within.is_none(), cost, kind);
    (usage, Share { counter: Text::clone(counter), stretch, cost })
}

/// The same counter, in which a call with a share runs at `now`, and no limit says any more for how long that counts; and the
/// share that the run has in it. `None`: the counter does not hold the share.
pub(super) fn as_run(usage: &Usage, share: &Share, now: Timestamp, kind: Kind) -> Option<(Usage, Share)> {
    let mut usage = without(usage, share, kind)?;
    // Together with what was counted last, which then counts as long as this: longer than a limit may say, and never shorter.
    let stretch = put(&mut usage, to_micros(now), true, share.cost, Kind::Run);
    Some((usage, Share { stretch, ..share.clone() }))
}

/// Adds a call to a stretch that ends at `until` or later: to the last one if that does, to a new one otherwise. `moves`: the end
/// of the last one moves there instead. Returns the name of the stretch.
fn put(usage: &mut Usage, until: Timestamp, moves: bool, cost: Decimal, kind: Kind) -> Timestamp {
    let joins = |last: &mut Stretch| moves || last.until >= until;
    let mut own = usage
        .stretches
        .pop_if(joins)
        .map_or(Stretch { until, ..Stretch::EMPTY }, |last| reaching(last, until));
    let (calls, sum) = of_kind(&mut own, kind);
    // Held at the end, which is beyond every bound.
    *calls = calls.saturating_add(1);
    *sum = sum.saturating_add(cost);
    let name = own.name();
    usage.stretches.push(own);
    name
}

/// The same stretch, which ends at `until` or later.
fn reaching(last: Stretch, until: Timestamp) -> Stretch {
    if last.until == Timestamp::MAX {
        // Stored before with no end. Now there is one: its last call is this one.
        Stretch { until, ..last }
    } else if last.until < until {
        Stretch { first_until: Some(last.name()), until, ..last }
    } else {
        last
    }
}

/// The same counter without the share of one call; `None`: it does not hold that.
pub(super) fn without(usage: &Usage, share: &Share, kind: Kind) -> Option<Usage> {
    let at = usage.stretches.iter().position(|stretch| stretch.name() == share.stretch)?;
    let mut besides = usage.clone();
    let stretch = besides.stretches.get_mut(at)?;
    let (calls, sum) = of_kind(stretch, kind);
    *calls = calls.checked_sub(1)?;
    *sum = sum.saturating_sub(share.cost).max(Decimal::ZERO);
    if stretch.is_empty() {
        besides.stretches.remove(at);
    }
    Some(besides)
}

/// How many calls of a kind a stretch holds, and what they cost.
const fn of_kind(stretch: &mut Stretch, kind: Kind) -> (&mut u64, &mut Decimal) {
    match kind {
        Kind::Run => (&mut stretch.calls, &mut stretch.cost),
        Kind::Place => (&mut stretch.places, &mut stretch.places_cost),
    }
}

/// The room that a call takes of a limit on cost. Another currency is never counted: people were asked about such a call, or
/// it did not run.
fn room_for(limit: &Limit, cost: Option<Money>) -> Decimal {
    cost.filter(|cost| limit.cost.is_some_and(|most| most.currency() == cost.currency()))
        .map_or(Decimal::ZERO, |cost| cost.magnitude().amount())
}

/// What still counts at `now`. In stores of before, a stretch without an end is of a limit without a window, and nothing tells
/// when its last call was: once there is a window, it counts from its first.
fn in_window(limit: &Limit, usage: &Usage, now: Timestamp) -> Usage {
    let Some(window) = limit.within else {
        return Usage { since: usage.since, stretches: usage.stretches.clone(), open: Vec::new() };
    };
    let endless = end_of_stretch(limit, usage.since.unwrap_or(now));
    let bounded = |stretch: &Stretch| Stretch {
        until: if stretch.until == Timestamp::MAX { endless } else { stretch.until },
        ..*stretch
    };
    let counts = |stretch: &Stretch| after(stretch.until, window) > now;
    let stretches = usage.stretches.iter().map(bounded).filter(counts).collect();
    Usage { since: usage.since, stretches, open: Vec::new() }
}

/// The end of the stretch that `now` lies in.
fn end_of_stretch(limit: &Limit, now: Timestamp) -> Timestamp {
    let Some(window) = limit.within else { return to_micros(now) };
    // A window beyond 292,000 years is as good as one of these.
    let length = (i64::try_from(window.as_micros()).unwrap_or(i64::MAX) / STRETCHES).max(1);
    let micros = now.as_microsecond();
    let into = micros.rem_euclid(length);
    after(to_micros(now), Span::from_micros(length - into))
}
