//! Arithmetic over arguments.
//!
//! ```text
//! cost    = sum currency
//! sum     = product (("+" | "-") product)*
//! product = factor (("*" | "/") factor)*
//! factor  = "-" factor | "(" sum ")" | "{" path "}" | number
//! ```

use rust_decimal::Decimal;

use super::place::{Found, find};
use crate::{
    error::Invalid,
    model::{CanonicalJson, Currency, Money, canonical::FieldPath},
};

/// How deep parentheses and signs may be nested.
const MAX_DEPTH: usize = 32;

/// Decimal places that a number other than zero can be shifted by and still fit.
const LONGEST_SHIFT: i64 = 28;

pub(super) fn compute(expression: &str, arguments: &CanonicalJson) -> Result<Money, Invalid> {
    let bad = |why: String| {
        Invalid::new("cost", expression, why)
            .hint("write arithmetic and a currency, such as {cents} / 100 USD")
    };
    let trimmed = expression.trim_end();
    let split = trimmed.len().checked_sub(3).and_then(|at| trimmed.split_at_checked(at));
    let (sum, currency) = split.ok_or_else(|| bad("names no currency".to_owned()))?;
    let currency: Currency =
        currency.parse().map_err(|e: Invalid| bad(format!("names no currency ({e})")))?;
    let mut parser = Parser { rest: sum.trim(), arguments, depth: 0 };
    let amount = parser.sum().map_err(bad)?;
    if !parser.rest.is_empty() {
        return Err(bad(format!("goes on with {:?} where an operator belongs", parser.rest)));
    }
    Ok(Money::new(presentable(amount), currency))
}

/// No needless zeros, but two decimals where there would be one: `12.5` reads as `12.50`.
fn presentable(amount: Decimal) -> Decimal {
    let mut amount = amount.normalize();
    if amount.scale() == 1 {
        amount.rescale(2);
    }
    amount
}

struct Parser<'a> {
    /// What is not read yet; no white space in front.
    rest: &'a str,
    arguments: &'a CanonicalJson,
    depth: usize,
}

type Outcome = Result<Decimal, String>;

impl Parser<'_> {
    fn sum(&mut self) -> Outcome {
        let mut total = self.product()?;
        loop {
            total = if self.takes('+') {
                let right = self.product()?;
                total.checked_add(right).ok_or_else(too_large)?
            } else if self.takes('-') {
                let right = self.product()?;
                total.checked_sub(right).ok_or_else(too_large)?
            } else {
                return Ok(total);
            };
        }
    }

    fn product(&mut self) -> Outcome {
        let mut total = self.factor()?;
        loop {
            total = if self.takes('*') {
                let right = self.factor()?;
                total.checked_mul(right).ok_or_else(too_large)?
            } else if self.takes('/') {
                let right = self.factor()?;
                if right.is_zero() {
                    return Err("divides by zero".to_owned());
                }
                total.checked_div(right).ok_or_else(too_large)?
            } else {
                return Ok(total);
            };
        }
    }

    fn factor(&mut self) -> Outcome {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("is nested deeper than {MAX_DEPTH} levels"));
        }
        let value = if self.takes('-') {
            -self.factor()?
        } else if self.takes('(') {
            let value = self.sum()?;
            if !self.takes(')') {
                return Err("has a parenthesis that is not closed".to_owned());
            }
            value
        } else if self.takes('{') {
            let (path, rest) = self.rest.split_once('}').ok_or("has a brace that is not closed")?;
            self.rest = rest.trim_start();
            argument(path.trim(), self.arguments)?
        } else {
            self.number()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn number(&mut self) -> Outcome {
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.rest.len());
        // `end` is the place of a character, or the end: there is always something to split.
        let (digits, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        if digits.is_empty() {
            return Err(match rest.chars().next() {
                Some(found) => format!("has {found:?} where a number or a placeholder belongs"),
                None => "ends where a number or a placeholder belongs".to_owned(),
            });
        }
        self.rest = rest.trim_start();
        decimal(digits).ok_or_else(|| format!("has {digits:?}, which is no number of at most 28 digits"))
    }

    fn takes(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }
}

fn too_large() -> String {
    "gives a number that is too large".to_owned()
}

/// The number that an argument is.
fn argument(path: &str, arguments: &CanonicalJson) -> Outcome {
    let parsed: FieldPath = path.parse().map_err(|e| format!("names an argument wrongly: {e}"))?;
    let text = match find(arguments, parsed.steps()) {
        // Nothing is no number, so the cost cannot be computed.
        Found::Value(range) => arguments.as_str().get(range).unwrap_or_default(),
        Found::Redacted => return Err(format!("needs the argument `{path}`, which is redacted")),
        Found::NoKey { .. } | Found::Nothing => {
            return Err(format!("needs the argument `{path}`, which is missing"));
        }
    };
    let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    decimal(inside)
        .ok_or_else(|| format!("needs the argument `{path}`, which is no number of at most 28 digits"))
}

/// Reads a plain decimal number, with or without exponent, without losing a digit.
fn decimal(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let digits = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return None;
    }
    let mut number = Decimal::from_str_exact(mantissa).ok()?.normalize();
    // Nothing to shift, however far; and what is shifted further than this does not fit.
    if number.is_zero() {
        return Some(Decimal::ZERO);
    }
    let scale = i64::from(number.scale()).checked_sub(exponent)?;
    if scale >= 0 {
        number.set_scale(u32::try_from(scale).ok()?).ok()?;
        return Some(number);
    }
    if scale < -LONGEST_SHIFT {
        return None;
    }
    number.set_scale(0).ok()?;
    let ten = Decimal::TEN;
    for _ in scale..0 {
        number = number.checked_mul(ten)?;
    }
    Some(number)
}
