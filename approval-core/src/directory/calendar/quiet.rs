//! When a person does not want to be disturbed, and by what.

use jiff::{Span, tz::TimeZone};

use super::{Period, WeeklyHours};
use crate::{clock::Timestamp, model::Priority};

/// Hours in which what is not important enough waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietRule {
    /// When.
    pub hours: WeeklyHours,
    /// What waits: everything of this priority or a lower one.
    pub up_to: Priority,
}

/// A person's quiet hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// The zone in which the hours are meant.
    pub zone: TimeZone,
    /// In any order.
    pub rules: Vec<QuietRule>,
}

/// Quiet hours that follow each other are not followed further than this many times: nothing waits for ever.
const LONGEST: usize = 16;

impl QuietHours {
    /// Until when something of this priority waits; `None` if it need not.
    #[must_use]
    pub fn until(&self, priority: Priority, at: Timestamp) -> Option<Timestamp> {
        let mut end = at;
        for _ in 0..LONGEST {
            match self.end(priority, end) {
                Some(next) => end = next,
                None => break,
            }
        }
        (end > at).then_some(end)
    }

    /// Whether there is a priority of which no notice could be sent at any hour of the week.
    #[must_use]
    pub fn never_end(&self) -> bool {
        // No clock is set in UTC, and any week is like any other.
        let quiet = Self { zone: TimeZone::UTC, rules: self.rules.clone() };
        let start = Timestamp::UNIX_EPOCH;
        let longest = crate::clock::Span::from_hours(7 * 24);
        quiet.until(Priority::Low, start).is_some_and(|end| end.duration_since(start) >= longest)
    }

    /// The end of the quiet hours that a moment lies in.
    fn end(&self, priority: Priority, at: Timestamp) -> Option<Timestamp> {
        let today = self.zone.to_datetime(at).date();
        let yesterday = today.saturating_sub(Span::new().days(1));
        // Its hours have begun already if the clock was set back over midnight since.
        let tomorrow = today.saturating_add(Span::new().days(1));
        let rules = self.rules.iter().filter(|rule| priority <= rule.up_to);
        let stretches = rules.flat_map(|rule| {
            [yesterday, today, tomorrow].into_iter().flat_map(|date| {
                rule.hours.of(date.weekday()).iter().map(move |range| range.on(date, &self.zone))
            })
        });
        stretches.filter(|stretch: &Period| stretch.contains(at)).map(|stretch| stretch.to).max()
    }
}
