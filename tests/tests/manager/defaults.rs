//! Defaults give way to the policy; settings that an action sets explicitly can only be tightened.

use std::sync::Arc;

use approval_core::{
    Action, ActionSpec, ApprovalError, ApprovalManager, Invalid,
    clock::Span,
    file::ApprovalsFile,
    guarded_action,
    model::{Gate, OnTimeout},
    policy::Ruling,
};
use approval_testkit::TestManager;

use crate::common::{ANN, BOB, call_with};

const SLOW: &str =
    "policy:\n  rules:\n    - {name: slow, ask: {approvers: user:ann@example.com, grant_ttl: 96h}}\n";

fn by_file(text: &str) -> TestManager {
    let rules = ApprovalsFile::parse("approvals.yaml", text).unwrap().policy.unwrap();
    TestManager::with(|builder| builder.policy(rules).unattended()).unwrap()
}

fn suspended(describe: impl FnOnce(ActionSpec) -> Result<ActionSpec, Invalid>) -> Action {
    call_with(describe).key("k")
}

async fn gate_of(manager: &TestManager, action: Action) -> Arc<Gate> {
    let pending = manager.request(action).await.unwrap();
    Arc::clone(&pending.request().await.unwrap().gate)
}

#[tokio::test]
async fn a_rule_sets_the_grant_ttl_of_a_suspended_call() {
    let manager = by_file(SLOW);
    let pending = manager.request(suspended(|action| Ok(action.suspend()))).await.unwrap();
    let opened = pending.request().await.unwrap();
    assert_eq!(opened.gate.grant_ttl, Span::from_hours(96));
    manager.approve(pending.id(), ANN).await.unwrap();
    manager.approve(pending.id(), BOB).await.unwrap();
    let approved = manager.get(pending.id()).await.unwrap();
    let grant = approved.grant.as_ref().unwrap();
    assert_eq!(grant.expires_at, opened.created_at + Span::from_hours(96));
}

#[guarded_action(name = "defaults.closes", manager = approvals, key = id, mode = "suspend")]
async fn closes(approvals: &ApprovalManager, id: u8) -> Result<u8, ApprovalError> {
    Ok(id)
}

#[tokio::test]
async fn a_rule_sets_the_grant_ttl_of_a_suspended_function() {
    let manager = by_file(SLOW);
    let id = closes(&manager, 7).await.unwrap_err().request().unwrap();
    assert_eq!(manager.get(id).await.unwrap().gate.grant_ttl, Span::from_hours(96));
}

#[tokio::test]
async fn an_explicit_grant_ttl_holds_before_and_after_suspend() {
    let hour = Span::from_hours(1);
    let before = gate_of(&by_file(SLOW), suspended(|action| Ok(action.grant_ttl(hour).suspend()))).await;
    let after = gate_of(&by_file(SLOW), suspended(|action| Ok(action.suspend().grant_ttl(hour)))).await;
    assert_eq!((before.grant_ttl, after.grant_ttl), (hour, hour), "the rule cannot loosen it");
    let silent = by_file("policy:\n  rules:\n    - {name: asks, ask: user:ann@example.com}\n");
    let gate = gate_of(&silent, suspended(|action| Ok(action.suspend()))).await;
    assert_eq!(gate.grant_ttl, Span::from_hours(24), "the default of suspended calls");
}

#[tokio::test]
async fn a_policy_in_code_replaces_defaults_and_tightens_explicit_settings() {
    let gate = Gate {
        timeout: Some(Span::from_hours(8)),
        grant_ttl: Span::from_hours(96),
        veto: 2,
        on_timeout: OnTimeout::Reject,
        ..Gate::only("code", Vec::new())
    };
    let gate = Arc::new(gate);
    let manager = TestManager::with(|builder| {
        builder
            .policy_fn(move |_| Ruling::Ask {
                rule: "code".into(),
                gate: Some(Arc::clone(&gate)),
                whole: false,
            })
            .unattended()
    })
    .unwrap();
    let default = gate_of(&manager, call_with(|action| Ok(action.suspend())).key("a")).await;
    assert_eq!((default.timeout, default.grant_ttl), (Some(Span::from_hours(8)), Span::from_hours(96)));
    assert_eq!(default.veto, 2);
    let explicit = call_with(|action| {
        Ok(action.timeout(Span::from_hours(1)).grant_ttl(Span::from_mins(15)).veto(1).suspend())
    });
    let explicit = gate_of(&manager, explicit.key("b")).await;
    assert_eq!((explicit.timeout, explicit.grant_ttl), (Some(Span::from_hours(1)), Span::from_mins(15)));
    assert_eq!(explicit.veto, 1);
}

#[tokio::test]
async fn a_policy_in_code_that_sets_only_people_keeps_the_defaults() {
    let manager =
        TestManager::with(|builder| builder.policy_fn(|_| Ruling::ask_also([])).unattended()).unwrap();
    let gate = gate_of(&manager, call_with(Ok)).await;
    assert_eq!((gate.timeout, gate.grant_ttl), (Some(Span::from_hours(1)), Span::from_mins(15)));
    assert_eq!((gate.veto, gate.on_timeout), (1, OnTimeout::Reject));
}
