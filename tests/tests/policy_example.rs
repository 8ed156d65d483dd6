//! `examples/approvals.yaml` does what it says, at the lines that organisations know from elsewhere.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use approval_core::{
    Principal, Priority, Risk,
    clock::{Span, Timestamp},
    file::ApprovalsFile,
    model::{Gate, OnTimeout, canonical::to_canonical},
    policy::{Rules, Ruling, SampleCall},
};
use approval_tests::repo;
use serde_json::json;

fn rules() -> Rules {
    ApprovalsFile::load(repo::root().join("examples/approvals.yaml")).unwrap().policy.unwrap()
}

/// On a Friday at noon in Berlin.
fn call(action: &str) -> SampleCall {
    let now: Timestamp = "2026-11-20T11:00:00Z".parse().unwrap();
    SampleCall::new(action.parse().unwrap(), to_canonical(&json!({"cents": 1200})).unwrap(), now)
}

fn costing(action: &str, cost: &str) -> SampleCall {
    let mut call = call(action);
    call.cost = Some(cost.parse().unwrap());
    call
}

fn told(call: &SampleCall) -> String {
    let explanation = rules().explain(&call.call());
    format!("{}: {}", explanation.outcome, explanation.rule)
}

fn gate(call: &SampleCall) -> Gate {
    match rules().ruling(&call.call()) {
        Ruling::Ask { gate: Some(gate), whole: true, .. } => Gate::clone(&gate),
        other => panic!("{other:?}"),
    }
}

fn needs(gate: &Gate) -> Vec<(u32, Vec<&str>)> {
    gate.requirements.iter().map(|one| (one.count, one.of.iter().map(Principal::as_str).collect())).collect()
}

#[test]
fn the_five_tier_risk_table() {
    let tier = |risk| {
        let mut call = call("crm.touch");
        call.risk = risk;
        told(&call)
    };
    assert_eq!(tier(Risk::Minimal), "allow: risk_tiers.read_only");
    assert_eq!(tier(Risk::Low), "allow: risk_tiers.read_private");
    assert_eq!(tier(Risk::Medium), "allow: risk_tiers.write");
    assert_eq!(tier(Risk::High), "ask: risk_tiers.communicate");
    assert_eq!(tier(Risk::Critical), "ask: risk_tiers.destructive");
    // Optional: asked where the action itself names who approves.
    let write = call("crm.touch").approvers([Principal::user("ann@example.com").unwrap()]);
    assert_eq!(told(&write), "ask: risk_tiers.write");
}

#[test]
fn required_for_with_a_time_to_live_and_a_fallback() {
    for action in ["email.send", "ticket.close_bulk", "db.write"] {
        let mut call = call(action);
        call.risk = Risk::Minimal;
        assert_eq!(told(&call), "ask: required_for");
        let gate = gate(&call);
        assert_eq!((gate.timeout, gate.on_timeout), (Some(Span::from_hours(1)), OnTimeout::Reject));
    }
    let mut read = call("email.read");
    read.risk = Risk::Minimal;
    assert_eq!(told(&read), "allow: risk_tiers.read_only");
}

#[test]
fn the_cost_threshold_asks_the_default_approvers() {
    let cheap = costing("ads.book", "20 USD");
    assert_eq!(told(&cheap), "allow: risk_tiers.write");
    assert_eq!(
        told(&costing("ads.book", "50.00 USD")),
        "allow: risk_tiers.write (shadow: a stricter limit would ask)"
    );
    let dear = costing("ads.book", "50.01 USD");
    assert_eq!(told(&dear), "ask: cost_threshold_usd (shadow: a stricter limit would ask)");
    assert_eq!(needs(&gate(&dear)), [(1, vec!["group:operations"])]);
}

#[test]
fn money_has_15_minutes_with_escalation_to_on_call_and_batch_work_24_hours_with_a_digest() {
    let money = gate(&costing("payments.refund", "80 USD"));
    assert_eq!(needs(&money), [(1, vec!["group:finance"])]);
    assert_eq!((money.timeout, money.on_timeout), (Some(Span::from_mins(15)), OnTimeout::Escalate));
    let [stage] = money.escalation.as_slice() else { panic!("{money:?}") };
    assert_eq!(
        (stage.after, stage.requirement, stage.priority),
        (Span::from_mins(5), 0, Some(Priority::High))
    );
    assert_eq!(stage.to, [Principal::new("on_call:payments").unwrap()]);
    assert!(!money.digest);

    let batch = gate(&call("batch.reindex"));
    assert_eq!(needs(&batch), [(1, vec!["group:operations"])]);
    assert_eq!((batch.timeout, batch.on_timeout), (Some(Span::from_hours(24)), OnTimeout::Reject));
    assert!(batch.digest);
}

#[test]
fn two_of_three_of_finance_decide_above_an_amount() {
    let below = costing("payments.pay", "10000 USD");
    assert_eq!(told(&below), "ask: payments");
    let above = costing("payments.pay", "10000.01 USD");
    assert_eq!(told(&above), "ask: two of three for large payments");
    let gate = gate(&above);
    assert_eq!(
        needs(&gate),
        [(2, vec!["user:ann@example.com", "user:bob@example.com", "user:eva@example.com"])]
    );
    // What cannot be compared is not taken for little.
    assert_eq!(told(&costing("payments.pay", "1 EUR")), "ask: two of three for large payments");
}

#[test]
fn outside_business_hours_is_denied() {
    let at = |now: &str| {
        let mut call = call("deploy.production");
        call.now = now.parse().unwrap();
        told(&call)
    };
    let denied = "deny: outside business hours";
    // Berlin is an hour ahead of UTC in November.
    assert_eq!(at("2026-11-20T07:59:59Z"), denied);
    assert_eq!(at("2026-11-20T08:00:00Z"), "allow: risk_tiers.write");
    assert_eq!(at("2026-11-20T15:59:59Z"), "allow: risk_tiers.write");
    assert_eq!(at("2026-11-20T16:00:00Z"), denied);
    assert_eq!(at("2026-11-21T11:00:00Z"), denied, "a Saturday");
    assert_eq!(at("2026-11-22T11:00:00Z"), denied, "a Sunday");
    assert_eq!(at("2026-07-20T07:00:00Z"), "allow: risk_tiers.write", "two hours ahead in July");
    assert_eq!(at("2026-07-20T15:00:00Z"), denied);
}
