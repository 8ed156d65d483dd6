use std::thread;

use serde_json::{Value, json};

use super::*;
use crate::{clock::Timestamp, model::Risk, policy::tests::TestCall};

fn holds_for(source: &str, call: &TestCall) -> Result<bool, String> {
    let condition = Condition::compile(source).unwrap_or_else(|faults| panic!("{source}: {faults:?}"));
    let call = call.call();
    let scope = Scope::new(&call);
    condition.holds(&scope, &scope.context())
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

#[test]
fn numbers_beyond_64_bits_are_an_error() {
    let text = |text: &str| {
        let arguments = crate::model::canonical::parse_canonical(text).unwrap();
        let mut call = call(&json!({}));
        call.0.arguments = arguments;
        call
    };
    for (arguments, fine) in [
        (r#"{"n":9223372036854775807}"#, true),
        (r#"{"n":-9223372036854775808}"#, true),
        (r#"{"n":9223372036854775808}"#, false),
        (r#"{"n":18446744073709551616}"#, false),
        (r#"{"n":123456789012345678901234567890}"#, false),
        (r#"{"n":[{"m":-9223372036854775809}]}"#, false),
    ] {
        let told = holds_for("has(args.n)", &text(arguments));
        assert_eq!(told.is_ok(), fine, "{arguments}: {told:?}");
        assert!(fine || told.unwrap_err().contains("beyond 64 bits"));
    }
}

#[test]
fn secrets_are_not_seen() {
    use crate::model::{ActionInfo, canonical};
    let mut with_secret = call(&json!({}));
    let mut info = ActionInfo::clone(&with_secret.0.action);
    info.redacted.push("token".into());
    with_secret.0.action = std::sync::Arc::new(info);
    let key = canonical::DigestKey::new("key", [7; 32]).unwrap();
    let value = canonical::to_canonical(&json!({"token": "abc", "cents": 5})).unwrap();
    let paths = ["token".parse().unwrap()];
    with_secret.0.arguments = canonical::redact(&value, &paths, &key).unwrap().bound;
    for source in ["args.token == 'abc'", "args['token'] != 'x'", "args.token.size() > 1"] {
        assert!(holds_for(source, &with_secret).unwrap_err().contains("args.token is secret"), "{source}");
    }
    assert_eq!(holds_for("args.cents == 5", &with_secret), Ok(true));
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
        ("1 + 1.5 > 2", "joins a whole number and a number with a fraction"),
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
    ] {
        let told = faults(source);
        assert!(told.iter().any(|fault| fault.contains(part)), "{source}: {told:?}");
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
                    drop(condition.holds(&scope, &scope.context()));
                }
            }
        }
        accepted
    };
    let accepted = thread::Builder::new().stack_size(256 * 1024).spawn(check).unwrap().join().unwrap();
    assert!(accepted > 30, "{accepted}");
}
