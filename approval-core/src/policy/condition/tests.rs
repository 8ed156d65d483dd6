mod memory;

use std::thread;

use serde_json::{Value, json};

use super::*;
use crate::{
    clock::Timestamp,
    model::{ActionInfo, Risk, canonical},
    policy::tests::TestCall,
};

fn holds_for(source: &str, call: &TestCall) -> Result<bool, String> {
    let condition = Condition::compile(source).unwrap_or_else(|faults| panic!("{source}: {faults:?}"));
    let call = call.call();
    let scope = Scope::new(&call);
    condition.holds(&scope)
}

fn call(arguments: &Value) -> TestCall {
    TestCall::new("payments.refund", arguments)
}

/// Evaluates with a typical call.
fn holds(source: &str) -> Result<bool, String> {
    let arguments = json!({
        "cents": 1200, "rate": 0.5, "big": 9_007_199_254_740_993_i64, "customer": {"name": "acme", "vip": true},
        "tags": ["new", "eu"], "note": null, "ok": true,
    });
    holds_for(source, &call(&arguments).cost("100.10 USD"))
}

fn faults(source: &str) -> Vec<String> {
    match Condition::compile(source) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|fault| fault.message).collect(),
    }
}

#[test]
fn everything_that_a_call_has_can_be_named() {
    for (source, expected) in [
        ("action == 'payments.refund'", true),
        ("action.startsWith('payments.')", true),
        ("agent == \"agent:worker-3\"", true),
        ("run == 'run-7' && run != null", true),
        ("args.cents > 1000", true),
        ("args.cents > 1000.5", true),
        ("args.rate < 1", true),
        ("args.big == 9007199254740993", true),
        ("args.big == 9007199254740992", false),
        ("args.customer.name == 'acme'", true),
        ("args['customer'].vip", true),
        ("has(args.customer.mail)", false),
        ("has(args.note)", true),
        ("args.note == null", true),
        ("'eu' in args.tags", true),
        ("args.tags.exists(tag, tag == 'new')", true),
        ("args.tags.all(tag, tag.size() == 2)", false),
        ("size(args.tags) == 2 && args.tags.size() == 2", true),
        ("action in ['payments.refund', 'payments.pay']", true),
        ("args.customer.name.matches('^ac.e$')", true),
        ("args.ok ? args.cents > 0 : false", true),
    ] {
        assert_eq!(holds(source), Ok(expected), "{source}");
    }
}

#[test]
fn risks_are_ordered_as_risks_on_either_side() {
    let with = |risk, source: &str| holds_for(source, &call(&json!({})).risk(risk)).unwrap();
    for risk in Risk::ALL {
        assert_eq!(with(*risk, "risk >= 'high'"), *risk >= Risk::High, "{risk}");
        assert_eq!(with(*risk, "'high' <= risk"), *risk >= Risk::High, "{risk}");
        assert_eq!(with(*risk, "risk == 'low'"), *risk == Risk::Low);
        assert_eq!(with(*risk, "'low' != risk"), *risk != Risk::Low);
        assert_eq!(with(*risk, "risk in ['low', 'critical']"), matches!(risk, Risk::Low | Risk::Critical));
        assert_eq!(
            with(*risk, "!(risk in ['low', 'critical'])"),
            !matches!(risk, Risk::Low | Risk::Critical)
        );
    }
}

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
fn what_is_not_known_is_an_error_and_not_a_guess() {
    let free = call(&json!({"cents": "12"}));
    for (source, part) in [
        ("cost_usd > 1", "cannot be applied"),
        ("spent_usd > 1", "spent so far is not known"),
        ("args.amount > 1", "there is no `amount`"),
        ("args.cents > 1", "cannot be applied"),
        ("args.cents", "neither true nor false"),
        ("args.cents.first == 1", "cannot be applied"),
        ("1 / 0 == 1", "division by zero"),
        ("int(args.cents) + 9223372036854775807 > 0", "beyond 64 bits"),
    ] {
        let told = holds_for(source, &free).unwrap_err();
        assert!(told.contains(part), "{source}: {told}");
    }
    assert_eq!(holds_for("cost_usd == null || cost_usd > 1", &free), Ok(true));
    assert!(
        holds_for("cost_usd > 1", &free.clone().cost("5 EUR")).unwrap_err().contains("in EUR, not in USD")
    );
    // What decides alone does not need the rest: so says CEL.
    assert_eq!(holds_for("args.amount > 1 || action == 'payments.refund'", &free), Ok(true));
}

