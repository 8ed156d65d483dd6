//! Outside of its run window nothing runs, whether people approved it or the policy allowed it.

use approval_core::{
    Action, ApprovalError, ApprovalManager,
    clock::Span,
    file::ApprovalsFile,
    guarded_action,
    manager::ManagerBuilder,
    model::{RunWindow, canonical::to_canonical},
    policy::Ruling,
    store::Query,
};
use approval_testkit::TestManager;
use serde_json::{Value, json};

use crate::common::{ANN, Runs, error, person, ruled, seconds, soon};

/// Tests begin at 12:00; it is open from 13:00 to 14:00.
fn window() -> RunWindow {
    RunWindow::new("UTC", [("daily", "13:00-14:00")]).unwrap()
}

/// A call that names no person, with a window of its own.
fn within() -> Action {
    free().describe(|action| Ok(action.run_window(window()))).unwrap()
}

fn free() -> Action {
    Action::new("payments.refund").unwrap().arguments(&json!({"cents": 500})).unwrap()
}

fn outside(result: Result<impl std::fmt::Debug, ApprovalError>) -> Option<approval_core::clock::Timestamp> {
    match error(result) {
        (ApprovalError::OutsideWindow { opens_at, .. }, _) => opens_at,
        (_, text) => panic!("{text}"),
    }
}

#[tokio::test]
async fn a_call_without_patience_does_not_run_outside() {
    for ruling in [Ruling::allow(), Ruling::notify([person(ANN)])] {
        let (manager, policy) = ruled(ruling.clone());
        let runs = Runs::default();
        let suspended = |action: Action| action.describe(|action| Ok(action.suspend())).unwrap();
        let opens = outside(soon(runs.run(&manager, suspended(within()).key("own"))).await);
        policy.say(ruling.within(window()));
        let ruled = outside(soon(runs.run(&manager, suspended(free()).key("ruled"))).await);
        assert_eq!((opens, runs.count()), (ruled, 0));
        manager.advance(Span::from_mins(61)).await;
        soon(runs.run(&manager, suspended(within()).key("own"))).await.unwrap();
        soon(runs.run(&manager, suspended(free()).key("ruled"))).await.unwrap();
        assert_eq!(runs.count(), 2);
        // And never again under their keys, by day or by night.
        assert!(soon(runs.run(&manager, suspended(free()).key("ruled"))).await.is_err());
        assert_eq!(runs.count(), 2);
    }
}

#[tokio::test]
async fn an_allowed_call_waits_for_its_window_as_far_as_its_patience_reaches() {
    let (manager, _) = ruled(Ruling::allow());
    let runs = Runs::default();
    let patient =
        |minutes: i64| within().describe(|action| Ok(action.wait(Span::from_mins(minutes)))).unwrap();
    outside(soon(runs.run(&manager, patient(5).key("short"))).await);
    let waiting = [
        runs.spawn(&manager, within()),
        runs.spawn(&manager, within()),
        runs.spawn(&manager, patient(120).key("long")),
    ];
    manager.advance(Span::from_mins(59)).await;
    assert_eq!(runs.count(), 0);
    manager.advance(Span::from_mins(2)).await;
    for call in waiting {
        soon(call).await.unwrap().unwrap();
    }
    assert_eq!(runs.count(), 3);
    // Open: at once, with a key or without.
    soon(runs.run(&manager, within())).await.unwrap();
    manager.advance(Span::from_mins(59)).await;
    outside(soon(runs.run(&manager, patient(5).key("late"))).await);
    assert_eq!(runs.count(), 4);
}

