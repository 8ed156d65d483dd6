//! What the tests of calendars share.

mod clocks;
mod quiet;
mod rotation;
mod schedule;

use jiff::tz::TimeZone;

use super::*;
use crate::clock::{Span, Timestamp};

/// Zones whose clocks are set in every way: an hour in either hemisphere, half an hour, never, and by a whole day once.
pub(super) const ZONES: [&str; 10] = [
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Africa/Casablanca",
    "Pacific/Apia",
    "UTC",
];

pub(super) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn ranges(text: &str) -> Vec<TimeRange> {
    text.split(',').map(|range| range.trim().parse().unwrap()).collect()
}

/// These hours from Monday to Friday.
pub(super) fn weekdays(text: &str) -> WeeklyHours {
    ranges(text)
        .into_iter()
        .fold(WeeklyHours::new(), |hours, range| hours.on(WEEK.into_iter().take(5), range))
}

/// These hours on every day.
pub(super) fn daily(text: &str) -> WeeklyHours {
    ranges(text).into_iter().fold(WeeklyHours::new(), |hours, range| hours.on(WEEK, range))
}

pub(super) fn schedule(name: &str, hours: WeeklyHours) -> Schedule {
    Schedule { hours: Some(hours), ..Schedule::always(zone(name)) }
}

pub(super) fn minutes(count: i64) -> Span {
    Span::from_mins(count)
}

/// A moment between 2011 and 2031: Samoa skipped a day in 2011.
pub(super) fn any_moment() -> impl proptest::strategy::Strategy<Value = Timestamp> {
    use proptest::strategy::Strategy;
    let first = at("2011-01-01T00:00:00Z").as_second();
    (first..first + 20 * 366 * 86_400).prop_map(|second| Timestamp::from_second(second).unwrap())
}

pub(super) fn any_zone() -> impl proptest::strategy::Strategy<Value = &'static str> {
    proptest::sample::select(ZONES.to_vec())
}
