//! Placeholders, keyed digests and paths.

use crate::model::canonical::{
    CanonicalJson, DigestKey, EncodeProblem, FieldPath, MAX_DEPTH, Redacted, arguments_digest, keyed,
    parse_canonical, redact,
};

fn key() -> DigestKey {
    DigestKey::new("k1", *b"0123456789abcdef0123456789abcdef").unwrap()
}

fn json(text: &str) -> CanonicalJson {
    parse_canonical(text).unwrap()
}

fn paths(paths: &[&str]) -> Vec<FieldPath> {
    paths.iter().map(|path| path.parse().unwrap()).collect()
}

#[track_caller]
fn redacted(text: &str, at: &[&str]) -> Redacted {
    redact(&json(text), &paths(at), &key()).unwrap()
}

#[test]
fn keyed_as_computed_in_python() {
    // python3 -c 'import hmac; print(hmac.new(b"0123456789abcdef0123456789abcdef", b"\"hunter2\"", "sha256").hexdigest())'
    assert_eq!(
        keyed(&json(r#""hunter2""#), &key()),
        "hmac-sha256:k1:af5b80716d3d1ee7155536916887e79f703cb52d3a8e8238e748ea6bcf491234"
    );
    // … b"{\"$int\":\"9007199254740993\"}" …
    assert_eq!(
        keyed(&json("9007199254740993"), &key()),
        "hmac-sha256:k1:9742e211148621acd6900109e572076510039d7668695ff4b370ba3e69c5fd64"
    );
}

#[test]
fn a_value_is_replaced_by_its_placeholder() {
    let secret = keyed(&json(r#""hunter2""#), &key());
    let Redacted { bound, absent, .. } =
        redacted(r#"{"args":{"token":"hunter2","user":"ann"}}"#, &["args.token"]);
    assert_eq!(bound.as_str(), format!(r#"{{"args":{{"token":{{"$redacted":"{secret}"}},"user":"ann"}}}}"#));
    assert_eq!(bound.digest_form(), bound.as_str());
    assert!(bound.is_redacted());
    assert_eq!(absent, []);
}

#[test]
fn every_element_and_any_shape_can_be_redacted() {
    let value = r#"{"items":[{"id":1,"pin":1234},{"id":2,"pin":null},{"id":3}],"map":{"a":9007199254740993,"b":{"c":[]}}}"#;
    let Redacted { bound, absent, .. } = redacted(value, &["items[*].pin", "map[*]", "items[0].id"]);
    let [one, pin, null, big, object] =
        ["1", "1234", "null", "9007199254740993", r#"{"c":[]}"#].map(|text| keyed(&json(text), &key()));
    let placeholder = |keyed: &str| format!(r#"{{"$redacted":"{keyed}"}}"#);
    let expected = format!(
        r#"{{"items":[{{"id":{},"pin":{}}},{{"id":2,"pin":{}}},{{"id":3}}],"map":{{"a":{},"b":{}}}}}"#,
        placeholder(&one),
        placeholder(&pin),
        placeholder(&null),
        placeholder(&big),
        placeholder(&object)
    );
    assert_eq!(bound.as_str(), expected);
    assert_eq!(absent, []);
}

#[test]
fn the_outer_path_counts() {
    let outer = redacted(r#"{"a":{"b":1}}"#, &["a"]);
    for order in [["a", "a.b"], ["a.b", "a"]] {
        let both = redacted(r#"{"a":{"b":1}}"#, &order);
        assert_eq!(both.bound, outer.bound);
        assert_eq!(both.absent, []);
    }
}

#[test]
fn what_is_absent_is_told() {
    let value = r#"{"a":null,"b":{},"c":[],"d":[1]}"#;
    let at = ["a.x", "b.x", "c[*]", "d[1]", "x"];
    let Redacted { bound, absent, .. } = redacted(value, &at);
    assert_eq!(absent, paths(&at));
    assert_eq!(bound, json(value));
    assert!(!bound.is_redacted());
}

#[test]
fn a_path_into_the_wrong_shape_is_refused() {
    for (value, path) in [
        (r#"{"a":"secret"}"#, "a.token"),
        (r#"{"a":1}"#, "a[0]"),
        (r#"{"a":true}"#, "a[*]"),
        (r#"{"a":[{"b":1}]}"#, "a.b"),
        (r#"{"a":{"0":1}}"#, "a[0]"),
    ] {
        let error = redact(&json(value), &paths(&[path]), &key()).unwrap_err();
        assert!(matches!(error.problem(), EncodeProblem::PathMismatch { .. }), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(error.to_string().contains(path), "{error}");
    }
}

#[test]
fn a_user_value_is_never_a_placeholder() {
    let real = redacted(r#"{"token":"hunter2"}"#, &["token"]).bound;
    // The text of the placeholder is known to everybody who sees the request.
    let forged = json(real.as_str());
    assert_eq!(forged.as_str(), real.as_str());
    assert_ne!(forged.digest_form(), real.digest_form());
    assert_ne!(arguments_digest("x", 1, None, &forged), arguments_digest("x", 1, None, &real));

    // Also beside a real one, where the stored text is told apart too.
    let keyed = keyed(&json("1"), &key());
    let both = redacted(&format!(r#"{{"forged":{{"$redacted":"{keyed}"}},"z":1}}"#), &["z"]).bound;
    assert_eq!(
        both.as_str(),
        format!(r#"{{"forged":{{"$$redacted":"{keyed}"}},"z":{{"$redacted":"{keyed}"}}}}"#)
    );
    assert_eq!(both.digest_form(), both.as_str());
}

#[test]
fn a_redacted_text_reads_again_as_it_was() {
    let value = r#"{"$$redacted":1,"$int":9007199254740993,"$redacted":2,"t":3,"u":1e16}"#;
    let bound = redacted(value, &["t"]).bound;
    let read = CanonicalJson::parse_redacted(bound.as_str()).unwrap();
    assert_eq!(read, bound);
    let stored: CanonicalJson = serde_json::from_str(&serde_json::to_string(&bound).unwrap()).unwrap();
    assert_eq!(stored, bound);
    assert_eq!(stored.digest_form(), bound.digest_form());
    assert!(
        bound.digest_form().contains(r#""$$int":{"$int":"9007199254740993"}"#),
        "{}",
        bound.digest_form()
    );
}

#[test]
fn redacting_twice_keeps_the_first() {
    let once = redacted(r#"{"$redacted":0,"a":1,"b":2}"#, &["a"]).bound;
    let twice = redact(&once, &paths(&["b"]), &key()).unwrap().bound;
    assert_eq!(twice, redacted(r#"{"$redacted":0,"a":1,"b":2}"#, &["a", "b"]).bound);
}

#[test]
fn a_redacted_value_binds_the_value_and_the_key() {
    let one = redacted(r#"{"t":"one"}"#, &["t"]).bound;
    let two = redacted(r#"{"t":"two"}"#, &["t"]).bound;
    let other_key = DigestKey::new("k1", [7; 32]).unwrap();
    let other = redact(&json(r#"{"t":"one"}"#), &paths(&["t"]), &other_key).unwrap().bound;
    assert_ne!(one.digest_form(), two.digest_form());
    assert_ne!(one.digest_form(), other.digest_form());
}

#[test]
fn a_placeholder_counts_for_the_depth() {
    let deep = format!("{}1{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    let path = "[*]".repeat(MAX_DEPTH);
    let error = redact(&json(&deep), &paths(&[&path]), &key()).unwrap_err();
    assert_eq!(error.problem(), &EncodeProblem::TooDeep { limit: MAX_DEPTH });
}

#[test]
fn keys_have_plain_names_and_tell_nothing() {
    assert_eq!(format!("{:?}", key()), r#"DigestKey { id: "k1", .. }"#);
    for wrong in ["", "a:b", "a b", "ä", &"x".repeat(65)] {
        assert!(DigestKey::new(wrong, [0; 32]).is_err(), "{wrong}");
    }
}

#[test]
fn paths_are_written_as_they_are_read() {
    for text in [
        "args",
        "args.token",
        "items[3].price",
        "items[*].secret",
        "[0]",
        "[*][*].x",
        "$ref.a-b_c.0",
        r#"["a.b"].c"#,
        r#"a["x y"][""]["\"\\"]"#,
        r#"["\u200b"]"#,
        r#"["\ud83d\udd25\u202e"]"#,
        "größe.数量",
    ] {
        let path: FieldPath = text.parse().unwrap();
        let shown = path.to_string();
        assert_eq!(shown.parse::<FieldPath>().unwrap(), path, "{text}");
        if !text.contains("ud83d") {
            assert_eq!(shown, text);
        }
        assert_eq!(serde_json::from_str::<FieldPath>(&serde_json::to_string(&path).unwrap()).unwrap(), path);
    }
    for (text, at) in [
        ("", 1),
        (".a", 1),
        ("a.", 3),
        ("a..b", 3),
        ("a b", 2),
        ("a.*", 3),
        ("a[", 2),
        ("a[]", 2),
        ("a[-1]", 2),
        ("a[+1]", 2),
        ("a[01]", 2),
        ("a[1]b", 5),
        ("a[\"b]", 2),
        ("ä[\"b\"", 2),
        ("a[99999999999999999999]", 2),
        ("a\u{200b}b", 2),
    ] {
        let error = text.parse::<FieldPath>().unwrap_err();
        assert!(error.to_string().starts_with("path "), "{error}");
        assert!(error.to_string().contains(&format!("is wrong at character {at}:")), "{text:?}: {error}");
    }
}

#[test]
fn a_path_finds_values() {
    let value =
        serde_json::json!({ "a": [{ "b": 1 }, { "b": 2 }, { "c": 3 }], "m": { "x": 4, "y": 5 }, "0": 6 });
    let get = |path: &str| -> Vec<u64> {
        path.parse::<FieldPath>()
            .unwrap()
            .get(&value)
            .into_iter()
            .filter_map(serde_json::Value::as_u64)
            .collect()
    };
    assert_eq!(get("a[*].b"), [1, 2]);
    assert_eq!(get("a[1].b"), [2]);
    assert_eq!(get("m[*]"), [4, 5]);
    assert_eq!(get("0"), [6]);
    for nowhere in ["a[9].b", "a.b", "m[0]", "nowhere.at.all"] {
        assert!(get(nowhere).is_empty(), "{nowhere}");
    }
}

#[test]
fn a_path_is_missing_where_a_key_or_an_element_is_not_there() {
    let value = r#"{"args":{"token":"x"},"items":[{"pin":1},{"id":2}],"empty":[],"none":null,"map":{}}"#;
    let missing = |path: &str| !redacted(value, &[path]).missing.is_empty();
    for path in
        ["tok", "args.tok", "arg.token", "items[*].pin", "items[2]", "items[1].pin", "map.a", "empty[0]"]
    {
        assert!(missing(path), "{path}");
    }
    for path in ["args", "args.token", "items[0].pin", "empty[*].pin", "none.a.b", "map[*].a", "none"] {
        assert!(!missing(path), "{path}");
    }
    let two = redacted(value, &["args.token", "args.tok"]);
    assert_eq!(two.missing, paths(&["args.tok"]));
}
