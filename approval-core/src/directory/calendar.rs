//! Working hours, quiet hours, holidays, absences and on-call rotations: pure functions on plain data. They know no clock;
//! the moment is handed in.
//!
//! Times of the day are *civil*: what the wall clock of a zone shows. The moment of a civil time is the first one at which
//! the wall clock shows it or a later time of that day: a time that is skipped when clocks go forward happens when they do,
//! a time that is shown twice when clocks go back happens the first time. So moments follow each other as civil times do, and
//! what lies between two civil times is one stretch of time.

mod digest;
mod holidays;
mod hours;
mod quiet;
mod rotation;
mod schedule;
#[cfg(test)]
mod tests;

use jiff::{
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

pub use digest::Digest;
pub use holidays::{Holidays, YearDay};
#[cfg(feature = "file")]
pub(crate) use hours::time_of_day;
pub use hours::{TimeRange, WEEK, WeeklyHours};
pub use quiet::{QuietHours, QuietRule};
pub use rotation::{Override, Rotation, Shift};
pub use schedule::{Period, Schedule};

use crate::clock::Timestamp;

/// The first moment at which the wall clock of the zone shows `civil` or a later time of that day.
#[must_use]
pub fn moment_of(civil: DateTime, zone: &TimeZone) -> Timestamp {
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    let moment = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(civil),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(civil),
        AmbiguousOffset::Gap { after, .. } => after.to_timestamp(civil).map(|shortly_before| {
            zone.following(shortly_before).next().map_or(shortly_before, |transition| transition.timestamp())
        }),
    };
    // Civil times reach a day further than moments at both ends of time.
    moment.unwrap_or(if civil.year() > 0 { Timestamp::MAX } else { Timestamp::MIN })
}
