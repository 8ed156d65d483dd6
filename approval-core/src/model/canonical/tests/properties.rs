//! Properties over generated values and texts.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::model::canonical::{DigestKey, EncodeProblem, FieldPath, parse_canonical, redact, to_canonical};

/// A value with everything that JSON here tells apart.
#[derive(Debug, Clone, PartialEq)]
enum Model {
    Null,
    Bool(bool),
    Integer(i128),
    /// Finite; no negative zero and no integer below 2^53, which are the integers of the same value.
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

impl Serialize for Model {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i128(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(elements) => serializer.collect_seq(elements),
            Self::Map(entries) => {
                // Backwards, so that the entries need sorting.
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries.iter().rev() {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[a-c$]{0,3}",
        2 => prop_oneof![Just("$int"), Just("$$int"), Just("$redacted"), Just("$$redacted"), Just("int")]
            .prop_map(str::to_owned),
        1 => ".{0,6}",
        1 => "[\u{0}-\u{2f}\\\\\"\u{7f}\u{ff}\u{e000}-\u{ffff}\u{10000}-\u{10010}]{0,4}",
    ]
}

fn integer() -> impl Strategy<Value = i128> {
    let edge = 1_i128 << 53;
    prop_oneof![
        -3_i128..=3,
        edge - 3..=edge + 3,
        -edge - 3..=-edge + 3,
        any::<i64>().prop_map(i128::from),
        any::<i128>()
    ]
}

fn float() -> impl Strategy<Value = f64> {
    let edge = 9_007_199_254_740_992.0_f64;
    let any = proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL;
    prop_oneof![
        any,
        Just(edge),
        Just(-edge),
        Just(1e16),
        Just(1e20),
        Just(1e21),
        Just(0.5),
        (1_u32..99).prop_map(|n| f64::from(n) * 1e17)
    ]
    .prop_filter("the integer of this value", |value| {
        value.fract() != 0.0 || value.abs() >= 9_007_199_254_740_992.0
    })
}

fn model() -> impl Strategy<Value = Model> {
    let leaf = prop_oneof![
        Just(Model::Null),
        any::<bool>().prop_map(Model::Bool),
        integer().prop_map(Model::Integer),
        float().prop_map(Model::Float),
        text().prop_map(Model::Text),
        integer().prop_map(|value| Model::Text(value.to_string())),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Model::List),
            prop::collection::btree_map(text(), inner.clone(), 0..4).prop_map(Model::Map),
            // The shapes of the digest form.
            inner.prop_map(|value| Model::Map(BTreeMap::from([("$int".to_owned(), value)]))),
            integer().prop_map(|value| {
                Model::Map(BTreeMap::from([("$int".to_owned(), Model::Text(value.to_string()))]))
            }),
        ]
    })
}

/// What the digest form means, taken back: an independent inverse.
fn read_digest_form(value: serde_json::Value) -> Model {
    use serde_json::Value;
    match value {
        Value::Null => Model::Null,
        Value::Bool(value) => Model::Bool(value),
        Value::Number(number) => match number.as_i64().filter(|value| value.unsigned_abs() < 1 << 53) {
            Some(small) => Model::Integer(small.into()),
            None => Model::Float(number.as_f64().unwrap()),
        },
        Value::String(text) => Model::Text(text),
        Value::Array(elements) => Model::List(elements.into_iter().map(read_digest_form).collect()),
        Value::Object(entries) => {
            if let (1, Some(Value::String(digits))) = (entries.len(), entries.get("$int")) {
                return Model::Integer(digits.parse().unwrap());
            }
            let unescape = |key: String| match key.trim_start_matches('$') {
                "int" | "redacted" if key.starts_with('$') => key.replacen('$', "", 1),
                _ => key,
            };
            Model::Map(
                entries.into_iter().map(|(key, value)| (unescape(key), read_digest_form(value))).collect(),
            )
        }
    }
}

/// A value and a slightly different one, or two unrelated ones.
fn pair() -> impl Strategy<Value = (Model, Model)> {
    prop_oneof![
        (model(), model()),
        model().prop_map(|value| (value.clone(), Model::Map(BTreeMap::from([("$int".to_owned(), value)])))),
        integer().prop_map(|value| {
            let tagged = Model::Map(BTreeMap::from([("$int".to_owned(), Model::Text(value.to_string()))]));
            (Model::Integer(value), tagged)
        }),
        integer().prop_map(|value| (Model::Integer(value), Model::Integer(value ^ 1))),
        float().prop_map(|value| (Model::Float(value), Model::Float(f64::from_bits(value.to_bits() ^ 1)))),
        float().prop_filter_map("an integer of this size", |value| {
            #[expect(clippy::cast_possible_truncation, reason = "below 2^100")]
            (value.fract() == 0.0 && value.abs() < 1e30)
                .then_some((Model::Float(value), Model::Integer(value as i128)))
        }),
    ]
}

