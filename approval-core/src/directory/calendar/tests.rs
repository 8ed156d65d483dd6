//! What the tests of calendars share.

mod clocks;
mod quiet;
mod rotation;
mod schedule;

use jiff::tz::TimeZone;

use super::*;
use crate::clock::{Span, Timestamp};

/// Zones whose clocks are set in every way: an hour in either hemisphere, half an hour, never, and by a whole day once.
/// [`CHANGES`] has what happened before 2011.
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

/// When clocks were set by a day, or over midnight.
pub(super) const CHANGES: [(&str, &str); 9] = [
    // 30 December 2011 was skipped.
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Pacific/Fakaofo", "2011-12-30T11:00:00Z"),
    // 21 August 1993 was skipped; 30 September 1969 came twice, but for an hour.
    ("Pacific/Kwajalein", "1993-08-21T12:00:00Z"),
    ("Pacific/Kwajalein", "1969-09-30T13:00:00Z"),
    // 4 July 1892 came twice.
    ("Pacific/Apia", "1892-07-04T11:26:56Z"),
    // From the afternoon of 19 October 1867 to that of the 18th.
    ("America/Juneau", "1867-10-19T00:31:13Z"),
    // From 00:01 to 23:01, and from 02:00 to 23:00, of the day before.
    ("America/St_Johns", "2010-11-07T02:31:00Z"),
    ("Antarctica/Casey", "2010-03-04T15:00:00Z"),
    // From 01:00 to 00:00: the midnight is shown twice.
    ("Atlantic/Azores", "2026-10-25T01:00:00Z"),
];

/// A zone and a moment; half of the time within three days of one of [`CHANGES`].
pub(super) fn any_place_and_moment() -> impl proptest::strategy::Strategy<Value = (&'static str, Timestamp)> {
    use proptest::strategy::Strategy;
    let near = (proptest::sample::select(CHANGES.to_vec()), -3 * 86_400_i64..3 * 86_400);
    let near = near.prop_map(|((name, change), seconds)| (name, at(change) + Span::from_secs(seconds)));
    proptest::prop_oneof![(any_zone(), any_moment()), near]
}

/// What [`moment_of`] says of itself, found by going from one setting of the clock to the next.
pub(super) fn first_shown(civil: jiff::civil::DateTime, zone: &TimeZone) -> Timestamp {
    // No wall clock is 26 hours or more away from UTC.
    let mut from = TimeZone::UTC.to_timestamp(civil).unwrap() - Span::from_hours(48);
    loop {
        let shown = zone.to_offset(from).to_timestamp(civil).unwrap().max(from);
        match zone.following(from).next() {
            Some(set) if set.timestamp() <= shown => from = set.timestamp(),
            _ => return shown,
        }
    }
}

/// Whether hours that begin on a day of which `works` says so contain a moment.
pub(super) fn covered(
    hours: &WeeklyHours,
    zone: &TimeZone,
    at: Timestamp,
    works: impl Fn(jiff::civil::Date) -> bool,
) -> bool {
    let around = TimeZone::UTC.to_datetime(at).date();
    let days = (-5..=5).map(|days| around + jiff::Span::new().days(days)).filter(|day| works(*day));
    let stretches = days.flat_map(|day| hours.of(day.weekday()).iter().map(move |range| (day, range)));
    stretches.into_iter().any(|(day, range)| {
        let last = if range.to <= range.from { day.tomorrow().unwrap() } else { day };
        first_shown(day.to_datetime(range.from), zone) <= at
            && at < first_shown(last.to_datetime(range.to), zone)
    })
}
