//! Every shape that serde knows, and every refusal.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::model::canonical::{EncodeProblem, MAX_BYTES, MAX_DEPTH, parse_canonical, to_canonical};

#[derive(Serialize)]
struct Unit;
#[derive(Serialize)]
struct Newtype(u8);
#[derive(Serialize)]
struct Tuple(u8, &'static str);
#[derive(Serialize)]
struct Struct {
    zulu: bool,
    alpha: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u8>,
}
#[derive(Serialize)]
enum External {
    Unit,
    Newtype(u8),
    Tuple(u8, u8),
    Struct { b: u8, a: u8 },
}
#[derive(Serialize)]
#[serde(tag = "type", content = "content")]
enum Adjacent {
    Unit,
    Struct { b: u8 },
}
#[derive(Serialize)]
#[serde(tag = "type")]
enum Internal {
    Struct { b: u8 },
}
#[derive(Serialize)]
#[serde(untagged)]
enum Untagged {
    Text(&'static str),
}
#[derive(Serialize)]
struct Flat {
    z: u8,
    #[serde(flatten)]
    more: BTreeMap<String, u8>,
}
struct Bytes;
impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&[0, 127, 255])
    }
}
struct Shown(&'static str);
impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("<{}>", self.0))
    }
}

/// Checks against the stated text, and that `serde_json` agrees about the value.
#[track_caller]
fn check<T: Serialize>(value: &T, expected: &str) {
    assert_eq!(to_canonical(value).unwrap().as_str(), expected);
    let other = serde_json::to_string(value).unwrap();
    assert_eq!(parse_canonical(&other).unwrap().as_str(), expected);
}

