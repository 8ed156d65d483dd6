//! When a person works.

use std::sync::Arc;

use jiff::{Span, civil::Date, tz::TimeZone};

use super::{Holidays, Period, WeeklyHours};
use crate::clock::Timestamp;

/// How many days ahead an opening is looked for: more than two years, of holidays that follow each other without a gap.
const HORIZON: usize = 800;

/// When a person works: hours of the week in a time zone, but for holidays and absences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The zone in which the hours and the holidays are meant.
    pub zone: TimeZone,
    /// `None`: at any hour, holidays included.
    pub hours: Option<WeeklyHours>,
    /// Hours that would begin on one of these days do not take place. Those that began the day before go on.
    pub holidays: Vec<Arc<Holidays>>,
    /// Absences.
    pub away: Vec<Period>,
}

impl Schedule {
    /// Open at any hour.
    #[must_use]
    pub const fn always(zone: TimeZone) -> Self {
        Self { zone, hours: None, holidays: Vec::new(), away: Vec::new() }
    }

    /// Whether it is open at a moment.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        if self.away.iter().any(|period| period.contains(at)) {
            return false;
        }
        self.hours.is_none() || self.stretches(self.date(at), 0).any(|stretch| stretch.contains(at))
    }

    /// The first moment from `at` on (`at` itself included) that is open. `None`: none within two years.
    #[must_use]
    pub fn next_opening(&self, at: Timestamp) -> Option<Timestamp> {
        let at = self.back(at);
        if self.hours.is_none() {
            return Some(at);
        }
        self.stretches(self.date(at), HORIZON).find_map(|stretch| {
            let opening = self.back(stretch.from.max(at));
            (opening < stretch.to).then_some(opening)
        })
    }

    /// A moment after `at` before which it does not change whether it is open. `None`: it never changes, as far as can be
    /// seen.
    #[must_use]
    pub fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        if !self.is_open(at) {
            return self.next_opening(at);
        }
        let leaving = self.away.iter().map(|period| period.from).filter(|from| *from > at);
        let closing = self
            .hours
            .iter()
            .flat_map(|_| self.stretches(self.date(at), 0))
            .filter_map(|stretch| stretch.contains(at).then_some(stretch.to));
        leaving.chain(closing).min()
    }

    /// The civil date at a moment.
    fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// The first moment from `at` on at which no absence holds.
    fn back(&self, mut at: Timestamp) -> Timestamp {
        // Absences may follow each other, in any order.
        while let Some(period) = self.away.iter().find(|period| period.contains(at)) {
            at = period.to;
        }
        at
    }

    /// What begins from the day before `date` until `days` after the day behind it, in the order in which it begins. With 0
    /// days: all that may contain a moment of `date`. What began the day before goes on over midnight; what began the day
    /// after goes on while the clock, set back over midnight, shows `date` again.
    fn stretches(&self, date: Date, days: usize) -> impl Iterator<Item = Period> {
        let yesterday = date.saturating_sub(Span::new().days(1));
        let dates = std::iter::successors(Some(yesterday), |date| date.tomorrow().ok());
        dates.take(days.saturating_add(3)).flat_map(move |date| {
            let holiday = self.holidays.iter().any(|holidays| holidays.contains(date));
            let hours = self.hours.as_ref().filter(|_| !holiday);
            let ranges = hours.map_or(&[][..], |hours| hours.of(date.weekday()));
            ranges.iter().map(move |range| range.on(date, &self.zone))
        })
    }
}
