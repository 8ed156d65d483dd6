//! Strict reading of JSON.

use crate::model::canonical::{CanonicalJson, EncodeProblem, MAX_BYTES, MAX_DEPTH, parse_canonical};

#[test]
fn white_space_order_and_escapes_do_not_matter() {
    let text = parse_canonical(
        " {\r\n\t\"b\" : [ 1 , 2.0 , {} , [ ] ] , \"\\u0061\" : \"\\u00e9\\/\\ud83d\\ude00\" } ",
    )
    .unwrap();
    assert_eq!(text.as_str(), r#"{"a":"é/😀","b":[1,2,{},[]]}"#);
}

#[test]
fn integers_are_kept_digit_by_digit() {
    for digits in ["0", "-1", "9007199254740993", "18446744073709551616", "-123456789012345678901234567890"] {
        assert_eq!(parse_canonical(digits).unwrap().as_str(), digits);
    }
    assert_eq!(parse_canonical("-0").unwrap().as_str(), "0");
    assert_eq!(parse_canonical("-0.0").unwrap().as_str(), "0");
}

#[test]
fn numbers_with_fraction_or_exponent_are_doubles() {
    for (literal, stored, digested) in [
        ("1.0", "1", "1"),
        ("1E2", "100", "100"),
        ("0.1000000000000000055", "0.1", "0.1"),
        ("9007199254740991.0", "9007199254740991", "9007199254740991"),
        ("9007199254740992.0", "9.007199254740992e+15", "9007199254740992"),
        ("1e16", "1e+16", "10000000000000000"),
        ("-12e20", "-1.2e+21", "-1.2e+21"),
    ] {
        let text = parse_canonical(literal).unwrap();
        assert_eq!((text.as_str(), text.digest_form()), (stored, digested), "{literal}");
    }
}

#[test]
fn a_large_integer_and_the_double_with_its_digits_differ_in_the_digest_form() {
    let integer = parse_canonical("9007199254740992").unwrap();
    let double = parse_canonical("9007199254740992.0").unwrap();
    assert_eq!(integer.digest_form(), r#"{"$int":"9007199254740992"}"#);
    assert_ne!(integer.digest_form(), double.digest_form());
}

#[test]
fn a_user_cannot_write_the_tags_of_the_digest_form() {
    for (text, digest_form) in [
        (r#"{"$int":"1"}"#, r#"{"$$int":"1"}"#),
        (r#"{"$$int":"1"}"#, r#"{"$$$int":"1"}"#),
        (r#"{"$redacted":"x"}"#, r#"{"$$redacted":"x"}"#),
        (r#"{"$$redacted":{"$int":1}}"#, r#"{"$$$redacted":{"$$int":1}}"#),
        // Keys are sorted after the extra `$`, which comes before the letters.
        (r#"{"$a":1,"$int":2}"#, r#"{"$$int":2,"$a":1}"#),
    ] {
        let json = parse_canonical(text).unwrap();
        assert_eq!((json.as_str(), json.digest_form()), (text, digest_form));
    }
    let same = r#"{"$":1,"$Int":2,"$intx":3,"int":4,"redacted":5,"x$int":6}"#;
    assert_eq!(parse_canonical(same).unwrap().digest_form(), same);
}

#[track_caller]
fn refused(text: &str, line: usize, column: usize, needle: &str) {
    let error = parse_canonical(text).unwrap_err();
    let position = error.position().unwrap();
    assert!(error.to_string().contains(needle), "{text:?}: {error}");
    assert_eq!((position.line, position.column), (line, column), "{text:?}: {error}");
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    refused("", 1, 1, "ends before");
    refused("[1,", 1, 4, "ends before");
    refused("[1,]", 1, 4, "expected a value");
    refused("[1 2]", 1, 4, "expected `,` or `]`");
    refused("{\"a\":1,}", 1, 8, "expected a key");
    refused("{a:1}", 1, 2, "bare words");
    refused("{\"a\" 1}", 1, 6, "expected `:`");
    refused("{\"a\":1 \"b\"", 1, 8, "expected `,` or `}`");
    refused("{'a':1}", 1, 2, "expected a value");
    refused("1 2", 1, 3, "something follows");
    refused("[1\n,\n  nul]", 3, 3, "bare words");
    refused("tru\u{e9}", 1, 1, "bare words");
    refused("NaN", 1, 1, "expected a value");
    refused("01", 1, 1, "superfluous zero");
    refused("-", 1, 2, "expected a digit");
    refused("1.", 1, 3, "expected a digit");
    refused("1e+", 1, 4, "expected a digit");
    refused(".5", 1, 1, "expected a value");
    refused("+1", 1, 1, "expected a value");
    refused("\u{feff}1", 1, 1, "byte order mark");
    refused("\"ä\n\"", 1, 3, "control character");
    refused("\"abc", 1, 1, "closing quote");
    refused("\"a\\x\"", 1, 3, "escape");
    refused("\"\\u12g4\"", 1, 2, "four hexadecimal");
    refused("\"\\u12", 1, 2, "four hexadecimal");
    refused("\"\\u12é4\"", 1, 2, "four hexadecimal");
    refused("\"\\", 1, 2, "within an escape");
    refused("/* a */ 1", 1, 1, "expected a value");
    refused("1\u{a0}", 1, 2, "expected a value");
}

#[test]
fn half_a_surrogate_pair_is_refused() {
    for text in [
        r#""\ud83d""#,
        r#""\ude00""#,
        r#""\ud83dx""#,
        r#""\ud83d\n""#,
        r#""\ud83d\ud83d""#,
        r#""\ude00\ud83d""#,
    ] {
        refused(text, 1, 2, "surrogate");
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    for literal in ["1e309", "-1e400", "1e-400", &"9".repeat(400)] {
        refused(&format!("[{literal}]"), 1, 2, "does not fit a double");
    }
}

#[test]
fn duplicate_keys_are_refused_with_their_place() {
    refused("{\"a\":1,\n \"a\":2}", 2, 2, "`a`");
    refused(r#"{"x":[{"b":1,"a":2,"c":3,"\u0062":4}]}"#, 1, 26, "`x[0].b`");
    refused(r#"{"b":1,"a\n":1,"a\u000a":1}"#, 1, 16, r#"the key "a\n" occurs twice"#);
    let long = "k".repeat(10_000);
    let error = parse_canonical(&format!(r#"{{"{long}":{{"{long}":1,"{long}":2}}}}"#)).unwrap_err();
    assert!(error.to_string().len() < 1_000, "{error}");
    // The same keys in different objects are no duplicates.
    assert!(parse_canonical(r#"{"a":{"a":1},"b":{"a":1}}"#).is_ok());
}

#[test]
fn depth_and_length_are_limited() {
    let nested = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    assert!(parse_canonical(&nested(MAX_DEPTH)).unwrap().to_value().is_ok());
    let error = parse_canonical(&nested(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(error.problem(), &EncodeProblem::TooDeep { limit: MAX_DEPTH });
    assert_eq!(error.path().steps().len(), MAX_DEPTH);
    let error = parse_canonical(&"[".repeat(1_000_000)).unwrap_err();
    assert_eq!(error.problem(), &EncodeProblem::TooDeep { limit: MAX_DEPTH });
    let error = parse_canonical(&" ".repeat(MAX_BYTES + 1)).unwrap_err();
    assert_eq!(error.problem(), &EncodeProblem::TooLong { limit: MAX_BYTES });
}

#[test]
fn the_digest_form_may_exceed_the_limits_of_the_text() {
    let nested = format!("{}9007199254740993{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert!(parse_canonical(&nested).unwrap().digest_form().contains("$int"));
}

#[test]
fn storing_and_reading_gives_the_same() {
    for text in ["null", r#"{"$int":1e16,"a":9007199254740993}"#, r#""\u0000\u2028""#] {
        let json = parse_canonical(text).unwrap();
        let stored = serde_json::to_string(&json).unwrap();
        let read: CanonicalJson = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, json);
        assert_eq!(read.digest_form(), json.digest_form());
    }
    for changed in [
        r#""{\"b\":1,\"a\":2}""#,
        r#""1.0""#,
        r#""1 ""#,
        r#""[""#,
        "1",
        "{}",
        r#"{"redacted":"1","x":"2"}"#,
        r#"{"text":"1"}"#,
    ] {
        assert!(serde_json::from_str::<CanonicalJson>(changed).is_err(), "{changed}");
    }
}

#[test]
fn values_and_types_can_be_read() {
    #[derive(serde::Deserialize)]
    struct Big {
        big: u128,
    }
    let json = parse_canonical(r#"{"a":[1,2.5],"big":340282366920938463463374607431768211455}"#).unwrap();
    assert_eq!(json.to_nearest_value().unwrap()["a"], serde_json::json!([1, 2.5]));
    assert_eq!(json.deserialize::<Big>().unwrap().big, u128::MAX);
    let error = json.deserialize::<Vec<u8>>().unwrap_err();
    assert!(error.to_string().contains("expected a sequence"), "{error}");
}

#[test]
fn debug_does_not_tell_the_value() {
    let json = parse_canonical(r#"{"token":"hunter2"}"#).unwrap();
    assert_eq!(format!("{json:?}"), "CanonicalJson { bytes: 19, .. }");
}
