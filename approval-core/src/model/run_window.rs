//! Hours of the week during which what was approved may run.

use std::{collections::BTreeMap, fmt};

use jiff::{civil::Weekday, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{Text, TimeRange, WEEK, WeeklyHours};
use crate::error::Invalid;

/// Hours of the week, in a time zone, during which a grant may be consumed. Outside of them nothing runs, and the time of a
/// grant is counted from their next opening.
///
/// ```
/// use approval_core::model::RunWindow;
/// let office = RunWindow::new("Europe/Berlin", [("mon-fri", "09:00-17:00")])?;
/// assert_eq!(office.to_string(), "mon-fri 09:00-17:00 Europe/Berlin");
/// # Ok::<(), approval_core::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct RunWindow {
    time_zone: Text,
    pub(crate) hours: WeeklyHours,
}

/// How it is stored: `{"time_zone": "Europe/Berlin", "hours": {"mon": ["09:00-17:00"]}}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    time_zone: Text,
    hours: BTreeMap<String, Vec<String>>,
}

impl RunWindow {
    /// A window of these days and their hours, in a time zone of the IANA database. Days are written `mon`, `mon-fri`,
    /// `sat, sun` or `daily`; hours `09:00-17:00`, or several with a comma between them; `22:00-06:00` goes on over midnight.
    ///
    /// # Errors
    /// When a zone, a day or an hour cannot be read, or there are no hours.
    pub fn new<'a>(
        time_zone: &str,
        hours: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Invalid> {
        let mut weekly = WeeklyHours::new();
        for (days, ranges) in hours {
            let days = weekdays(days)?;
            for range in ranges.split(',') {
                let range: TimeRange = range.parse()?;
                for day in &days {
                    weekly.add(*day, range);
                }
            }
        }
        Self::of(time_zone, weekly)
    }

    /// A window of these hours, in a time zone of the IANA database.
    ///
    /// # Errors
    /// When there is no such zone, or there are no hours.
    pub fn of(time_zone: &str, hours: WeeklyHours) -> Result<Self, Invalid> {
        if hours.is_empty() {
            return Err(
                Invalid::new("run window", time_zone, "has no hours").hint("write mon-fri: 09:00-17:00")
            );
        }
        let window = Self { time_zone: time_zone.into(), hours };
        window.zone()?;
        Ok(window)
    }

    /// Name of its time zone.
    #[must_use]
    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// Its hours.
    #[must_use]
    pub const fn hours(&self) -> &WeeklyHours {
        &self.hours
    }

    /// Its time zone.
    ///
    /// # Errors
    /// When this machine does not know it.
    pub(crate) fn zone(&self) -> Result<TimeZone, Invalid> {
        TimeZone::get(&self.time_zone).map_err(|_| {
            Invalid::new("time zone", &*self.time_zone, "is not known on this machine")
                .hint("write a name of the IANA time zone database, such as Europe/Berlin or UTC")
        })
    }
}

/// Days of the week: `mon`, `mon-fri`, `sat, sun`, `daily`.
pub(crate) fn weekdays(text: &str) -> Result<Vec<Weekday>, Invalid> {
    if text.trim() == "daily" {
        return Ok(WEEK.to_vec());
    }
    let bad = || {
        Invalid::new("days", text, "are no days of the week").hint("write mon, mon-fri, sat, sun or daily")
    };
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (weekday(first).ok_or_else(bad)?, weekday(last).ok_or_else(bad)?);
        let mut day = first;
        loop {
            if !days.contains(&day) {
                days.push(day);
            }
            if day == last {
                break;
            }
            day = day.next();
        }
    }
    Ok(days)
}

/// Names of the days, short and long.
const NAMES: [[&str; 2]; 7] = [
    ["mon", "monday"],
    ["tue", "tuesday"],
    ["wed", "wednesday"],
    ["thu", "thursday"],
    ["fri", "friday"],
    ["sat", "saturday"],
    ["sun", "sunday"],
];

