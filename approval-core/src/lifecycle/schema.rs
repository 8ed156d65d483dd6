//! JSON Schemas (draft 2020-12) of answers and of arguments that may be edited. Nothing is fetched: a reference that leads
//! out of a schema makes the schema invalid.

use jsonschema::{Draft, Validator};
use serde_json::Value;

use crate::{
    error::Invalid,
    model::{
        CanonicalJson,
        canonical::{Tree, parse_canonical},
    },
};

/// Most things that are wrong with a value that a message tells.
const TOLD: usize = 3;

/// Checks that `text` is a schema that can be used.
pub(super) fn usable(text: &str) -> Result<(), Invalid> {
    compile(text).map(|_| ())
}

/// Checks a value against a schema. Numbers are compared exactly: a number that cannot be, because it or one of the schema is too large,
/// does not fit.
pub(super) fn check(what: &'static str, schema: &str, value: &CanonicalJson) -> Result<(), Invalid> {
    let instance = value
        .to_nearest_value()
        .map_err(|e| Invalid::new(what, value.as_str(), format!("cannot be read: {e}")))?;
    let (schema, validator) = compile(schema)?;
    if let Some(why) = inexact(&schema, Size::largest(value)?) {
        return Err(Invalid::new(what, value.as_str(), why).hint("answer or edit it with a smaller number"));
    }
    let wrong: Vec<String> = validator
        .iter_errors(&instance)
        .take(TOLD)
        .map(|error| match error.instance_path().as_str() {
            "" => error.to_string(),
            path => format!("{error} (at {path})"),
        })
        .collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Invalid::new(what, value.as_str(), format!("does not fit its schema: {}", wrong.join("; "))))
    }
}

/// Whether a JSON text is the value.
pub(super) fn same(text: &str, value: &CanonicalJson) -> bool {
    parse_canonical(text).is_ok_and(|other| other == *value)
}

fn compile(text: &str) -> Result<(Value, Validator), Invalid> {
    let unusable = |why: String| Invalid::new("JSON Schema", text, format!("cannot be used: {why}"));
    let schema: Value = serde_json::from_str(text).map_err(|e| unusable(e.to_string()))?;
    let validator = jsonschema::options().with_draft(Draft::Draft202012).build(&schema);
    let validator = validator.map_err(|e| unusable(e.to_string()))?;
    Ok((schema, validator))
}

/// How large an integer is, as far as it matters for comparing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Size {
    /// It is a double.
    Small,
    /// It has at most 64 bits, and is compared as it is.
    Large,
    /// It is compared as the nearest double. (So may the number that it is compared with: the least of 64 bits counts here too.)
    Huge,
}

impl Size {
    /// Of the largest integer in a value. Numbers with a fraction or an exponent are doubles.
    fn largest(value: &CanonicalJson) -> Result<Self, Invalid> {
        let unreadable = |e| Invalid::new("value", value.as_str(), format!("cannot be read: {e}"));
        let tree = value.tree().map_err(unreadable)?;
        let mut largest = Self::Small;
        let mut rest = vec![&tree];
        while let Some(tree) = rest.pop() {
            match tree {
                Tree::Number(literal) => largest = largest.max(Self::of(literal)),
                Tree::List(items) => rest.extend(items),
                Tree::Map(fields) => rest.extend(fields.iter().map(|(_, value)| value)),
                Tree::Null | Tree::Bool(_) | Tree::Text(_) | Tree::Secret => {}
            }
        }
        Ok(largest)
    }

    fn of(literal: &str) -> Self {
        if literal.contains(['.', 'e', 'E']) {
            return Self::Small;
        }
        match literal.parse::<i128>() {
            Ok(number) if number.unsigned_abs() <= LAST_EXACT.into() => Self::Small,
            Ok(number) if i128::from(i64::MIN) < number && number <= i128::from(u64::MAX) => Self::Large,
            Ok(_) | Err(_) => Self::Huge,
        }
    }
}

/// Up to here every integer is a double: 2^53.
const LAST_EXACT: u64 = 1 << 53;
/// From here on numbers of a schema are near to integers that are compared as doubles: 2^63.
const FAR: f64 = 9_223_372_036_854_775_808.0;

