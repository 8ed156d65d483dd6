//! Days on which no person works.

use std::collections::BTreeSet;

use jiff::civil::Date;

/// A day of every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct YearDay {
    /// 1 to 12.
    pub month: i8,
    /// From 1 on. 29 February comes in leap years alone.
    pub day: i8,
}

/// A calendar of holidays. They are days of whatever zone the person lives in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays {
    /// Days of one year.
    pub dates: BTreeSet<Date>,
    /// Days of every year.
    pub yearly: BTreeSet<YearDay>,
}

impl Holidays {
    /// Whether it is a holiday.
    #[must_use]
    pub fn contains(&self, date: Date) -> bool {
        self.dates.contains(&date) || self.yearly.contains(&YearDay { month: date.month(), day: date.day() })
    }
}
