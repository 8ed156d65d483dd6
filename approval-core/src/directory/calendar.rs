//! Working hours, quiet hours, holidays, absences and on-call rotations: pure functions on plain data. They know no clock;
//! the moment is handed in.
//!
//! Times of the day are *civil*: what the wall clock of a zone shows. The moment of a civil time is the first one at which
//! the wall clock shows it or a later time: a time that is skipped when clocks go forward happens when they do, a time that is
//! shown twice when clocks go back happens the first time. So moments follow each other as civil times do, and what lies
//! between two civil times is one stretch of time. The same holds where a zone skips a whole day, as Samoa did with 30
//! December 2011, or has one twice: hours of a skipped day are empty, and those of a day that is shown twice come once.

mod digest;
mod holidays;
mod quiet;
mod rotation;
mod schedule;
#[cfg(test)]
mod tests;

pub use digest::Digest;
pub use holidays::{Holidays, YearDay};
pub use quiet::{QuietHours, QuietRule};
pub use rotation::{Override, Rotation, Shift};
pub use schedule::Schedule;

#[cfg(feature = "file")]
pub(crate) use crate::model::time_of_day;
pub use crate::model::{Period, TimeRange, WEEK, WeeklyHours, moment_of};