/// Why a value whose largest integer is of this size cannot be compared with the numbers of a schema.
fn inexact(schema: &Value, largest: Size) -> Option<&'static str> {
    if largest == Size::Small {
        return None;
    }
    let mut rest = vec![("", schema)];
    while let Some((key, schema)) = rest.pop() {
        match schema {
            Value::Number(divisor) if key == "multipleOf" => {
                // Such a divisor is exact, and divides integers of 64 bits exactly.
                let exact = divisor.as_u64().is_some_and(|divisor| divisor <= LAST_EXACT);
                if !exact || largest == Size::Huge {
                    return Some("is too large for its schema to say of what it is a multiple");
                }
            }
            Value::Number(number) => {
                let far = number.as_f64().is_none_or(|number| number.abs() >= FAR) && !number.is_u64();
                if far && largest == Size::Huge {
                    return Some("is too large to be compared with the bounds of its schema");
                }
            }
            Value::Array(items) => rest.extend(items.iter().map(|item| ("", item))),
            Value::Object(members) => rest.extend(members.iter().map(|(key, value)| (key.as_str(), value))),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(schema: &str, value: &str) -> Result<(), String> {
        check("answer", schema, &parse_canonical(value).unwrap()).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn numbers_are_compared_exactly_or_do_not_fit() {
        // 2^53 + 1, 2^64 + 1 and -2^63 - 1 are no doubles; the nearest ones are 2^53, 2^64 and -2^63.
        for (schema, fits, too_much) in [
            (r#"{"maximum":9007199254740992}"#, "9007199254740992", "9007199254740993"),
            (r#"{"exclusiveMinimum":9007199254740992}"#, "9007199254740993", "9007199254740992"),
            (r#"{"maximum":18446744073709551615}"#, "18446744073709551615", "18446744073709551616"),
            (r#"{"maximum":18446744073709551616}"#, "18446744073709551615", "18446744073709551617"),
            (r#"{"maximum":18446744073709551617}"#, "1", "18446744073709551618"),
            (r#"{"maximum":1e30}"#, "5", "1000000000000000000000000000001"),
            (r#"{"minimum":-9223372036854775808}"#, "-9223372036854775807", "-9223372036854775809"),
            (r#"{"maximum":-9223372036854775809}"#, "-1e+30", "-9223372036854775808"),
            (r#"{"const":18446744073709551616}"#, "1.8446744073709552e+19", "18446744073709551617"),
            (r#"{"enum":[1,18446744073709551616]}"#, "1", "18446744073709551617"),
            (r#"{"not":{"const":18446744073709551616}}"#, "7", "18446744073709551617"),
            (r#"{"const":9007199254740992.0}"#, "9007199254740992", "9007199254740993"),
            (r#"{"multipleOf":2}"#, "9007199254740994", "9007199254740993"),
            (r#"{"multipleOf":2}"#, "18446744073709551614", "18446744073709551617"),
            (r#"{"multipleOf":1.5}"#, "4503599627370498", "9007199254740993"),
            (r#"{"multipleOf":9007199254740994}"#, "0", "9007199254740995"),
            (
                r##"{"$ref":"#/$defs/a","$defs":{"a":{"properties":{"b":{"items":{"maximum":18446744073709551616}}}}}}"##,
                r#"{"b":[1,2]}"#,
                r#"{"b":[1,18446744073709551617]}"#,
            ),
        ] {
            assert_eq!(told(schema, fits), Ok(()), "{schema}");
            assert!(told(schema, too_much).is_err(), "{schema} {too_much}");
        }
    }

    #[test]
    fn large_numbers_fit_where_nothing_large_bounds_them() {
        for schema in [
            r#"{"type":"integer","format":"uint128","minimum":0}"#,
            r#"{"anyOf":[{"type":"string"},{"minimum":9007199254740993}]}"#,
            r#"{"properties":{"multipleOf":{"type":"string"}},"minimum":0.5}"#,
        ] {
            for value in
                ["18446744073709551617", "340282366920938463463374607431768211455", "18446744073709551615"]
            {
                assert_eq!(told(schema, value), Ok(()), "{schema} {value}");
            }
        }
        let why = told(r#"{"maximum":1e30}"#, "18446744073709551617").unwrap_err();
        assert!(why.contains("too large to be compared with the bounds of its schema"), "{why}");
    }
}
