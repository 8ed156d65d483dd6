//! Numbers are exact, amounts of money too.

use serde_json::json;

use super::{call, holds, holds_for, text};

#[test]
fn money_is_exact() {
    for (source, expected) in [
        ("cost_usd == 100.10", true),
        ("cost_usd > 100.1", false),
        ("100.11 > cost_usd", true),
        ("100 < cost_usd", true),
        ("cost_usd * 3 == 300.30", true),
        ("cost_usd + 0.20 == 100.30", true),
        ("cost_usd - 100 < 1 && cost_usd / 2 > 50", true),
        ("cost_usd != null", true),
        ("cost_usd > args.cents", false),
        ("args.cents > cost_usd", true),
        ("cost_usd in [1, 100.1]", true),
    ] {
        assert_eq!(holds(source), Ok(expected), "{source}");
    }
}

#[test]
fn numbers_are_numbers_with_and_without_a_fraction() {
    for (arguments, source, expected) in [
        (r#"{"net":80}"#, "args.net * 1.19 > 1000.0", false),
        (r#"{"net":79.5}"#, "args.net * 1.19 > 1000.0", false),
        (r#"{"net":841}"#, "args.net * 1.19 > 1000.0", true),
        (r#"{"net":841.5}"#, "1000.0 < 1.19 * args.net", true),
        (r#"{"net":100}"#, "args.net * 1.19 == 119", true),
        (r#"{"net":100}"#, "args.net * 1.1 <= 110", true),
        (r#"{"a":0.1,"b":0.2}"#, "args.a + args.b == 0.3", true),
        (r#"{"a":3,"b":0.5}"#, "args.a - args.b == 2.5 && args.b - args.a == -2.5", true),
        // Whether 79.0 was written makes no difference.
        (r#"{"n":79}"#, "args.n / 2 > 39.4", true),
        (r#"{"n":79.0}"#, "args.n / 2 > 39.4", true),
        (r#"{"n":79}"#, "int(args.n / 2) == 39", true),
        (r#"{"cents":1099}"#, "args.cents / 100 <= 10", false),
        (r#"{"n":1}"#, "args.n / 3 * 3 == args.n", true),
        (r#"{"n":7}"#, "args.n % 4 == 3 && -7 % 4 == -3", true),
        (r#"{"l":[1,2.5]}"#, "args.l.all(x, x * 2.0 <= 5) && 2.5 in args.l", true),
        (r#"{"l":[1,2.5]}"#, "args.l.map(x, x * 2) == [2, 5]", true),
        (r#"{"n":"2.5"}"#, "double(args.n) * 2 == 5", true),
        (r#"{"n":5}"#, "type(args.n) == int && type(args.n * 1.5) == double", true),
    ] {
        assert_eq!(holds_for(source, &text(arguments)), Ok(expected), "{source} {arguments}");
    }
    for (source, part) in [
        ("args.n * 1e20 * 1e20 > 1", "more digits"),
        ("args.n + 9223372036854775807 > 0", "beyond 64 bits"),
        ("args.n / 0.0 > 1", "division by zero"),
        ("args.n % 1.5 == 0", "remainder of a number with a fraction"),
    ] {
        let told = holds_for(source, &text(r#"{"n":7}"#)).unwrap_err();
        assert!(told.contains(part), "{source}: {told}");
    }
}

#[test]
fn an_amount_goes_with_any_number() {
    let call = call(&json!({"share": 0.19, "n": 3})).cost("100.10 USD");
    for source in
        ["cost_usd * args.share == 19.019", "cost_usd / args.n * 3 == 100.1", "cost_usd - args.n == 97.1"]
    {
        assert_eq!(holds_for(source, &call), Ok(true), "{source}");
    }
}

#[test]
fn huge_numbers_matter_only_where_they_are_read() {
    for n in [
        "9223372036854775808",
        "18446744073709551617",
        "-9223372036854775809",
        "123456789012345678901234567890",
        &"9".repeat(300),
        "1e300",
        "1e-300",
    ] {
        let call = text(&format!(r#"{{"cents":5,"n":{n},"l":[[{n}]]}}"#));
        for source in ["args.cents == 5", "has(args.n)", "size(args.l) == 1", "args.cents < 6 && 'n' in args"]
        {
            assert_eq!(holds_for(source, &call), Ok(true), "{source} {n}");
        }
    }
    // What fits 38 digits is exact.
    let call = text(r#"{"n":18446744073709551617,"m":-123456789012345678901234567890}"#);
    assert_eq!(holds_for("args.n > 1000 && args.m < 0", &call), Ok(true));
    assert_eq!(holds_for("args.n * 1.0 > 18446744073709000000.0", &call), Ok(true));
    for n in [&*"9".repeat(300), "1e300", "1e-300"] {
        for source in ["args.n > 5", "args.n == 5", "args.l.all(x, x > 5)"] {
            let told = holds_for(source, &text(&format!(r#"{{"n":{n},"l":[{n}]}}"#))).unwrap_err();
            assert!(told.contains("too many digits"), "{source} {n}: {told}");
        }
    }
}