#[test]
fn scalars() {
    check(&true, "true");
    check(&(), "null");
    check(&Unit, "null");
    check(&None::<u8>, "null");
    check(&Some(3), "3");
    check(&'ß', r#""ß""#);
    check(
        &"a\"b\\\u{8}\u{c}\n\r\t\u{0}\u{1f}/\u{7f}\u{2028}",
        "\"a\\\"b\\\\\\b\\f\\n\\r\\t\\u0000\\u001f/\u{7f}\u{2028}\"",
    );
    check(&Newtype(7), "7");
    check(&Shown("a\"b"), r#""<a\"b>""#);
    check(&Bytes, "[0,127,255]");
    check(&i8::MIN, "-128");
    check(&i64::MIN, "-9223372036854775808");
    check(&u64::MAX, "18446744073709551615");
    check(&i128::MIN, "-170141183460469231731687303715884105728");
    check(&u128::MAX, "340282366920938463463374607431768211455");
    check(&1.1_f32, "1.1");
    check(&16_777_216_f32, "16777216");
    check(&1e16_f32, "1e+16");
    check(&f32::MAX, "3.4028235e+38");
    check(&-0.0_f64, "0");
    check(&100.0_f64, "100");
}

#[test]
fn compounds() {
    check(&[1, 2, 3], "[1,2,3]");
    check(&Vec::<u8>::new(), "[]");
    check(&BTreeMap::<u8, u8>::new(), "{}");
    check(&(1, "a", [true]), r#"[1,"a",[true]]"#);
    check(&Tuple(1, "b"), r#"[1,"b"]"#);
    check(&Struct { zulu: true, alpha: None, left_out: None }, r#"{"alpha":null,"zulu":true}"#);
    check(&External::Unit, r#""Unit""#);
    check(&External::Newtype(1), r#"{"Newtype":1}"#);
    check(&External::Tuple(1, 2), r#"{"Tuple":[1,2]}"#);
    check(&External::Struct { b: 1, a: 2 }, r#"{"Struct":{"a":2,"b":1}}"#);
    check(&Adjacent::Unit, r#"{"type":"Unit"}"#);
    check(&Adjacent::Struct { b: 1 }, r#"{"content":{"b":1},"type":"Struct"}"#);
    check(&Internal::Struct { b: 1 }, r#"{"b":1,"type":"Struct"}"#);
    check(&Untagged::Text("x"), r#""x""#);
    check(&Flat { z: 1, more: [("a".to_owned(), 2)].into() }, r#"{"a":2,"z":1}"#);
    check(
        &serde_json::json!({ "b": [{}, { "d": 1.5, "c": null }], "a": "x" }),
        r#"{"a":"x","b":[{},{"c":null,"d":1.5}]}"#,
    );
}

#[test]
fn keys() {
    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    enum Name {
        First,
    }
    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    struct Wrapped(i64);
    check(&BTreeMap::from([(10, 'a'), (9, 'b')]), r#"{"10":"a","9":"b"}"#);
    check(&BTreeMap::from([(true, 1), (false, 0)]), r#"{"false":0,"true":1}"#);
    check(&BTreeMap::from([('x', 1)]), r#"{"x":1}"#);
    check(&BTreeMap::from([(Name::First, 1)]), r#"{"First":1}"#);
    check(&BTreeMap::from([(Wrapped(-1), 1)]), r#"{"-1":1}"#);
    check(&BTreeMap::from([(i128::MAX, 1)]), r#"{"170141183460469231731687303715884105727":1}"#);
    check(&BTreeMap::from([("a\"\n", 1)]), r#"{"a\"\n":1}"#);
}

/// A map of entries as given.
struct Entries<K, V>(Vec<(K, V)>);
impl<K: Serialize, V: Serialize> Serialize for Entries<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[test]
fn keys_that_are_not_text_are_refused() {
    struct Key(Result<&'static str, f64>);
    impl Serialize for Key {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                Ok(text) => serializer.serialize_str(text),
                Err(number) => serializer.serialize_f64(number),
            }
        }
    }
    #[derive(Serialize)]
    struct Args {
        by_size: Entries<f64, u8>,
    }
    let error = to_canonical(&Args { by_size: Entries(vec![(1.5, 1)]) }).unwrap_err();
    assert_eq!(error.problem(), &EncodeProblem::KeyNotText { found: "a float" });
    assert_eq!(error.path().to_string(), "by_size");
    // The entry before the refused one is not blamed.
    let mixed = Entries(vec![(Key(Ok("x")), 1), (Key(Err(0.5)), 2)]);
    assert_eq!(to_canonical(&[&mixed]).unwrap_err().path().to_string(), "[0]");
    assert!(to_canonical(&mixed).unwrap_err().path().is_root());
    assert!(to_canonical(&Entries(vec![((), 1)])).is_err());
    assert!(to_canonical(&Entries(vec![(None::<u8>, 1)])).is_err());
    assert!(to_canonical(&Entries(vec![([1, 2], 1)])).is_err());
    assert!(to_canonical(&Entries(vec![(External::Newtype(1), 1)])).is_err());
    assert!(to_canonical(&Entries(vec![(Bytes, 1)])).is_err());
}

#[test]
fn duplicate_keys_are_refused_with_their_place() {
    for keys in [vec!["a", "a"], vec!["b", "a", "c", "b"], vec!["c", "b", "a", "a"]] {
        let twice = keys[keys.len() - 1];
        let value = Entries(vec![("args", [Entries(keys.into_iter().map(|key| (key, 1)).collect())])]);
        let error = to_canonical(&value).unwrap_err();
        assert_eq!(error.problem(), &EncodeProblem::DuplicateKey { key: twice.to_owned() });
        assert_eq!(error.path().to_string(), format!("args[0].{twice}"));
    }
    let flat = Flat { z: 1, more: [("z".to_owned(), 2)].into() };
    assert!(matches!(to_canonical(&flat).unwrap_err().problem(), EncodeProblem::DuplicateKey { .. }));
}

#[test]
fn an_error_tells_where() {
    #[derive(Serialize)]
    struct Item {
        name: &'static str,
        price: f64,
    }
    #[derive(Serialize)]
    struct Args {
        zone: u8,
        items: Vec<Item>,
    }
    let items = [1.0, 2.0, 3.0, f64::NAN].map(|price| Item { name: "n", price });
    let value = BTreeMap::from([("args", Args { zone: 1, items: items.into() })]);
    let error = to_canonical(&value).unwrap_err();
    assert_eq!(error.path().to_string(), "args.items[3].price");
    assert_eq!(
        error.to_string(),
        "no canonical JSON for `args.items[3].price`: NaN is not a JSON number; send a finite number, null or a string"
    );
}

struct Fails;
impl Serialize for Fails {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("the lock is poisoned"))
    }
}

#[test]
fn a_failing_implementation_is_quoted() {
    let error = to_canonical(&BTreeMap::from([("a", (1, Fails))])).unwrap_err();
    assert_eq!(error.problem(), &EncodeProblem::Failed { message: "the lock is poisoned".to_owned() });
    assert_eq!(error.path().to_string(), "a[1]");
}

#[test]
fn a_swallowed_error_still_refuses() {
    struct Swallows;
    impl Serialize for Swallows {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut seq = serializer.serialize_seq(None)?;
            let ignored =
                [seq.serialize_element(&1), seq.serialize_element(&f64::NAN), seq.serialize_element(&2)];
            assert!(ignored[1].is_err());
            seq.end()
        }
    }
    let error = to_canonical(&Swallows).unwrap_err();
    assert_eq!(error.problem(), &EncodeProblem::NotFinite { found: "NaN" });
    assert_eq!(error.path().to_string(), "[1]");
}

#[test]
fn misuse_of_maps_is_refused() {
    struct KeyOnly(bool);
    impl Serialize for KeyOnly {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_key("a")?;
            if self.0 {
                map.serialize_key("b")?;
            }
            map.end()
        }
    }
    struct ValueOnly;
    impl Serialize for ValueOnly {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_value(&1)?;
            map.end()
        }
    }
    struct BadDisplay;
    impl fmt::Display for BadDisplay {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    impl Serialize for BadDisplay {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }
    for error in [
        to_canonical(&KeyOnly(false)).unwrap_err(),
        to_canonical(&KeyOnly(true)).unwrap_err(),
        to_canonical(&ValueOnly).unwrap_err(),
        to_canonical(&BadDisplay).unwrap_err(),
    ] {
        assert!(matches!(error.problem(), EncodeProblem::Misuse { .. }), "{error}");
    }
    assert!(to_canonical(&Entries(vec![(BadDisplay, 1)])).is_err());
}

#[test]
fn depth_is_limited() {
    #[derive(Serialize)]
    #[serde(transparent)]
    struct Nested(Vec<Self>);
    let nested = |depth| (1..depth).fold(Nested(Vec::new()), |inner, _| Nested(vec![inner]));
    let deepest = to_canonical(&nested(MAX_DEPTH)).unwrap();
    assert_eq!(deepest.as_str(), format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH)));
    assert!(deepest.to_value().is_ok());
    let error = to_canonical(&nested(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(error.problem(), &EncodeProblem::TooDeep { limit: MAX_DEPTH });
}

#[test]
fn nesting_that_leaves_no_mark_is_limited() {
    #[derive(Serialize)]
    struct Chain(Option<Box<Self>>);
    let chain = |length| (0..length).fold(Chain(None), |inner, _| Chain(Some(Box::new(inner))));
    assert_eq!(to_canonical(&chain(200)).unwrap().as_str(), "null");
    assert!(matches!(to_canonical(&chain(2_000)).unwrap_err().problem(), EncodeProblem::TooDeep { .. }));
}

#[test]
fn length_is_limited() {
    let longest = "x".repeat(MAX_BYTES - 2);
    assert_eq!(to_canonical(&longest).unwrap().as_str().len(), MAX_BYTES);
    for value in [format!("{longest}x"), "\n".repeat(MAX_BYTES / 2)] {
        let error = to_canonical(&value).unwrap_err();
        assert_eq!(error.problem(), &EncodeProblem::TooLong { limit: MAX_BYTES });
    }
    assert!(to_canonical(&vec![true; MAX_BYTES / 5 + 1]).is_err());
    assert!(to_canonical(&BTreeMap::from([(&longest, 1)])).is_err());
}

#[test]
fn numbers_and_texts_that_serde_json_passes_through_are_kept() {
    /// What `serde_json` hands over with its features `arbitrary_precision` and `raw_value`.
    struct Private(&'static str, &'static str);
    impl Serialize for Private {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeStruct;
            let mut private = serializer.serialize_struct(self.0, 1)?;
            private.serialize_field(self.0, self.1)?;
            private.end()
        }
    }
    let number = |text| to_canonical(&("a", Private("$serde_json::private::Number", text)));
    assert_eq!(
        number("123456789012345678901234567890").unwrap().as_str(),
        r#"["a",123456789012345678901234567890]"#
    );
    assert_eq!(number("1.50").unwrap().as_str(), r#"["a",1.5]"#);
    assert_eq!(number("1e999").unwrap_err().path().to_string(), "[1]");
    assert!(number("{}").is_err());
    assert!(number("1 ").is_err());
    let raw = |text| to_canonical(&("a", Private("$serde_json::private::RawValue", text)));
    assert_eq!(raw(r#" {"b" : 1, "a":[ ]} "#).unwrap().as_str(), r#"["a",{"a":[],"b":1}]"#);
    assert_eq!(raw(r#"{"b":[1,{"c":1,"c":2}]}"#).unwrap_err().path().to_string(), "[1].b[1].c");
    assert!(raw("1 2").is_err());
}
