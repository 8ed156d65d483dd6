//! What a condition may ask, and what it answers.

mod bounds;
mod memory;
mod mistakes;
mod numbers;
mod secrets;

use serde_json::{Value, json};

use super::*;
use crate::{
    clock::Timestamp,
    model::{Risk, canonical},
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

fn text(arguments: &str) -> TestCall {
    let mut call = call(&json!({}));
    call.0.arguments = canonical::parse_canonical(arguments).unwrap();
    call
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
