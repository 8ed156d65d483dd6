use super::*;

const ARGUMENTS: &str = r#"{"a b":7,"args":{"customer":"Ann \"A\"","items":[{"n":1},{"n":2.5}]},"cents":1250,"none":null,"price":"12.50","ratio":1e-7}"#;

#[test]
fn placeholders_are_filled_in() {
    for (template, text) in [
        ("plain", "plain"),
        ("", ""),
        ("{cents}", "1250"),
        ("{ cents }", "1250"),
        ("to {args.customer}!", "to Ann \"A\"!"),
        ("{args.items[1].n} {args.items[0]}", r#"2.5 {"n":1}"#),
        (r#"{["a b"]}"#, "7"),
        ("{none}", "null"),
        (
            "{nothing} {args.items[2]} {cents.x}",
            "⟨missing nothing⟩ ⟨missing args.items[2]⟩ ⟨missing cents.x⟩",
        ),
        ("{args.items[*].n}", "⟨missing args.items[*].n⟩"),
        ("{}", "⟨missing ⟩"),
        ("{{cents}} {{{cents}}}", "{cents} {1250}"),
        ("}} } {", "} } {"),
        ("a {cents", "a {cents"),
        ("ä{cents}ö", "ä1250ö"),
    ] {
        assert_eq!(render_description(template, &json(ARGUMENTS)), text, "{template}");
    }
}

#[test]
fn what_an_argument_says_is_no_template() {
    assert_eq!(render_description("{a}", &json(r#"{"a":"{b}","b":"{a}"}"#)), "{b}");
}

#[test]
fn redacted_values_are_announced() {
    use crate::model::canonical::{DigestKey, redact};
    let key = DigestKey::new("k", [7; 32]).unwrap();
    let plain = json(r#"{"a":{"token":"s3cret"},"n":5}"#);
    let bound = redact(&plain, &["a.token".parse().unwrap(), "n".parse().unwrap()], &key).unwrap().bound;
    assert_eq!(render_description("{a.token} {a.token.x}", &bound), "⟨redacted⟩ ⟨redacted⟩");
    assert!(compute_cost("{n} USD", &bound).unwrap_err().to_string().contains("redacted"));
}

#[test]
fn costs_are_computed_exactly() {
    for (expression, cost) in [
        ("{cents} / 100 USD", "12.50 USD"),
        ("  {cents}/100   USD ", "12.50 USD"),
        ("{cents}USD", "1250 USD"),
        ("{price} USD", "12.50 USD"),
        ("{price} * 2 - 5 EUR", "20 EUR"),
        ("1 + 2 * 3 USD", "7 USD"),
        ("(1 + 2) * 3 USD", "9 USD"),
        ("10 - 2 - 3 USD", "5 USD"),
        ("12 / 2 / 3 USD", "2 USD"),
        ("-(2 - 3) USD", "1 USD"),
        ("--2 USD", "2 USD"),
        ("0.1 + 0.2 USD", "0.30 USD"),
        ("{args.items[1].n} USD", "2.50 USD"),
        (r#"{["a b"]} JPY"#, "7 JPY"),
        ("{ratio} * 1000 USD", "0.0001 USD"),
        ("1 / 3 USD", "0.3333333333333333333333333333 USD"),
        ("1.005 USD", "1.005 USD"),
        ("0 USD", "0 USD"),
    ] {
        let found = compute_cost(expression, &json(ARGUMENTS)).unwrap();
        assert_eq!(found.to_string(), cost, "{expression}");
    }
    for (argument, cost) in [
        ("79228162514264337593543950335", "79228162514264337593543950335 USD"),
        ("1e+21", "1000000000000000000000 USD"),
        ("\"0e9223372036854775807\"", "0 USD"),
        ("\"-0.0e999999999999\"", "0 USD"),
        ("-12.5", "-12.50 USD"),
        ("1.5e+2", "150 USD"),
        ("1e+28", "10000000000000000000000000000 USD"),
        ("-7e+28", "-70000000000000000000000000000 USD"),
    ] {
        let arguments = json(&format!(r#"{{"n":{argument}}}"#));
        assert_eq!(compute_cost("{n} USD", &arguments).unwrap().to_string(), cost, "{argument}");
    }
}

#[test]
fn a_cost_that_cannot_be_computed_says_why() {
    for (expression, why) in [
        ("", "no currency"),
        ("US", "no currency"),
        ("{cents}", "no currency"),
        ("{cents} usd", "no currency"),
        ("USD", "ends where a number"),
        ("{cents} 5 USD", "goes on with"),
        ("{cents) USD", "brace that is not closed"),
        ("({cents} USD", "parenthesis that is not closed"),
        ("{cents}) USD", "goes on with"),
        ("{cents} / 0 USD", "divides by zero"),
        ("{cents} / (5 - 5) USD", "divides by zero"),
        ("{nothing} USD", "`nothing`, which is missing"),
        ("{args.items[9]} USD", "which is missing"),
        ("{args.customer} USD", "`args.customer`, which is no number"),
        ("{none} USD", "which is no number"),
        ("{args} USD", "which is no number"),
        ("{a b} USD", "names an argument wrongly"),
        ("* 5 USD", "has '*' where"),
        ("5 + USD", "ends where a number"),
        ("1.2.3 USD", "\"1.2.3\", which is no number"),
        ("1. USD", "\"1.\", which is no number"),
        (".5 USD", "\".5\", which is no number"),
        ("0.00000000000000000000000000001 USD", "no number of at most 28 digits"),
        ("79228162514264337593543950335 + 1 USD", "too large"),
        ("79228162514264337593543950335 * 2 USD", "too large"),
        ("0 - 79228162514264337593543950335 - 1 USD", "too large"),
        ("79228162514264337593543950335 / 0.1 USD", "too large"),
    ] {
        let message = compute_cost(expression, &json(ARGUMENTS)).unwrap_err().to_string();
        assert!(message.contains(why), "{expression}: {message}");
    }
    for argument in [
        "1e-29",
        "1e+29",
        "8e+28",
        "1e+300",
        "\"1e9223372036854775807\"",
        "\"-1e-9223372036854775807\"",
        "\"1_000\"",
        "\"1e\"",
        "\"\"",
        "\"-\"",
        "\"+5\"",
        "\" 5\"",
        "true",
        "[1]",
    ] {
        let arguments = json(&format!(r#"{{"n":{argument}}}"#));
        assert!(compute_cost("{n} USD", &arguments).is_err(), "{argument}");
    }
}

#[test]
fn parentheses_are_nested_only_so_deep() {
    let nested = |depth: usize| format!("{}1{} USD", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(compute_cost(&nested(31), &json("{}")).unwrap().to_string(), "1 USD");
    for depth in [32, 100_000] {
        assert!(compute_cost(&nested(depth), &json("{}")).unwrap_err().to_string().contains("nested"));
    }
    let long = format!("{}1 USD", "(1) + ".repeat(200));
    assert_eq!(compute_cost(&long, &json("{}")).unwrap().to_string(), "201 USD");
}

#[test]
fn a_cost_below_zero_needs_an_action_that_declares_credits() {
    let with_credits = credits(Some("{n} / 100 USD"));
    let without = ActionInfo { credits: false, ..ActionInfo::clone(&with_credits) };
    for (n, cost) in [
        ("-10000000", "-100000 USD"),
        ("-1", "-0.01 USD"),
        ("\"-5e-1\"", "-0.005 USD"),
        ("-79228162514264337593543950335", "-792281625142643375935439503.35 USD"),
    ] {
        let arguments = json(&format!(r#"{{"n":{n}}}"#));
        let message = cost_of(&without, &arguments).unwrap_err().to_string();
        assert!(message.contains("below zero") && message.contains("`credits`"), "{n}: {message}");
        assert_eq!(cost_of(&with_credits, &arguments).unwrap().unwrap().to_string(), cost, "{n}");
    }
    for n in ["0", "-0.0", "\"-0\"", "5"] {
        assert!(cost_of(&without, &json(&format!(r#"{{"n":{n}}}"#))).is_ok(), "{n}");
    }
    // However it comes about.
    let difference = ActionInfo { cost: Some(text("{a} - {b} EUR")), ..without.clone() };
    assert!(cost_of(&difference, &json(r#"{"a":1,"b":1.01}"#)).is_err());
    assert!(cost_of(&difference, &json(r#"{"a":1,"b":1}"#)).is_ok());
    assert_eq!(cost_of(&ActionInfo { cost: None, ..without }, &json("{}")), Ok(None));
}
