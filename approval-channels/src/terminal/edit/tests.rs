use serde_json::json;

use super::super::sample::view;
use super::*;

fn edit(text: &str) -> Result<Value, String> {
    read(text, &view().editable).map(Value::Object)
}

#[test]
fn reads_assignments() {
    assert_eq!(edit("cents=1200").unwrap(), json!({"cents": 1200}));
    assert_eq!(edit("cents=1200  note=less").unwrap(), json!({"cents": 1200, "note": "less"}));
    assert_eq!(edit(r#"note="two words" cents=5"#).unwrap(), json!({"cents": 5, "note": "two words"}));
    assert_eq!(edit(r#"note="a=b""#).unwrap(), json!({"note": "a=b"}));
    assert_eq!(edit(r#"cents=[1, {"a": 2}]"#).unwrap(), json!({"cents": [1, {"a": 2}]}));
}

#[test]
fn reads_a_json_object() {
    assert_eq!(edit(r#"{"cents": 1200, "note": "less"}"#).unwrap(), json!({"cents": 1200, "note": "less"}));
}

#[test]
fn a_text_stays_a_text() {
    assert_eq!(edit("note=12").unwrap(), json!({"note": "12"}));
    assert_eq!(edit("note=true").unwrap(), json!({"note": "true"}));
    assert_eq!(edit(r#"note="""#).unwrap(), json!({"note": ""}));
}

#[test]
fn refuses_what_is_unclear_and_says_why() {
    let cases = [
        ("", "what shall change"),
        ("cents", "not NAME=VALUE"),
        ("cents=", "no value"),
        ("cents= 5", "no value"),
        ("cents=twelve", "neither a number"),
        ("cents=12x", "neither a number"),
        ("cents=5 cents=6", "given twice"),
        ("note=two words", "not NAME=VALUE"),
        ("note=\"open", "not JSON"),
        ("note=\"a\"b", "without a space"),
        ("customer=x", "may not be changed"),
        ("args.customer=x", "may not be changed"),
        ("cents=120000", "already"),
        ("{}", "no change"),
        ("{\"cents\": 1", "not a JSON object"),
        ("{\"cents\": 1, \"cents\": 2}", "given twice"),
        ("{\"cents\": 1} y", "not a JSON object"),
        ("{\"args\": {\"customer\": \"x\"}}", "may not be changed"),
        ("cents=18446744073709551616", "neither a number"),
    ];
    for (text, expected) in cases {
        let why = edit(text).expect_err(text);
        assert!(why.contains(expected), "{text}: {why}");
    }
}

#[test]
fn nothing_is_editable_where_nothing_is_declared() {
    assert!(read("cents=1", &[]).unwrap_err().contains("none of the arguments"));
}

#[test]
fn an_unknown_name_is_answered_with_those_that_exist() {
    assert!(edit("cent=1").unwrap_err().contains("editable: cents=120000 note=\"as agreed\""));
}

#[test]
fn answers_follow_the_schema() {
    let answer = |text: &str, schema: Value| answer(text, &schema, &[]);
    assert_eq!(answer("ship it", json!({"type": "string"})), Ok(json!("ship it")));
    assert_eq!(answer("\"a b\"", json!({"type": "string"})), Ok(json!("a b")));
    assert_eq!(answer("42", json!({"type": "string"})), Ok(json!("42")));
    assert_eq!(answer("Yes", json!({"type": "boolean"})), Ok(json!(true)));
    assert_eq!(answer("n", json!({"type": "boolean"})), Ok(json!(false)));
    assert!(answer("maybe", json!({"type": "boolean"})).is_err());
    assert_eq!(answer("42", json!({"type": "integer"})), Ok(json!(42)));
    assert!(answer("many", json!({"type": "integer"})).is_err());
    assert_eq!(answer("{\"a\": 1}", json!({})), Ok(json!({"a": 1})));
    assert!(answer("", json!({"type": "string"})).is_err());
}

fn choices() -> Vec<(String, Value)> {
    [("Deep blue", json!("blue")), ("Green", json!("green")), ("Seven", json!(7)), ("Two", json!(2))]
        .map(|(title, value)| (title.to_owned(), value))
        .into()
}

#[test]
fn a_prepared_answer_is_given_by_title_value_or_number() {
    let answer = |text: &str| answer(text, &json!({}), &choices());
    for text in ["Deep blue", "blue", "\"blue\"", "1"] {
        assert_eq!(answer(text), Ok(json!("blue")), "{text}");
    }
    assert_eq!(answer("3"), Ok(json!(7)));
    assert_eq!(answer("7"), Ok(json!(7)));
    assert!(answer("red").unwrap_err().contains("Deep blue, Green, Seven, Two"));
    assert!(answer("5").is_err());
}

#[test]
fn digits_that_mean_two_answers_mean_none() {
    assert!(answer("2", &json!({}), &choices()).is_err(), "the second answer, or the value 2?");
    assert_eq!(answer("4", &json!({}), &choices()), Ok(json!(2)));
    assert_eq!(answer("Two", &json!({}), &choices()), Ok(json!(2)));
}