/// `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(1_000), ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn reading_any_text_of_a_value_gives_its_canonical_text(value in model()) {
        let encoded = to_canonical(&value).unwrap();
        let from_serde_json = parse_canonical(&serde_json::to_string_pretty(&value).unwrap()).unwrap();
        prop_assert_eq!(encoded.as_str(), from_serde_json.as_str());
        prop_assert_eq!(encoded.digest_form(), from_serde_json.digest_form());
        prop_assert_eq!(&parse_canonical(encoded.as_str()).unwrap(), &encoded);
    }

    #[test]
    fn the_digest_form_tells_the_value(value in model()) {
        let encoded = to_canonical(&value).unwrap();
        let read = read_digest_form(serde_json::from_str(encoded.digest_form()).unwrap());
        prop_assert_eq!(read, value);
    }

    #[test]
    fn different_values_never_share_a_digest_form((left, right) in pair()) {
        let same = to_canonical(&left).unwrap().digest_form() == to_canonical(&right).unwrap().digest_form();
        prop_assert_eq!(same, left == right);
    }

    #[test]
    fn the_digest_form_is_a_fixed_point_of_rfc_8785(value in model()) {
        // Read as RFC 8785 reads, with doubles only, it is written again byte for byte.
        let digest_form = to_canonical(&value).unwrap().digest_form().to_owned();
        let doubles: serde_json::Value = serde_json::from_str(&digest_form).unwrap();
        prop_assert_eq!(rfc8785_by_definition(&doubles), digest_form);
    }

    #[test]
    fn redaction_binds_the_value_and_leaves_the_rest((left, right) in pair(), rest in model()) {
        let key = DigestKey::new("k", [3; 32]).unwrap();
        let path: FieldPath = "t".parse().unwrap();
        let bound = |secret: &Model| {
            let value = Model::Map(BTreeMap::from([("r".to_owned(), rest.clone()), ("t".to_owned(), secret.clone())]));
            let plain = to_canonical(&value).unwrap();
            let bound = redact(&plain, std::slice::from_ref(&path), &key).unwrap().bound;
            assert_ne!(plain.digest_form(), bound.digest_form());
            bound
        };
        prop_assert_eq!(bound(&left).digest_form() == bound(&right).digest_form(), left == right);
        let shared = format!(r#""r":{}"#, to_canonical(&rest).unwrap().digest_form());
        prop_assert!(bound(&left).digest_form().contains(&shared));
    }

    #[test]
    fn reading_never_panics_and_agrees_with_serde_json(text in json_like()) {
        agree_with_serde_json(&text)?;
    }

    #[test]
    fn damaged_json_is_judged_alike(value in model(), at in any::<prop::sample::Index>(), put in any::<char>()) {
        let mut characters: Vec<char> = serde_json::to_string(&value).unwrap().chars().collect();
        let at = at.index(characters.len());
        characters[at] = put;
        agree_with_serde_json(&characters.iter().collect::<String>())?;
        characters.remove(at);
        agree_with_serde_json(&characters.iter().collect::<String>())?;
        characters.truncate(at);
        agree_with_serde_json(&characters.iter().collect::<String>())?;
    }
}

/// Texts out of the pieces of JSON.
fn json_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[\\[\\]{},: \"\\\\]",
        "[-+0-9.eE]{1,6}",
        prop_oneof![
            Just("null"),
            Just("true"),
            Just("\"a\":"),
            Just("\"\\u0061\""),
            Just("\\ud83d"),
            Just("\\ude00"),
            Just("\u{feff}"),
            Just("\n"),
            Just("\"\""),
            Just("1e400"),
            Just("-0"),
            Just("{}"),
            Just("[]"),
        ]
        .prop_map(str::to_owned),
        ".",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Accepts what `serde_json` accepts, but for duplicate keys and for numbers that would become zero.
fn agree_with_serde_json(text: &str) -> Result<(), TestCaseError> {
    let theirs = serde_json::from_str::<serde_json::Value>(text);
    match (parse_canonical(text), theirs) {
        (Ok(ours), Ok(theirs)) => {
            prop_assert_eq!(ours.to_nearest_value().unwrap(), normal(theirs));
        }
        (Err(error), Ok(_)) => {
            let documented = matches!(
                error.problem(),
                EncodeProblem::DuplicateKey { .. } | EncodeProblem::NumberOutOfRange { .. }
            );
            prop_assert!(documented, "{:?}: {}", text, error);
        }
        (Ok(_), Err(theirs)) => prop_assert!(false, "{:?} was accepted, but: {}", text, theirs),
        (Err(error), Err(_)) => prop_assert!(error.position().is_some()),
    }
    Ok(())
}

/// Integral doubles below 2^53 are integers in canonical text.
fn normal(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Number(number) => match number.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "integral and below 2^53")]
            Some(double)
                if number.is_f64() && double.fract() == 0.0 && double.abs() < 9_007_199_254_740_992.0 =>
            {
                (double as i64).into()
            }
            _ => number.into(),
        },
        Value::Array(elements) => elements.into_iter().map(normal).collect(),
        Value::Object(entries) => entries.into_iter().map(|(key, value)| (key, normal(value))).collect(),
        same @ (Value::Null | Value::Bool(_) | Value::String(_)) => same,
    }
}

/// RFC 8785 as its text says, without regard for speed.
fn rfc8785_by_definition(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Number(number) => ryu_js::Buffer::new().format(number.as_f64().unwrap()).to_owned(),
        Value::Array(elements) => {
            format!("[{}]", elements.iter().map(rfc8785_by_definition).collect::<Vec<_>>().join(","))
        }
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| key.encode_utf16().collect::<Vec<_>>());
            let entry = |(key, value): (&String, &Value)| {
                format!("{}:{}", serde_json::to_string(key).unwrap(), rfc8785_by_definition(value))
            };
            format!("{{{}}}", entries.into_iter().map(entry).collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.to_string(),
    }
}
