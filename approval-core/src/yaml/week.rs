//! Days and hours of a week.

use super::item::Item;
use crate::model::{TimeRange, WeeklyHours, weekdays};

/// Most stretches that one day of the week can have.
pub(crate) const RANGES_LIMIT: usize = 24;

const TOO_MANY: &str = "write at most 24 stretches for a day, longer ones";

impl Item<'_> {
    /// Stretches of a day: `09:00-12:00, 13:00-17:00`, or a list.
    pub(crate) fn ranges(&self) -> Vec<TimeRange> {
        let mut ranges = Vec::new();
        for one in self.up_to(RANGES_LIMIT, TOO_MANY) {
            let Some(text) = one.words() else { continue };
            for part in text.split(',') {
                if ranges.len() >= RANGES_LIMIT {
                    one.wrong_with(format!("is more than {RANGES_LIMIT} stretches of a day"), TOO_MANY);
                    return ranges;
                }
                ranges.extend(one.read("hours such as 09:00-17:00", |_| part.parse::<TimeRange>()));
            }
        }
        ranges
    }

    /// Adds the hours of an entry such as `mon-fri: 09:00-17:00`, of which this is the key.
    pub(crate) fn add_hours(&self, ranges: &Item<'_>, hours: &mut WeeklyHours) {
        let Some(days) = self.read("days of the week", weekdays) else { return };
        let ranges = ranges.ranges();
        for day in days {
            if hours.of(day).len().saturating_add(ranges.len()) > RANGES_LIMIT {
                self.wrong_with(
                    format!("gives a day of the week more than {RANGES_LIMIT} stretches"),
                    TOO_MANY,
                );
                return;
            }
            for range in &ranges {
                hours.add(day, *range);
            }
        }
    }
}
