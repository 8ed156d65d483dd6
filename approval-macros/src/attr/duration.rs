//! Lengths of time such as `"15m"`, read while the macro expands.

use std::time::Duration;

use syn::LitStr;

const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];
/// 100 years: longer can only be a mistake, and stays far from any overflow of a date.
const LONGEST_MILLIS: u64 = 100 * 365 * 86_400_000;

/// Reads `"90s"`, `"15m"`, `"1h 30m"`, `"1h30m"`, `"2d"`, `"500ms"`.
pub(crate) fn parse(literal: &LitStr) -> syn::Result<Duration> {
    parse_text(&literal.value()).map_err(|message| syn::Error::new(literal.span(), message))
}

/// The same, but zero is refused.
pub(crate) fn parse_positive(literal: &LitStr) -> syn::Result<Duration> {
    let duration = parse(literal)?;
    if duration.is_zero() {
        let message = format!("`{}` is no time at all: write a longer one, such as \"15m\"", literal.value());
        return Err(syn::Error::new(literal.span(), message));
    }
    Ok(duration)
}

/// `millis` as people write it: `1h 30m`.
pub(crate) fn display(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    for (unit, millis) in UNITS.iter().rev().filter(|(unit, _)| *unit != "w") {
        let count = rest / millis;
        rest %= millis;
        if count > 0 {
            parts.push(format!("{count}{unit}"));
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

fn parse_text(text: &str) -> Result<Duration, String> {
    const FORM: &str = "write a number and a unit, such as \"30s\", \"15m\", \"1h 30m\" or \"2d\"";
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(format!("a length of time is missing: {FORM}"));
    }
    let mut total: u64 = 0;
    let mut last_unit = u64::MAX;
    while !rest.is_empty() {
        let (digits, after) = split_while(rest, |c| c.is_ascii_digit());
        let (unit, after) = split_while(after.trim_start(), char::is_alphabetic);
        if digits.is_empty() {
            return Err(format!("`{text}` is not a length of time: {FORM}"));
        }
        if unit.is_empty() {
            return Err(format!("`{text}` lacks a unit: {FORM}"));
        }
        let Some((_, millis)) = UNITS.iter().find(|(known, _)| *known == unit) else {
            return Err(format!(
                "`{unit}` is not a unit of time: use `ms`, `s`, `m` (minutes), `h`, `d` or `w`"
            ));
        };
        if *millis >= last_unit {
            return Err(format!(
                "the units in `{text}` must go from long to short, each once, such as \"1h 30m\""
            ));
        }
        last_unit = *millis;
        total = digits
            .parse::<u64>()
            .ok()
            .and_then(|count| count.checked_mul(*millis))
            .and_then(|part| total.checked_add(part))
            .filter(|sum| *sum <= LONGEST_MILLIS)
            .ok_or_else(|| format!("`{text}` is longer than 100 years: write a shorter one"))?;
        rest = after.trim_start();
    }
    Ok(Duration::from_millis(total))
}

fn split_while(text: &str, accept: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !accept(c)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn literal(text: &str) -> LitStr {
        LitStr::new(text, Span::call_site())
    }

    #[test]
    fn reads_each_unit_and_their_sums() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("15m", 900_000),
            ("1h", 3_600_000),
            ("1h 30m", 5_400_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("1w", 604_800_000),
            (" 0s ", 0),
        ] {
            assert_eq!(parse(&literal(text)).unwrap(), Duration::from_millis(millis), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, part) in [
            ("", "missing"),
            ("15", "lacks a unit"),
            ("m", "not a length of time"),
            ("15 parsecs", "`parsecs` is not a unit"),
            ("15M", "`M` is not a unit"),
            ("-5m", "not a length of time"),
            ("1.5h", "lacks a unit"),
            ("30m 1h", "from long to short"),
            ("1m 1m", "from long to short"),
            ("99999999999999999999d", "longer than 100 years"),
            ("40000d", "longer than 100 years"),
        ] {
            let error = parse(&literal(text)).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn zero_is_refused_where_it_makes_no_sense() {
        assert!(parse_positive(&literal("0s")).is_err());
        assert!(parse_positive(&literal("1ms")).is_ok());
    }

    #[test]
    fn displays_what_it_read() {
        for text in ["500ms", "30s", "15m", "1h 30m", "2d 1s"] {
            assert_eq!(display(parse(&literal(text)).unwrap()), text);
        }
        assert_eq!(display(Duration::ZERO), "0s");
    }
}
