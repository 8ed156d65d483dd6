//! Hours of a week.

use std::{fmt, str::FromStr};

use jiff::{
    civil::{Date, DateTime, Time, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};

use crate::{clock::Timestamp, error::Invalid};

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

impl Period {
    /// Whether a moment lies within it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// The first moment at which the wall clock of the zone shows `civil` or a later time. A time that is skipped, also with its
/// whole day, gives the moment at which the clock is set; a time that is shown twice gives the first of its two moments.
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

/// A stretch of a day, such as `09:00-17:00`. One that does not end later than it begins goes on over midnight, into the next
/// day: `22:00-06:00`; `00:00-24:00` is a whole day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeRange {
    /// When it begins, on its day.
    pub from: Time,
    /// When it ends: on the same day if that is later than `from`, else on the next.
    pub to: Time,
}

impl TimeRange {
    /// A whole day.
    pub const ALL_DAY: Self = Self { from: Time::midnight(), to: Time::midnight() };

    /// Whether it ends on the day after the one on which it begins.
    #[must_use]
    pub fn crosses_midnight(self) -> bool {
        self.to <= self.from
    }

    /// The stretch of time that it is, if it begins on `date` in this zone. The wall clock shows the day before `date` within
    /// it, if it is set back over midnight meanwhile.
    #[must_use]
    pub fn on(self, date: Date, zone: &TimeZone) -> Period {
        let last =
            if self.crosses_midnight() { date.saturating_add(jiff::Span::new().days(1)) } else { date };
        Period {
            from: moment_of(date.to_datetime(self.from), zone),
            to: moment_of(last.to_datetime(self.to), zone),
        }
    }
}

/// A time of the day as people write it: `09:00`, `9:00`, `17:30`; `24:00` is midnight.
pub(crate) fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |part: &str, most: i8| -> Option<i8> {
        let digits = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|number| digits && *number <= most)
    };
    if minute.len() != 2 {
        return None;
    }
    match (number(hour, 24)?, number(minute, 59)?) {
        (24, 0) => Some(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}

impl FromStr for TimeRange {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bad = |why: &str, hint: &str| Invalid::new("hours", text, why).hint(hint);
        let ends = text.split_once(['-', '–']);
        let read =
            ends.and_then(|(from, to)| Some((Self { from: time_of_day(from)?, to: time_of_day(to)? }, to)));
        match read {
            None => Err(bad(
                "are not a time from and a time to",
                "write 09:00-17:00, or 22:00-06:00 over midnight",
            )),
            Some((range, to)) if range.from == range.to && !to.trim().starts_with("24") => {
                Err(bad("begin and end at the same time", "write 00:00-24:00 for a whole day"))
            }
            Some((range, _)) => Ok(range),
        }
    }
}

impl fmt::Display for TimeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        let (hour, minute) = if to == Time::midnight() { (24, 0) } else { (to.hour(), to.minute()) };
        write!(f, "{:02}:{:02}-{hour:02}:{minute:02}", from.hour(), from.minute())
    }
}

/// Stretches of each weekday.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WeeklyHours {
    /// From Monday on; each sorted.
    days: [Vec<TimeRange>; 7],
}

/// Monday to Sunday.
pub const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

impl WeeklyHours {
    /// No hours at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same hours on these days.
    #[must_use]
    pub fn on(mut self, days: impl IntoIterator<Item = Weekday>, range: TimeRange) -> Self {
        for day in days {
            self.add(day, range);
        }
        self
    }

    /// Adds a stretch that begins on this day of the week.
    pub fn add(&mut self, day: Weekday, range: TimeRange) {
        if let Some(ranges) =
            usize::try_from(day.to_monday_zero_offset()).ok().and_then(|at| self.days.get_mut(at))
        {
            ranges.push(range);
            ranges.sort_unstable();
        }
    }

    /// The stretches that begin on this day of the week, in their order.
    #[must_use]
    pub fn of(&self, day: Weekday) -> &[TimeRange] {
        usize::try_from(day.to_monday_zero_offset())
            .ok()
            .and_then(|at| self.days.get(at))
            .map_or(&[], Vec::as_slice)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.iter().all(Vec::is_empty)
    }
}
