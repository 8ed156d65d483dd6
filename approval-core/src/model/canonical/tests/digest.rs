//! Digests against values computed elsewhere.

use crate::model::canonical::{ArgumentsDigest, SchemaDigest, arguments_digest, parse_canonical};

/// The commands that gave the expected values are beside them.
#[test]
fn digests_as_computed_in_python() {
    // python3 -c 'import hashlib,json
    // o={"action":"payments.refund","arguments":{"order":"A-\"7\"","cents":{"$int":"9007199254740993"},"note":"é\n","$$int":[1.5,None]},
    //    "format":1,"version":3,"schema":"sha256:"+hashlib.sha256(b"{\"type\":\"object\"}").hexdigest()}
    // print(hashlib.sha256(json.dumps(o,sort_keys=True,separators=(",",":"),ensure_ascii=False).encode()).hexdigest())'
    let arguments =
        parse_canonical(r#"{"order":"A-\"7\"","cents":9007199254740993,"note":"é\n","$int":[1.50,null]}"#)
            .unwrap();
    let schema = SchemaDigest::of(&parse_canonical(r#"{ "type": "object" }"#).unwrap());
    let digest = arguments_digest("payments.refund", 3, Some(&schema), &arguments);
    assert_eq!(digest.to_string(), "sha256:9afe32181920aacc903e56bbe6bbb87e67fb66276bf702700b04fb1dfeeaeda4");

    // python3 -c 'import hashlib,json
    // o={"action":"a\"b\\c\u0001ü","arguments":[],"format":1,"version":4294967295,"schema":None}
    // print(hashlib.sha256(json.dumps(o,sort_keys=True,separators=(",",":"),ensure_ascii=False).encode()).hexdigest())'
    let digest = arguments_digest("a\"b\\c\u{1}ü", u32::MAX, None, &parse_canonical("[]").unwrap());
    assert_eq!(digest.to_string(), "sha256:ab5d9b1e4fda0bc7ef56ed26287269027a466cc0f58da5629facc8560d038f97");
}

#[test]
fn every_part_is_bound() {
    let one = parse_canonical(r#"{"a":1}"#).unwrap();
    let two = parse_canonical(r#"{"a":2}"#).unwrap();
    let schema = SchemaDigest::of(&one);
    let other_schema = SchemaDigest::of(&two);
    let mut digests = vec![
        arguments_digest("x", 1, None, &one),
        arguments_digest("y", 1, None, &one),
        arguments_digest("x", 2, None, &one),
        arguments_digest("x", 1, Some(&schema), &one),
        arguments_digest("x", 1, Some(&other_schema), &one),
        arguments_digest("x", 1, None, &two),
    ];
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 6);
}

#[test]
fn parts_cannot_be_moved_into_each_other() {
    // The action's name contains what would follow it.
    let null = parse_canonical("null").unwrap();
    let forged =
        arguments_digest(r#"x","arguments":null,"format":1,"schema":null,"version":1}"#, 1, None, &null);
    assert_ne!(forged, arguments_digest("x", 1, None, &null));
}

#[test]
fn text_form() {
    let digest = ArgumentsDigest::from_bytes([0xa5; 32]);
    let text = format!("sha256:{}", "a5".repeat(32));
    assert_eq!(digest.to_string(), text);
    assert_eq!(text.parse::<ArgumentsDigest>().unwrap(), digest);
    assert_eq!(format!("{digest:?}"), format!("ArgumentsDigest({text})"));
    assert_eq!(serde_json::to_value(digest).unwrap(), text);
    assert_eq!(serde_json::from_value::<ArgumentsDigest>(text.clone().into()).unwrap(), digest);
    for wrong in [
        String::new(),
        "a5".repeat(32),
        text.to_uppercase(),
        text.replacen("a5", "A5", 1),
        text.replacen("a5", "g5", 1),
        format!("{text}a"),
        text.replacen("a5", "a", 1),
        text.replacen("a5a5", "é", 2),
        format!("sha512:{}", "a5".repeat(32)),
    ] {
        assert!(wrong.parse::<ArgumentsDigest>().is_err(), "{wrong}");
    }
}