fn text(arguments: &str) -> TestCall {
    let mut call = call(&json!({}));
    call.0.arguments = canonical::parse_canonical(arguments).unwrap();
    call
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

/// A call with these arguments, of which these are secret.
fn with_secrets(arguments: &Value, paths: &[&str]) -> TestCall {
    let mut with_secret = call(&json!({}));
    let mut info = ActionInfo::clone(&with_secret.0.action);
    info.redacted.extend(paths.iter().map(|path| (*path).into()));
    with_secret.0.action = std::sync::Arc::new(info);
    let key = canonical::DigestKey::new("key", [7; 32]).unwrap();
    let value = canonical::to_canonical(arguments).unwrap();
    let paths: Vec<canonical::FieldPath> = paths.iter().map(|path| path.parse().unwrap()).collect();
    with_secret.0.arguments = canonical::redact(&value, &paths, &key).unwrap().bound;
    with_secret
}

#[test]
fn secrets_are_not_seen() {
    let call = with_secrets(
        &json!({
            "token": "abc", "cents": 5, "card": {"number": "4111", "name": "Ann", "also": {"pin": "1"}},
            "list": ["a", "b"], "rows": [{"id": 1, "key": "k"}, {"id": 2, "key": "l"}], "copy": {"number": "4111"},
            "name": "token",
        }),
        &["token", "card.number", "card.also.pin", "list[*]", "rows[*].key"],
    );
    for source in [
        // By name.
        "args.token == 'abc'",
        "args['token'] != 'x'",
        "args.token.size() > 1",
        "has(args.token)",
        "args.card.number.startsWith('4')",
        "args.card['number'] == '4111'",
        "args.cents == 5 || args.token == 'abc'",
        "args.list[0] == 'a'",
        "args.rows[1].key == 'l'",
        // By an index that is worked out.
        "args[args.name] == 'abc'",
        "args['to' + 'ken'] == 'abc'",
        "args.card['num' + 'ber'] != ''",
        "args.list[size(args.rows) - 1] == 'b'",
        "args.rows[int('0')]['k' + 'ey'] == 'k'",
        // In loops.
        "args.all(k, args[k] != 'zzz')",
        "args.exists(k, args[k] == 5)",
        "args.list.exists(x, x == 'a')",
        "args.list.all(x, x != 'zzz')",
        "args.list.filter(x, true) == []",
        "args.list.exists_one(x, x == 'a')",
        "args.rows.exists(row, row.key == 'k')",
        "args.card.exists(k, size(args.card[k]) == 99)",
        "args.rows.all(row, row.all(k, row[k] != 'zzz'))",
        "args.rows.exists(row, row.id == 1 && has(row.key))",
        // By what contains it.
        "args == args",
        "args.card != args.copy",
        "args.copy == args.card",
        "[args.card] == [args.copy]",
        "args.card in [args.copy]",
        "args.copy in [args.card]",
        "'a' in args.list",
        "args.copy in args.rows",
        "args.rows.map(row, row) == args.rows",
        // By its type or as another one.
        "type(args.token) == string",
        "string(args.token) == 'abc'",
        "dyn(args.token) == 'abc'",
        "args[args.name].matches('a.c')",
        "size(args[args.name]) == 3",
        "args[args.name].size() == 1",
        "size(args.list[0]) == 1",
        // Nothing beside it decides.
        "args.cents == 5 || args[args.name] == 'abc'",
        "args[args.name] == 'abc' || args.cents == 5",
        "!(args.cents == 6 && args[args.name] == 'abc') && args.list.exists(x, x == 'a')",
    ] {
        if source == "args.cents == 5 || args[args.name] == 'abc'" {
            // It is not reached.
            assert_eq!(holds_for(source, &call), Ok(true), "{source}");
            continue;
        }
        let told = holds_for(source, &call);
        assert!(
            matches!(&told, Err(why) if why.contains("secret: conditions do not see it")),
            "{source}: {told:?}"
        );
    }
    for source in [
        "args.cents == 5",
        "args.card.name == 'Ann'",
        "args.card['na' + 'me'] == 'Ann'",
        "args.rows.all(row, row.id > 0)",
        "args.rows.exists(row, row.id == 2)",
        "size(args.rows) == 2",
        "'cents' in args && 'name' in args.card",
        "has(args.card.name) && !has(args.other)",
        "args.copy == args.copy && args.copy.number == '4111'",
        "type(args.card) == map",
        // People are told that there is a secret: how it is called is none.
        "size(args) == 7 && size(args.list) == 2",
        "args.card.all(k, k in ['number', 'name', 'also']) && 'number' in args.card",
    ] {
        assert_eq!(holds_for(source, &call), Ok(true), "{source}");
    }
    // What only looks like one is seen.
    let plain = text(r#"{"x":{"$redacted":"hmac-sha256:k:00"},"token":"abc"}"#);
    assert_eq!(holds_for("args.token == 'abc' && size(args.x) == 1 && args == args", &plain), Ok(true));
}

#[test]
fn the_person_behind_the_agent_can_be_named() {
    let mut behind = call(&json!({}));
    assert_eq!(holds_for("on_behalf_of == null", &behind), Ok(true));
    assert_eq!(holds_for("on_behalf_of == 'user:ann@example.com'", &behind), Ok(false));
    assert!(holds_for("on_behalf_of.endsWith('@example.com')", &behind).is_err());
    behind.0.on_behalf_of = Some(crate::model::Principal::new("user:ann@example.com").unwrap());
    for source in [
        "on_behalf_of == 'user:ann@example.com'",
        "on_behalf_of != null && on_behalf_of.endsWith('@example.com')",
        "on_behalf_of in ['user:ann@example.com']",
    ] {
        assert_eq!(holds_for(source, &behind), Ok(true), "{source}");
    }
    assert!(faults("on_behalf == 'x'").iter().any(|fault| fault.contains("unknown variable")));
}

/// Counted, not timed: the same in every build. (That it is also quick enough shows in the time of the test.)
#[test]
fn a_condition_makes_no_more_steps_than_it_may() {
    let numbers: Vec<u32> = (0..20_000).collect();
    let long = "a".repeat(150_000);
    let texts = vec!["a".repeat(1000); 150];
    let fractions: Vec<f64> = (1..20_000).map(|n| 1.0 / f64::from(n * 3)).collect();
    let arguments = json!({ "fractions": fractions, "list": numbers, "texts": texts, "long": long, "deep": {"list": numbers}, "other": numbers});
    let call = call(&arguments);
    for source in [
        "args.list.exists(x, args.list.exists(y, x == y + 30000))",
        "args.list.exists(x, x + 1 in args.list && x < 0)",
        "args.list.map(x, args.list) == args.list.map(x, args.list)",
        "args.list.all(x, args.deep == args.deep)",
        "args.list.all(x, args.list + args.list != [])",
        "args.list.all(x, args.long.contains('b') == false)",
        "args.list.all(x, args.long + args.long != args.long)",
        "args.list.all(x, size(args.long) > 1)",
        "args.list.all(x, !args.long.matches('(a|b|c)*d'))",
        "args.list.all(x, args.texts.all(t, !t.matches('[a-y]{1,50}z')))",
        "args.list.filter(x, args.list.exists_one(y, y == x)) == args.list",
        "args.list.all(x, args.other == args.list)",
        "args.list.all(x, 'b' in args.texts == false)",
        "args.fractions.exists(x, args.fractions.exists(y, x * y > 1))",
        "args.fractions.exists(x, 0.3 in args.fractions)",
        // Nothing beside it decides.
        "args.list.exists(x, args.list.exists(y, x == y + 30000)) || true",
    ] {
        let told = holds_for(source, &call);
        assert!(
            matches!(&told, Err(why) if why.contains("more work than a condition may make")),
            "{source}: {told:?}"
        );
    }
    for source in [
        "args.list.all(x, x >= 0 && x < 20000)",
        "args.list.map(x, x * 2).exists(x, x == 39998)",
        "19999 in args.list",
        "args.other == args.list",
        "args.fractions.all(x, x < 1)",
        "args.texts.all(t, t.size() == 1000 && !t.matches('z$'))",
        "size(args.long) == 150000 && !args.long.contains('b')",
    ] {
        assert_eq!(holds_for(source, &call), Ok(true), "{source}");
    }
}

#[test]
fn all_conditions_of_a_call_share_a_budget() {
    let numbers: Vec<u32> = (0..50_000).collect();
    let call = call(&json!({ "list": numbers }));
    let condition = Condition::compile("args.list.all(x, x >= 0)").unwrap();
    let call = call.call();
    let scope = Scope::new(&call);
    let held = (0..100).take_while(|_| condition.holds(&scope) == Ok(true)).count();
    // Each goes through 50,000 elements in four to eight steps.
    assert!((5..=10).contains(&held), "{held}");
    assert!(Condition::compile("true").unwrap().holds(&scope).is_err(), "nothing is left");
    assert_eq!(Condition::compile("true").unwrap().holds(&Scope::new(&call)), Ok(true));
}

#[test]
fn patterns_are_bounded_when_they_are_compiled() {
    for pattern in [
        "(?:a{1,100}){1,100}b",
        "((a{0,50}){0,50}){0,50}",
        r"\w{1000}",
        "(?i)[a-z]{30000}",
        &format!("{}a{}", "(".repeat(40), ")".repeat(40)),
    ] {
        let told = faults(&format!("action.matches(r'{pattern}')"));
        let refused = |fault: &String| fault.contains("when it is compiled") || fault.contains("nest");
        assert!(told.iter().any(refused), "{pattern}: {told:?}");
    }
    for pattern in
        [r"^[a-z]+\.[a-z_]+$", r"^\w+([.+-]\w+)*@\w+\.[a-z]{2,20}$", "(?i)^(prod|production)-.*", "a{1,100}b"]
    {
        assert_eq!(faults(&format!("action.matches(r'{pattern}')")), Vec::<String>::new(), "{pattern}");
    }
}

#[test]
fn hours_and_days_are_those_of_a_zone() {
    let at = |moment: &str, source: &str| {
        let mut call = call(&json!({}));
        call.0.now = moment.parse::<Timestamp>().unwrap();
        holds_for(source, &call).unwrap()
    };
    // In winter Berlin is an hour ahead of UTC, in summer two.
    assert!(at("2026-01-15T16:30:00Z", "now.getHours('Europe/Berlin') == 17"));
    assert!(at("2026-07-15T16:30:00Z", "now.getHours('Europe/Berlin') == 18"));
    assert!(at(
        "2026-07-15T16:30:00Z",
        "now.getHours() == 16 && now.getMinutes() == 30 && now.getSeconds() == 0"
    ));
    assert!(at("2026-07-15T16:30:00Z", "now.getHours('-05:30') == 11"));
    // Late on a Sunday in New York it is Monday in Tokyo.
    assert!(at("2026-11-23T01:00:00Z", "now.getDayOfWeek('America/New_York') == 0"));
    assert!(at("2026-11-23T01:00:00Z", "now.getDayOfWeek('Asia/Tokyo') == 1"));
    assert!(at(
        "2026-12-31T23:30:00Z",
        "now.getFullYear('Europe/Berlin') == 2027 && now.getMonth('Europe/Berlin') == 0"
    ));
    assert!(at(
        "2026-12-31T23:30:00Z",
        "now.getDate() == 31 && now.getDayOfMonth() == 30 && now.getDayOfYear() == 364"
    ));
    assert!(at(
        "2026-12-31T23:30:00Z",
        "now < timestamp('2027-01-01T00:00:00Z') && timestamp('2026-12-31T23:30:00Z') == now"
    ));
}

#[test]
fn mistakes_are_found_before_there_is_a_call() {
    for (source, part) in [
        ("amont > 100", "unknown variable `amont`"),
        ("args.tags.exists(t, x == 1)", "unknown variable `x`"),
        ("now.getHour() > 8", "unknown function `getHour`"),
        ("now.hour > 8", "has no field `hour`"),
        ("now.getHours(8) > 8", "`getHours` cannot be used like this"),
        ("now.getHours('Europe/Berln') > 8", "no time zone `Europe/Berln`"),
        ("now > timestamp('tomorrow')", "`tomorrow` is no timestamp"),
        ("cost_usd", "is an amount of money, neither true nor false"),
        ("args.cents + 1", "neither true nor false"),
        ("risk > 'hihg'", "`hihg` is no level of risk"),
        ("risk in ['low', 'tiny']", "`tiny` is no level of risk"),
        ("risk in args.levels", "not spelled out"),
        ("action > 5", "compares a text with a whole number"),
        ("action == 5", "compares a text with a whole number"),
        ("cost_usd > '100'", "compares an amount of money with a text"),
        ("100 + cost_usd > 1", "before an amount of money"),
        ("cost_usd + 'x' == cost_usd", "joins an amount of money and a text"),
        ("1 + 'x' == 2", "joins a whole number and a text"),
        ("-action == 'x'", "puts a minus before a text"),
        ("action && true", "`&&` is applied to a text"),
        ("!agent", "`!` is applied to a text"),
        ("action.foo == 1", "has no field `foo`"),
        ("action[0] == 'x'", "takes a part of a text"),
        ("'x' in action", "looks for something in a text"),
        ("agent.matches('(')", "is no regular expression"),
        ("agent.matches(args.pattern)", "a pattern that is not written here"),
        ("[1,2] < [3]", "asks whether a list is less or more"),
        ("{'a': 1} == args", "a map or a message of its own"),
        ("args.a.all(x, x.all(y, y.all(z, z > 1)))", "loops nested deeper"),
        ("args.x ==", "cannot be read"),
        ("args.x === 1", "cannot be read"),
        ("", "is empty"),
        ("args.n > 18446744073709551616.5", "more digits than"),
        ("args.n > 0.12345678901234567", "more digits than"),
        ("args.n == 1e400", "invalid double literal"),
        ("args.n == 1e300", "too many digits"),
    ] {
        let told = faults(source);
        assert!(told.iter().any(|fault| fault.contains(part)), "{source}: {told:?}");
    }
    for fine in [
        "args.n > 0.00000000000012345",
        "args.n > 12345678901.500000000000",
        "args.t == '0.12345678901234567'",
        "args.n > 9007199254740993",
    ] {
        assert_eq!(faults(fine), Vec::<String>::new(), "{fine}");
    }
    assert!(
        faults(&format!("action == '{}'", "x".repeat(CONDITION_LIMIT)))
            .iter()
            .any(|f| f.contains("bytes long"))
    );
}

#[test]
fn faults_point_at_what_they_are_about() {
    for (source, marked) in [
        ("args.amont > 1 && amont > 2", "amont"),
        ("action == 'amont' && amont > 2", "amont"),
        ("risk > 'hihg'", "hihg"),
        ("now.getHours('Mars/Base') > 1", "Mars/Base"),
    ] {
        let fault = Condition::compile(source).unwrap_err().remove(0);
        assert_eq!(source.get(fault.at.clone()), Some(marked));
    }
    assert_eq!(Condition::compile("args.amont > 1 && amont > 2").unwrap_err()[0].at.start, 18);
}

/// Deep expressions are refused, and whatever is accepted is evaluated on a small stack.
#[test]
fn no_condition_overflows_the_stack() {
    let deep = |n: usize| {
        vec![
            format!("{}args.ok{}", "(".repeat(n), ")".repeat(n)),
            format!("{}args.ok", "!".repeat(n)),
            format!("args.ok{}", " && args.ok".repeat(n)),
            format!("args.n{} > 1", "+ 1".repeat(n)),
            format!("args{}", ".a".repeat(n)),
            format!("args{} == 1", "[0]".repeat(n)),
            format!("args.ok{}", " ? args.ok : args.ok".repeat(n / 3)),
            format!("{}1{} == [1]", "[".repeat(n), "]".repeat(n)),
            format!("{}1{} == 1", "int(".repeat(n), ")".repeat(n)),
            format!("args.x{} == 'a'", ".dyn()".repeat(n)),
            format!("args.x{}", "-".repeat(n)),
        ]
    };
    let check = move || {
        let arguments = json!({"ok": true, "n": 1, "x": "x", "a": {"a": {"a": 1}}});
        let call = call(&arguments);
        let mut accepted = 0;
        for n in [1, 5, 10, 20, 30, 50, 90, 150, 300, 1000] {
            for source in deep(n) {
                if let Ok(condition) = Condition::compile(&source) {
                    accepted += 1;
                    let call = call.call();
                    let scope = Scope::new(&call);
                    drop(condition.holds(&scope));
                }
            }
        }
        accepted
    };
    let accepted = thread::Builder::new().stack_size(256 * 1024).spawn(check).unwrap().join().unwrap();
    assert!(accepted > 30, "{accepted}");
}
