//! Hours of the week such as `"mon-fri 09:00-17:00 Europe/Berlin"`, read while the macro expands.

use syn::LitStr;

/// When what was approved or allowed may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) time_zone: String,
    /// Days, and hours on them.
    pub(crate) hours: Vec<(String, String)>,
}

const FORM: &str = "write days, hours and a time zone, such as \"mon-fri 09:00-17:00 Europe/Berlin\"";
const DAYS: [&str; 14] = [
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Reads `"mon-fri 09:00-12:00, 13:00-17:00 sat 10:00-12:00 Europe/Berlin"`. Whether there is such a time zone is known only
/// where the program runs.
pub(crate) fn parse(literal: &LitStr) -> syn::Result<Window> {
    parse_text(&literal.value()).map_err(|message| syn::Error::new(literal.span(), message))
}

fn parse_text(text: &str) -> Result<Window, String> {
    let commas: Vec<&str> = text.split(',').map(str::trim).collect();
    let joined = commas.join(",");
    let mut words: Vec<&str> = joined.split_whitespace().collect();
    let Some(zone) = words.pop() else { return Err(format!("a run window is missing: {FORM}")) };
    if is_days(zone) || zone.contains(':') {
        return Err(format!("`{text}` lacks a time zone: {FORM}"));
    }
    if !is_zone(zone) {
        return Err(format!("`{zone}` is no time zone: write a name such as Europe/Berlin or UTC"));
    }
    if words.is_empty() {
        return Err(format!("`{text}` has no hours: {FORM}"));
    }
    let mut hours = Vec::new();
    for pair in words.chunks(2) {
        let [days, ranges] = pair else {
            return Err(format!("hours are missing after `{}`: {FORM}", pair.concat()));
        };
        if !is_days(days) {
            return Err(format!("`{days}` are no days of the week: write mon, mon-fri, sat,sun or daily"));
        }
        for range in ranges.split(',') {
            check_range(range)?;
        }
        hours.push(((*days).to_owned(), (*ranges).to_owned()));
    }
    Ok(Window { time_zone: zone.to_owned(), hours })
}

fn is_days(text: &str) -> bool {
    let known = |day: &str| DAYS.contains(&day.to_lowercase().as_str());
    let ends = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        known(first) && known(last)
    };
    text == "daily" || text.split(',').all(ends)
}

/// Whether it is written as names of the IANA time zone database are.
fn is_zone(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
    };
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.split('/').all(part)
}

fn check_range(text: &str) -> Result<(), String> {
    let hours = "write 09:00-17:00, or 22:00-06:00 over midnight";
    let ends = text.split_once(['-', '–']);
    let Some((from, to)) = ends.and_then(|(from, to)| Some((minute_of_day(from)?, minute_of_day(to)?)))
    else {
        return Err(format!("`{text}` are not hours from and to: {hours}"));
    };
    if from % 1440 == to % 1440 && to != 1440 {
        return Err(format!("`{text}` begin and end at the same time: write 00:00-24:00 for a whole day"));
    }
    Ok(())
}

/// `9:00`, `17:30`, `24:00`.
fn minute_of_day(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=2).contains(&hour.len()) || minute.len() != 2 || !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && (hour < 24 || hour == 24 && minute == 0)).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(hours: &[(&str, &str)]) -> Vec<(String, String)> {
        hours.iter().map(|(days, hours)| ((*days).to_owned(), (*hours).to_owned())).collect()
    }

    #[test]
    fn reads_days_hours_and_a_zone() {
        for (text, zone, hours) in [
            ("mon-fri 09:00-17:00 Europe/Berlin", "Europe/Berlin", vec![("mon-fri", "09:00-17:00")]),
            (
                "mon-wed 09:00-12:00, 13:00-17:00 sat, sun 22:00-06:00 UTC",
                "UTC",
                vec![("mon-wed", "09:00-12:00,13:00-17:00"), ("sat,sun", "22:00-06:00")],
            ),
            ("daily 0:00-24:00 Etc/GMT+5", "Etc/GMT+5", vec![("daily", "0:00-24:00")]),
            (
                "Monday 9:00-17:00 America/Port-au-Prince",
                "America/Port-au-Prince",
                vec![("Monday", "9:00-17:00")],
            ),
        ] {
            let window = parse_text(text).unwrap();
            assert_eq!((window.time_zone.as_str(), window.hours), (zone, owned(&hours)), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, part) in [
            ("", "missing"),
            ("  ", "missing"),
            ("mon-fri 09:00-17:00", "lacks a time zone"),
            ("mon-fri", "lacks a time zone"),
            ("UTC", "has no hours"),
            ("mon-fri UTC", "hours are missing after `mon-fri`"),
            ("mon 09:00-17:00 tue UTC", "hours are missing after `tue`"),
            ("mo 09:00-17:00 UTC", "`mo` are no days"),
            ("mon-fry 09:00-17:00 UTC", "`mon-fry` are no days"),
            ("mon 9-17 UTC", "`9-17` are not hours"),
            ("mon 09:00-25:00 UTC", "not hours"),
            ("mon 09:60-17:00 UTC", "not hours"),
            ("mon 09:00 UTC", "not hours"),
            ("mon 09:00-12:00, UTC", "lacks a time zone"),
            ("mon 09:00-09:00 UTC", "same time"),
            ("mon 24:00-00:00 UTC", "same time"),
            ("mon 09:00-17:00 Europe//Berlin", "no time zone"),
            ("mon 09:00-17:00 Europe/Bérlin", "no time zone"),
        ] {
            let error = parse_text(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
