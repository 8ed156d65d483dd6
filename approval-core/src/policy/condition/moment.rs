//! `now` in conditions: a moment, with the calendar of any time zone.

use jiff::{Zoned, tz::TimeZone};

use crate::clock::Timestamp;

/// Reads one thing of the calendar.
pub(super) type Part = fn(&Zoned) -> i64;

/// What can be asked of a moment. The numbering is that of CEL: months, days of the month and of the year from 0, except
/// `getDate`; days of the week from 0, Sunday.
pub(super) const PARTS: [(&str, Part); 9] = [
    ("getFullYear", |at| i64::from(at.year())),
    ("getMonth", |at| i64::from(at.month()) - 1),
    ("getDate", |at| i64::from(at.day())),
    ("getDayOfMonth", |at| i64::from(at.day()) - 1),
    ("getDayOfYear", |at| i64::from(at.day_of_year()) - 1),
    ("getDayOfWeek", |at| i64::from(at.weekday().to_sunday_zero_offset())),
    ("getHours", |at| i64::from(at.hour())),
    ("getMinutes", |at| i64::from(at.minute())),
    ("getSeconds", |at| i64::from(at.second())),
];

/// The part of this name.
pub(super) fn part(name: &str) -> Option<Part> {
    PARTS.iter().find(|(known, _)| *known == name).map(|(_, part)| *part)
}

/// A part of a moment in a time zone, by its name.
pub(super) fn read(part: Part, moment: Timestamp, zone: TimeZone) -> i64 {
    part(&moment.to_zoned(zone))
}

/// The time zone of this name: `Europe/Berlin`, `UTC`, or an offset such as `+02:00`.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    let offset = || {
        let (sign, rest) =
            name.strip_prefix('+').map(|rest| (1, rest)).or_else(|| Some((-1, name.strip_prefix('-')?)))?;
        let (hours, minutes) = rest.split_once(':')?;
        let seconds = hours.parse::<u8>().ok().filter(|h| *h < 24)?;
        let minutes = minutes.parse::<u8>().ok().filter(|m| *m < 60)?;
        let seconds = i32::from(seconds) * 3600 + i32::from(minutes) * 60;
        Some(TimeZone::fixed(jiff::tz::Offset::from_seconds(sign * seconds).ok()?))
    };
    offset().or_else(|| TimeZone::get(name).ok())
}