fn weekday(text: &str) -> Option<Weekday> {
    let text = text.trim().to_lowercase();
    WEEK.into_iter().zip(NAMES).find_map(|(day, names)| names.contains(&text.as_str()).then_some(day))
}

impl From<RunWindow> for Stored {
    fn from(window: RunWindow) -> Self {
        let days = WEEK.into_iter().zip(NAMES).map(|(day, [name, _])| {
            (name.to_owned(), window.hours.of(day).iter().map(TimeRange::to_string).collect())
        });
        let hours = days.filter(|(_, ranges): &(String, Vec<String>)| !ranges.is_empty()).collect();
        Self { time_zone: window.time_zone, hours }
    }
}

impl TryFrom<Stored> for RunWindow {
    type Error = Invalid;

    /// The zone is looked up when the window is used: a row can be read where the zone is not known.
    fn try_from(stored: Stored) -> Result<Self, Invalid> {
        let mut hours = WeeklyHours::new();
        for (day, ranges) in &stored.hours {
            let day =
                weekday(day).ok_or_else(|| Invalid::new("day", day.as_str(), "is no day of the week"))?;
            for range in ranges {
                hours.add(day, range.parse()?);
            }
        }
        Ok(Self { time_zone: stored.time_zone, hours })
    }
}

impl fmt::Display for RunWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges = |day: Weekday| {
            let ranges: Vec<String> = self.hours.of(day).iter().map(TimeRange::to_string).collect();
            ranges.join(", ")
        };
        // Days that follow each other with the same hours are written together.
        let mut rows: Vec<(&str, &str, String)> = Vec::new();
        let mut together = false;
        for (day, [name, _]) in WEEK.into_iter().zip(NAMES) {
            let hours = ranges(day);
            if hours.is_empty() {
                together = false;
                continue;
            }
            match rows.last_mut() {
                Some((_, last, same)) if together && *same == hours => *last = name,
                _ => rows.push((name, name, hours)),
            }
            together = true;
        }
        for (first, last, hours) in rows {
            if first == last {
                write!(f, "{first} {hours} ")?;
            } else {
                write!(f, "{first}-{last} {hours} ")?;
            }
        }
        f.write_str(&self.time_zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_stored_as_text_and_read_again() {
        let window = RunWindow::new(
            "Europe/Berlin",
            [("mon-wed", "09:00-12:00, 13:00-17:00"), ("sat", "22:00-06:00")],
        );
        let window = window.unwrap();
        assert_eq!(window.to_string(), "mon-wed 09:00-12:00, 13:00-17:00 sat 22:00-06:00 Europe/Berlin");
        let text = serde_json::to_string(&window).unwrap();
        assert_eq!(
            text,
            r#"{"time_zone":"Europe/Berlin","hours":{"mon":["09:00-12:00","13:00-17:00"],"sat":["22:00-06:00"],"tue":["09:00-12:00","13:00-17:00"],"wed":["09:00-12:00","13:00-17:00"]}}"#
        );
        assert_eq!(serde_json::from_str::<RunWindow>(&text).unwrap(), window);
    }

    #[test]
    fn a_window_that_cannot_be_read_is_refused() {
        for (zone, days, hours) in [
            ("Europe/Atlantis", "mon", "09:00-17:00"),
            ("UTC", "mo", "09:00-17:00"),
            ("UTC", "mon", "9-17"),
            ("UTC", "mon", "09:00-09:00"),
        ] {
            assert!(RunWindow::new(zone, [(days, hours)]).is_err(), "{zone} {days} {hours}");
        }
        assert!(RunWindow::new("UTC", []).is_err());
        for stored in
            [r#"{"time_zone":"UTC","hours":{"mo":[]}}"#, r#"{"time_zone":"UTC","hours":{"mon":["9"]}}"#]
        {
            assert!(serde_json::from_str::<RunWindow>(stored).is_err(), "{stored}");
        }
    }
}
