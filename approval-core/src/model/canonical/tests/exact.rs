//! Values read from canonical text: exactly, or not at all.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::model::canonical::{CanonicalJson, parse_canonical, to_canonical};

fn text(json: &str) -> CanonicalJson {
    parse_canonical(json).unwrap()
}

fn refused<T: DeserializeOwned + std::fmt::Debug>(json: &str) {
    let error = text(json).deserialize::<T>().unwrap_err().to_string();
    assert!(error.contains("cannot be held exactly"), "{json}: {error}");
}

#[test]
fn integers_beyond_64_bits_are_refused_where_they_would_be_rounded() {
    for large in ["18446744073709551616", "18446744073709551617", "-9223372036854775809", &"9".repeat(60)] {
        refused::<Value>(large);
        refused::<Value>(&format!(r#"{{"a":[{{"b":{large}}}]}}"#));
        assert!(text(large).to_value().is_err());
        assert!(text(large).to_nearest_value().unwrap().is_f64());
    }
    for exact in ["18446744073709551615", "-9223372036854775808", "9007199254740993"] {
        assert_eq!(text(exact).to_value().unwrap().to_string(), exact);
    }
}

#[test]
fn floats_that_would_be_rounded_are_refused() {
    // 2^53 + 1, and 2^64 + 1: the doubles beside them are 2^53 and 2^64.
    refused::<f64>("9007199254740993");
    refused::<f64>("18446744073709551617");
    refused::<f32>("16777217");
    refused::<f32>("0.123456789");
    assert!((text("9007199254740992").deserialize::<f64>().unwrap() - 9_007_199_254_740_992.0).abs() < 0.5);
    assert!((text("18446744073709551616").deserialize::<f64>().unwrap() - 2_f64.powi(64)).abs() < 0.5);
    for single in [0.1_f32, 16_777_216.0, -3.402_823_5e38, 1e-45, 0.0] {
        let json = to_canonical(&single).unwrap();
        assert_eq!(json.deserialize::<f32>().unwrap().to_bits(), single.to_bits(), "{single}");
    }
}

#[test]
fn types_that_hold_large_integers_get_them() {
    assert_eq!(text("18446744073709551617").deserialize::<u128>().unwrap(), 18_446_744_073_709_551_617);
    assert_eq!(text("-9223372036854775809").deserialize::<i128>().unwrap(), -9_223_372_036_854_775_809);
    assert!(text("340282366920938463463374607431768211456").deserialize::<u128>().is_err());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(u8),
    Tuple(u8, String),
    Struct { a: Option<bool> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(Vec<Shape>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct All {
    shapes: Wrapped,
    maps: BTreeMap<i32, BTreeMap<bool, char>>,
    #[serde(flatten)]
    rest: HashMap<String, Value>,
    none: Option<()>,
    pair: (f64, i64),
    unit: (),
}

#[test]
fn every_shape_that_is_written_is_read_again() {
    let all = All {
        shapes: Wrapped(vec![
            Shape::Unit,
            Shape::Newtype(7),
            Shape::Tuple(1, "a \"quoted\" line\n".to_owned()),
            Shape::Struct { a: Some(true) },
            Shape::Struct { a: None },
        ]),
        maps: BTreeMap::from([(-1, BTreeMap::from([(true, 'ß')])), (20, BTreeMap::new())]),
        rest: HashMap::from([("x".to_owned(), json!([1, -2, 2.5, null, {"y": []}]))]),
        none: None,
        pair: (1e300, -5),
        unit: (),
    };
    let json = to_canonical(&all).unwrap();
    assert_eq!(json.deserialize::<All>().unwrap(), all);
}

#[test]
fn members_that_nobody_reads_may_be_any_number() {
    #[derive(Deserialize)]
    struct Small {
        a: u8,
    }
    let json = text(&format!(r#"{{"a":1,"b":{},"c":[{{"d":"]}}"}},[]],"e":true}}"#, "9".repeat(60)));
    assert_eq!(json.deserialize::<Small>().unwrap().a, 1);
}

#[test]
fn what_does_not_fit_the_type_is_refused() {
    assert!(text("[1,2,3]").deserialize::<(u8, u8)>().is_err());
    assert!(text("300").deserialize::<u8>().is_err());
    assert!(text("1.5").deserialize::<u64>().is_err());
    assert!(text(r#"{"Newtype":1,"Unit":null}"#).deserialize::<Shape>().is_err());
    assert!(text(r#"{"01":{}}"#).deserialize::<BTreeMap<u8, Value>>().is_err());
}

#[test]
fn a_part_is_the_text_at_its_path() {
    let json = text(r#"{"a":[{"b":18446744073709551617},"x"],"c":{"d":{}}}"#);
    let part = |path: &str| json.part(&path.parse().unwrap()).map(|part| part.as_str().to_owned());
    assert_eq!(part("a[0].b").as_deref(), Some("18446744073709551617"));
    assert_eq!(part("a[1]").as_deref(), Some("\"x\""));
    assert_eq!(part("c.d").as_deref(), Some("{}"));
    for none in ["a[2]", "b", "c.d.e", "a[*]", "a.b", "c[0]"] {
        assert_eq!(part(none), None, "{none}");
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Behind<T> {
    #[serde(flatten)]
    inner: Inner<T>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Inner<T> {
    n: T,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "kind")]
enum Tagged<T> {
    A { n: T },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Untagged<T> {
    A { n: T },
}

/// Where serde buffers values, integers that land in integers and all that lands in JSON are exact.
#[test]
fn buffered_numbers_reach_integers_exactly_or_not_at_all() {
    let of = |n: &str| text(&format!(r#"{{"kind":"A","n":{n}}}"#));
    for n in [9_007_199_254_740_993_u64, 9_223_372_036_854_775_809, u64::MAX] {
        let json = of(&n.to_string());
        assert_eq!(json.deserialize::<Behind<u64>>().unwrap().inner.n, n);
        assert_eq!(json.deserialize::<Tagged<u64>>().unwrap(), Tagged::A { n });
        assert_eq!(json.deserialize::<Untagged<u64>>().unwrap(), Untagged::A { n });
        assert_eq!(json.deserialize::<Behind<Value>>().unwrap().inner.n.to_string(), n.to_string());
    }
    for n in ["18446744073709551617", "-9223372036854775809"] {
        assert!(of(n).deserialize::<Behind<u128>>().is_err(), "{n}");
        assert!(of(n).deserialize::<Behind<i128>>().is_err(), "{n}");
        assert!(of(n).deserialize::<Tagged<f64>>().is_err(), "{n}");
        assert!(of(n).deserialize::<Untagged<Value>>().is_err(), "{n}");
    }
}

/// What SECURITY.md says of them: serde rounds what it buffered where a float is wanted, and nothing outside of it can tell.
#[test]
fn buffered_numbers_are_rounded_where_a_float_is_wanted() {
    let of = |n: &str| text(&format!(r#"{{"kind":"A","n":{n}}}"#));
    let json = of("9007199254740993");
    assert_eq!(json.deserialize::<Behind<f64>>().unwrap().inner.n.to_string(), "9007199254740992");
    assert_eq!(json.deserialize::<Tagged<f64>>().unwrap(), Tagged::A { n: 9_007_199_254_740_992.0 });
    assert_eq!(of("0.123456789").deserialize::<Untagged<f32>>().unwrap(), Untagged::A { n: 0.123_456_79 });
    // Fields of their own are not buffered.
    refused::<Inner<f64>>(r#"{"n":9007199254740993}"#);
    refused::<Inner<f32>>(r#"{"n":0.123456789}"#);
}
