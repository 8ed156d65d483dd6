//! Numbers, handed over exactly or not at all.

use serde::de::{Error as _, Visitor};
use serde_json::Error;

use crate::model::canonical::to_canonical;

/// What kind of number a type asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Any.
    Any,
    /// An `f32`.
    F32,
    /// An `f64`.
    F64,
}

/// Hands over the number of a literal in canonical form.
pub(super) fn visit_number<'de, V: Visitor<'de>>(
    literal: &str,
    wanted: Wanted,
    visitor: V,
) -> Result<V::Value, Error> {
    let inexact = || inexact(literal);
    match wanted {
        Wanted::F32 => {
            let single: f32 = literal.parse().map_err(|_| inexact())?;
            if to_canonical(&single).is_ok_and(|text| text.as_str() == literal) {
                return visitor.visit_f32(single);
            }
            if is_float(literal) || !is_of_double(literal, f64::from(single)) {
                return Err(inexact());
            }
            visitor.visit_f32(single)
        }
        Wanted::F64 if !is_float(literal) => {
            let double: f64 = literal.parse().map_err(|_| inexact())?;
            if is_of_double(literal, double) { visitor.visit_f64(double) } else { Err(inexact()) }
        }
        Wanted::F64 | Wanted::Any => {
            if is_float(literal) {
                return visitor.visit_f64(literal.parse().map_err(|_| inexact())?);
            }
            if let Ok(small) = literal.parse::<u64>() {
                return visitor.visit_u64(small);
            }
            if let Ok(small) = literal.parse::<i64>() {
                return visitor.visit_i64(small);
            }
            if let Ok(large) = literal.parse::<u128>() {
                return visitor.visit_u128(large).map_err(|_: Error| inexact());
            }
            match literal.parse::<i128>() {
                Ok(large) => visitor.visit_i128(large).map_err(|_: Error| inexact()),
                Err(_) => Err(inexact()),
            }
        }
    }
}

fn is_float(literal: &str) -> bool {
    literal.contains(['.', 'e', 'E'])
}

/// Whether a double is exactly the integer with these digits.
fn is_of_double(digits: &str, double: f64) -> bool {
    // Rust writes every digit of a double.
    format!("{double:.0}") == digits
}

fn inexact(literal: &str) -> Error {
    Error::custom(format_args!(
        "the number {literal} cannot be held exactly by the type that is wanted; send it as a string, or read it as a type that holds it"
    ))
}
