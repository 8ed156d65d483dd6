//! Lengths of time as people write them.

use crate::{clock::Span, error::Invalid};

/// Units, shortest first, in milliseconds.
const UNITS: [(&str, i64); 6] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];
/// 100 years: longer can only be a mistake, and stays far from any overflow of a date.
const LONGEST: i64 = 100 * 365 * 86_400_000;
const FORM: &str = "write a number and a unit, as in 30s, 15m, 1h 30m or 2d";

/// Reads `90s`, `15m`, `1h 30m`, `1h30m`, `2d`, `500ms`: whole numbers with units from long to short.
///
/// # Errors
/// When it is none, or is longer than 100 years.
pub fn parse_duration(text: &str) -> Result<Span, Invalid> {
    let bad = |why: String, hint: &str| Invalid::new("length of time", text, why).hint(hint);
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(bad("is empty".to_owned(), FORM));
    }
    let (mut total, mut last) = (0_i64, i64::MAX);
    while !rest.is_empty() {
        let (digits, after) = split(rest, |c| c.is_ascii_digit());
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        if digits.is_empty() {
            return Err(bad("is not a number with a unit".to_owned(), FORM));
        }
        if unit.is_empty() {
            return Err(bad("has no unit".to_owned(), FORM));
        }
        let Some((_, millis)) = UNITS.iter().find(|(known, _)| *known == unit) else {
            return Err(bad(
                format!("has the unknown unit `{unit}`"),
                "units are ms, s, m (minutes), h, d and w",
            ));
        };
        if *millis >= last {
            return Err(bad(
                "has its units in a wrong order".to_owned(),
                "write units from long to short, each once, as in 1h 30m",
            ));
        }
        last = *millis;
        total = digits
            .parse::<i64>()
            .ok()
            .and_then(|count| count.checked_mul(*millis))
            .and_then(|part| total.checked_add(part))
            .filter(|sum| *sum <= LONGEST)
            .ok_or_else(|| bad("is longer than 100 years".to_owned(), "write a shorter one"))?;
        rest = after.trim_start();
    }
    Ok(Span::from_millis(total))
}

/// The length of time as [`parse_duration`] reads it: `1h 30m`. Less than a millisecond is dropped.
#[must_use]
pub fn show_duration(span: Span) -> String {
    let mut rest = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let mut parts = Vec::new();
    for (unit, millis) in UNITS.iter().rev().filter(|(unit, _)| *unit != "w") {
        let count = rest / millis;
        rest %= millis;
        if count != 0 {
            parts.push(format!("{count}{unit}"));
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

fn split(text: &str, accept: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !accept(c)).unwrap_or(text.len());
    text.split_at(end)
}
