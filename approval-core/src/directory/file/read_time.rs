//! Reading zones, dates, hours of the week and holidays.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{
    Span,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

use crate::{
    clock::Timestamp,
    directory::calendar::{Holidays, WeeklyHours, YearDay, moment_of, time_of_day},
    error::Invalid,
    model::Priority,
    yaml::{Entry, Item, LIST_LIMIT},
};

/// A time zone by its name in the IANA database.
pub(super) fn zone(item: &Item<'_>) -> Option<TimeZone> {
    let name = item.words()?;
    if item.document().is_full() {
        return None; // A name that is not known is looked for in many places.
    }
    let found = TimeZone::get(name).ok();
    if found.is_none() {
        let all: Vec<String> = jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).collect();
        let hint = match item.nearest(name, all.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write a name of the IANA time zone database, such as Europe/Berlin or UTC".to_owned(),
        };
        item.wrong_with(format!("there is no time zone `{name}`"), hint);
    }
    found
}

const MOMENT: &str = "write a date and a time, such as 2026-01-05 09:00";

/// A civil date and time, such as `2026-01-05 09:00`.
pub(super) fn civil(item: &Item<'_>) -> Option<DateTime> {
    item.read("a date and a time", |text| {
        let bad = || Invalid::new("date and time", text, "cannot be read").hint(MOMENT);
        let (date, time) = text.trim().split_once([' ', 'T']).ok_or_else(bad)?;
        let date = parse_date(date).ok_or_else(bad)?;
        Ok(date.to_datetime(time_of_day(time).filter(|_| !time.starts_with("24")).ok_or_else(bad)?))
    })
}

/// A time of the day, such as `17:00`.
pub(super) fn time(item: &Item<'_>) -> Option<Time> {
    item.read("a time of the day", |text| {
        time_of_day(text).ok_or_else(|| {
            Invalid::new("time", text, "is no time of the day").hint("write a time such as 17:00")
        })
    })
}

fn parse_date(text: &str) -> Option<Date> {
    let text = text.trim();
    // The library reads other forms too, such as 20261224.
    let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if plain { text.parse().ok() } else { None }
}

/// A moment: a date, or a date and a time. A date by itself is its beginning, or its end.
pub(super) fn moment(item: &Item<'_>, zone: &TimeZone, end: bool) -> Option<Timestamp> {
    let text = item.text()?;
    if let Some(date) = parse_date(text) {
        // The last day there is has no next one; it ends with time itself.
        let date = if end { date.saturating_add(Span::new().days(1)) } else { date };
        return Some(moment_of(date.to_datetime(Time::midnight()), zone));
    }
    Some(moment_of(civil(item)?, zone))
}

/// The longest row of holidays in one entry, in days.
const LONGEST_ROW: i32 = 400;

/// Holidays: dates, days of every year (`12-25`), and rows of dates (`2026-12-24..2026-12-31`). `left` days can be had.
pub(super) fn holidays(item: &Item<'_>, left: &mut usize) -> Holidays {
    let mut holidays = Holidays::default();
    for day in item.list_up_to(LIST_LIMIT, "drop those that are over").unwrap_or_default() {
        let before = holidays.dates.len().saturating_add(holidays.yearly.len());
        holiday(&day, &mut holidays);
        let more = holidays.dates.len().saturating_add(holidays.yearly.len()).saturating_sub(before);
        let Some(rest) = left.checked_sub(more) else {
            day.wrong_with("is more days than all calendars together may have", "drop those that are over");
            break;
        };
        *left = rest;
    }
    holidays
}

fn holiday(day: &Item<'_>, holidays: &mut Holidays) {
    let Some(text) = day.text() else { return };
    if let Some((from, to)) = text.split_once("..") {
        match (parse_date(from), parse_date(to)) {
            (Some(from), Some(to)) if from <= to && (to - from).get_days() <= LONGEST_ROW => {
                let days = std::iter::successors(Some(from), |date| date.tomorrow().ok());
                holidays.dates.extend(days.take_while(|date| *date <= to));
            }
            (Some(from), Some(to)) if from <= to => {
                day.wrong_with(format!("`{text}` is longer than {LONGEST_ROW} days"), "write shorter rows");
            }
            (Some(_), Some(_)) => {
                day.wrong_with(format!("`{text}` ends before it begins"), "write the earlier date first");
            }
            _ => day.wrong_with(format!("`{text}` is no row of dates"), "write 2026-12-24..2026-12-31"),
        }
    } else if let Some(date) = parse_date(text) {
        holidays.dates.insert(date);
    } else if let Some(yearly) = parse_year_day(text) {
        holidays.yearly.insert(yearly);
    } else {
        day.wrong_with(
            format!("`{text}` is no date"),
            "write 2026-12-24, 12-24 for every year, or 2026-12-24..2026-12-31",
        );
    }
}

fn parse_year_day(text: &str) -> Option<YearDay> {
    // 2000 was a leap year.
    let date = parse_date(&format!("2000-{}", text.trim()))?;
    Some(YearDay { month: date.month(), day: date.day() })
}

/// What the directory has named: hours and holidays.
#[derive(Default)]
pub(super) struct Named {
    pub(super) hours: BTreeMap<String, WeeklyHours>,
    pub(super) holidays: BTreeMap<String, Arc<Holidays>>,
}

/// The value of a name that was given before.
pub(super) fn named<'a, T>(item: &Item<'_>, what: &str, known: &'a BTreeMap<String, T>) -> Option<&'a T> {
    let name = item.words()?;
    let found = known.get(name);
    if found.is_none() {
        let hint = match item.nearest(name, known.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("name them under `directory.{what}` first"),
        };
        item.wrong_with(format!("there are no {what} of the name `{name}`"), hint);
    }
    found
}

/// Hours of the week: a name, or days with their hours.
pub(super) fn hours(item: &Item<'_>, named_hours: &BTreeMap<String, WeeklyHours>) -> Option<WeeklyHours> {
    if !item.is_map() && !item.is_list() {
        return named(item, "hours", named_hours).cloned();
    }
    let mut hours = WeeklyHours::new();
    for Entry { key, value } in item.entries()? {
        key.add_hours(&value, &mut hours);
    }
    if hours.is_empty() && item.document().is_clean() {
        item.wrong_with("there are no hours", "write mon-fri: 09:00-17:00, or leave the key out");
    }
    Some(hours)
}

/// A priority by its name.
pub(super) fn priority(item: &Item<'_>) -> Option<Priority> {
    item.choice(&[
        ("low", Priority::Low),
        ("medium", Priority::Medium),
        ("high", Priority::High),
        ("critical", Priority::Critical),
    ])
}