#[tokio::test]
async fn a_window_that_closes_before_the_body_keeps_it_from_running() {
    let (manager, policy) = ruled(Ruling::allow());
    let actual = || to_canonical(&json!({"cents": 500})).unwrap();
    manager.advance(Span::from_mins(61)).await;
    let suspended = |key: &str| within().describe(|action| Ok(action.suspend())).unwrap().key(key);
    let in_time = manager.authorize(suspended("a")).await.unwrap();
    let late = manager.authorize(suspended("b")).await.unwrap();
    policy.say(Ruling::allow().within(window()));
    let let_run =
        manager.authorize(free().describe(|action| Ok(action.suspend())).unwrap().key("d")).await.unwrap();
    in_time.begin(actual()).await.unwrap().succeeded(None).await;
    manager.advance(Span::from_mins(60)).await;
    outside(late.begin(actual()).await);
    // The window of the rule that let a call run counts, though the policy names none any more.
    policy.say(Ruling::allow());
    outside(let_run.begin(actual()).await);
    // One that a rule has named since counts as well, for calls with a request and for those without.
    let keyed =
        manager.authorize(free().describe(|action| Ok(action.suspend())).unwrap().key("c")).await.unwrap();
    let bare = manager.authorize(free()).await.unwrap();
    policy.say(Ruling::allow().within(window()));
    manager.advance(seconds(2)).await;
    outside(keyed.begin(actual()).await);
    let (refused, text) = error(bare.begin(actual()).await.map(drop));
    assert!(matches!(refused, ApprovalError::PolicyAsks { request: None, .. }), "{text}");
}

