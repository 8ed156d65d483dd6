//! Numbers as text: integers exactly, floats as ECMAScript writes them.

use super::EncodeProblem;

/// The largest integer up to which every integer is a double of its own: 2^53 - 1.
pub(super) const MAX_SAFE: u64 = 9_007_199_254_740_991;
const MAX_SAFE_DIGITS: &str = "9007199254740991";

/// Integers of at most this many digits are below the largest double (about 1.8e308).
const ALWAYS_FINITE_DIGITS: usize = 308;
/// How much of a refused number is shown.
const SHOWN_DIGITS: usize = 40;

/// A number literal of JSON, read.
#[derive(Debug, PartialEq)]
pub(super) enum Number<'a> {
    /// No fraction and no exponent: kept digit by digit.
    Integer(&'a str),
    /// With a fraction or an exponent: the nearest double.
    Float(f64),
}

/// Reads a literal that follows the grammar of JSON.
///
/// `-0` is `0`. Refused: what is infinite as a double, also for integers, since other readers would refuse it or make
/// it infinite; and what is not zero but would become zero.
pub(super) fn read(literal: &str) -> Result<Number<'_>, Box<EncodeProblem>> {
    if !literal.contains(['.', 'e', 'E']) {
        return match literal {
            "-0" => Ok(Number::Integer("0")),
            long if long.len() > ALWAYS_FINITE_DIGITS => finite(long).map(|_| Number::Integer(long)),
            short => Ok(Number::Integer(short)),
        };
    }
    let double = finite(literal)?;
    let mantissa = literal.split(['e', 'E']).next().unwrap_or(literal);
    if double == 0.0 && mantissa.contains(|digit: char| matches!(digit, '1'..='9')) {
        return Err(out_of_range(literal).into());
    }
    Ok(Number::Float(double))
}

fn finite(literal: &str) -> Result<f64, Box<EncodeProblem>> {
    match literal.parse::<f64>() {
        Ok(double) if double.is_finite() => Ok(double),
        _ => Err(out_of_range(literal).into()),
    }
}

fn out_of_range(literal: &str) -> EncodeProblem {
    let mut shown: String = literal.chars().take(SHOWN_DIGITS).collect();
    if shown.len() < literal.len() {
        shown.push('…');
    }
    EncodeProblem::NumberOutOfRange { literal: shown }
}

/// Whether an integer lies within ±(2^53 - 1).
pub(super) fn is_safe(digits: &str) -> bool {
    let magnitude = digits.strip_prefix('-').unwrap_or(digits);
    match magnitude.len().cmp(&MAX_SAFE_DIGITS.len()) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Equal => magnitude <= MAX_SAFE_DIGITS,
        std::cmp::Ordering::Greater => false,
    }
}

/// Whether ECMAScript would write this double with the digits of an integer beyond ±(2^53 - 1).
pub(super) fn looks_like_large_integer(double: f64) -> bool {
    // Exact: 2^53 and 10^21 are both doubles.
    (9_007_199_254_740_992.0..1e21).contains(&double.abs())
}

/// Turns the digits of a large double, as ECMAScript writes them, into the same number with an exponent.
pub(super) fn push_with_exponent(digits: &str, out: &mut String) {
    let (sign, magnitude) = match digits.strip_prefix('-') {
        Some(magnitude) => ("-", magnitude),
        None => ("", digits),
    };
    let exponent = magnitude.len().saturating_sub(1);
    let (first, rest) = magnitude.split_at_checked(1).unwrap_or((magnitude, ""));
    let fraction = rest.trim_end_matches('0');
    out.push_str(sign);
    out.push_str(first);
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out.push_str("e+");
    out.push_str(&exponent.to_string());
}

/// The name of a double that JSON cannot hold, as ECMAScript calls it.
pub(super) fn name_of_non_finite(double: f64) -> &'static str {
    if double.is_nan() {
        "NaN"
    } else if double > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_integers_end_at_two_to_the_fifty_third_minus_one() {
        for (digits, safe) in [
            ("0", true),
            ("-1", true),
            ("9007199254740991", true),
            ("-9007199254740991", true),
            ("9007199254740992", false),
            ("-9007199254740992", false),
            ("10000000000000000", false),
            ("999999999999999", true),
        ] {
            assert_eq!(is_safe(digits), safe, "{digits}");
        }
        assert_eq!(MAX_SAFE.to_string(), MAX_SAFE_DIGITS);
        assert_eq!(MAX_SAFE, (1 << 53) - 1);
    }

    #[test]
    fn literals_that_a_double_cannot_hold_are_refused() {
        for literal in ["1e309", "-1e309", "1e-400", "-0.0000001e-400", &"9".repeat(309)] {
            assert!(
                matches!(*read(literal).unwrap_err(), EncodeProblem::NumberOutOfRange { .. }),
                "{literal}"
            );
        }
        for zero in ["0e9", "-0.000", "0.0e-400"] {
            assert_eq!(read(zero), Ok(Number::Float(0.0)), "{zero}");
        }
        let long = format!("1{}", "0".repeat(308));
        assert_eq!(read(&long), Ok(Number::Integer(&long)));
    }

    #[test]
    fn an_exponent_keeps_the_number() {
        for (digits, text) in [
            ("10000000000000000", "1e+16"),
            ("-9007199254740992", "-9.007199254740992e+15"),
            ("295147905179352830000", "2.9514790517935283e+20"),
        ] {
            let mut out = String::new();
            push_with_exponent(digits, &mut out);
            assert_eq!(out, text);
            assert_eq!(out.parse::<f64>(), digits.parse::<f64>());
        }
    }
}