#[tokio::test]
async fn a_call_within_a_window_tells_nobody() {
    let (manager, _) = ruled(Ruling::allow());
    manager.advance(Span::from_mins(61)).await;
    let runs = Runs::default();
    soon(runs.run(&manager, within())).await.unwrap();
    let page = manager.list(&Query::default()).await.unwrap();
    let [stored] = page.items.as_slice() else { panic!("{page:?}") };
    assert!(stored.request.decision.as_deref().unwrap().by_policy);
    assert!(manager.store().notices(stored.request.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_grant_lasts_from_the_opening_of_a_window_that_a_rule_names() {
    let (manager, policy) = ruled(Ruling::allow().within(window()));
    let opens = "13:00:00Z";
    let named = || free().describe(|action| Ok(action.approvers([ANN])?.editable("cents", None))).unwrap();
    // People are asked by hand, and because the body needs a grant.
    let by_hand = manager.request(named()).await.unwrap().detach();
    let runs = Runs::default();
    let needing = named().describe(|action| Ok(action.needs_grant().wait(seconds(0)))).unwrap().key("k");
    let needing = error(soon(runs.run(&manager, needing)).await).0.request().unwrap();
    for id in [by_hand, needing] {
        assert_eq!(manager.get(id).await.unwrap().gate.run_windows, [window()]);
        manager.approve(id, ANN).await.unwrap();
        let expires = manager.get(id).await.unwrap().grant.as_deref().unwrap().expires_at;
        assert!((expires - Span::from_mins(15)).to_string().ends_with(opens), "{expires}");
    }
    // An edit that leads to such a rule.
    policy.say(Ruling::ask());
    let edited = manager.request(named()).await.unwrap().detach();
    policy.say(Ruling::allow().within(window()));
    let seen = manager.get(edited).await.unwrap();
    let edit = approval_core::lifecycle::Edit { path: "cents".into(), value: to_canonical(&7).unwrap() };
    manager.decider("desk").approve_edited(&seen, &person(ANN), vec![edit], None).await.unwrap();
    let expires = manager.get(edited).await.unwrap().grant.as_deref().unwrap().expires_at;
    assert!((expires - Span::from_mins(15)).to_string().ends_with(opens), "{expires}");
}

fn by_file(rules: &str) -> TestManager {
    let file = ApprovalsFile::parse("approvals.yaml", rules).unwrap();
    let rules = file.policy.unwrap();
    TestManager::with(|builder: ManagerBuilder| builder.unattended().policy(rules)).unwrap()
}

const OPEN: &str = "run_window: {daily: '13:00-14:00', time_zone: UTC}";

#[tokio::test]
async fn a_window_stands_beside_whatever_a_rule_does() {
    for rules in [
        format!("policy: {{rules: [{{name: a, {OPEN}, allow: true}}]}}\n"),
        format!("policy: {{rules: [{{name: a, {OPEN}, notify: '{ANN}'}}]}}\n"),
        format!("policy: {{defaults: {{{OPEN}}}, rules: [{{name: a, allow: true}}]}}\n"),
        format!("policy: {{defaults: {{outcome: allow, {OPEN}}}}}\n"),
        format!("policy: {{defaults: {{{OPEN}}}, autonomy: 4}}\n"),
    ] {
        let manager = by_file(&rules);
        let runs = Runs::default();
        let call = |key: &str| free().describe(|action| Ok(action.suspend())).unwrap().key(key);
        outside(soon(runs.run(&manager, call("k"))).await);
        manager.advance(Span::from_mins(61)).await;
        soon(runs.run(&manager, call("k"))).await.unwrap();
        manager.advance(Span::from_mins(61)).await;
        outside(soon(runs.run(&manager, call("late"))).await);
        assert_eq!(runs.count(), 1, "{rules}");
    }
}

#[tokio::test]
async fn a_window_of_a_rule_holds_when_people_are_asked() {
    // The second asks because the action names Ann itself, the third because its condition fails.
    for rules in [
        format!("policy: {{rules: [{{name: a, {OPEN}, ask: '{ANN}'}}]}}\n"),
        format!("policy: {{rules: [{{name: a, {OPEN}, allow: true}}]}}\n"),
        format!(
            "policy: {{defaults: {{approvers: '{ANN}'}}, rules: [{{name: a, {OPEN}, when: args.missing > 1, allow: true}}]}}\n"
        ),
    ] {
        let manager = by_file(&rules);
        let named = free().describe(|action| action.approvers([ANN])).unwrap();
        let opened = manager.request(named).await.unwrap().request().await.unwrap();
        assert_eq!(opened.gate.run_windows, [window()], "{rules}");
    }
}

#[test]
fn a_window_that_is_no_use_is_a_mistake() {
    for (rule, wanted) in [
        (format!("{OPEN}, deny: never"), "never runs"),
        (format!("{OPEN}, ask: {{approvers: '{ANN}', {OPEN}}}"), "keep one of them"),
        ("run_window: {daily: '13:00-14:00'}, allow: true".to_owned(), "time_zone"),
        ("run_window: always, allow: true".to_owned(), "map"),
    ] {
        let text = format!("policy:\n  rules:\n  - {{name: a, {rule}}}\n");
        let mistakes = ApprovalsFile::parse("approvals.yaml", &text).unwrap_err().to_string();
        assert!(mistakes.contains(wanted), "{rule}: {mistakes}");
    }
}

#[guarded_action(name = "windows.rolls_out", manager = approvals, run_window = "daily 13:00-14:00 UTC", key = id, mode = "suspend", skip(runs))]
async fn rolls_out(approvals: &ApprovalManager, runs: &Runs, id: u8) -> Result<Value, ApprovalError> {
    runs.count_one();
    Ok(json!(id))
}

#[guarded_action(name = "windows.in_sync", manager = approvals, run_window = "daily 13:00-14:00 UTC", key = id, mode = "suspend", skip(runs))]
fn rolls_out_in_sync(approvals: &ApprovalManager, runs: &Runs, id: u8) -> Result<Value, ApprovalError> {
    runs.count_one();
    Ok(json!(id))
}

#[guarded_action(name = "windows.nowhere", manager = approvals, run_window = "daily 13:00-14:00 Europe/Atlantis")]
async fn nowhere(approvals: &ApprovalManager) -> Result<Value, ApprovalError> {
    Ok(json!("it ran"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guarded_function_runs_within_its_window_alone() {
    let (manager, _) = ruled(Ruling::allow());
    let runs = Runs::default();
    outside(rolls_out(&manager, &runs, 1).await);
    outside(rolls_out_in_sync(&manager, &runs, 2));
    assert_eq!(runs.count(), 0);
    manager.advance(Span::from_mins(61)).await;
    assert_eq!(rolls_out(&manager, &runs, 1).await.unwrap(), json!(1));
    assert_eq!(rolls_out_in_sync(&manager, &runs, 2).unwrap(), json!(2));
    assert_eq!(runs.count(), 2);
    let (refused, text) = error(nowhere(&manager).await);
    assert!(matches!(refused, ApprovalError::Invalid(_)) && text.contains("Europe/Atlantis"), "{text}");
}
