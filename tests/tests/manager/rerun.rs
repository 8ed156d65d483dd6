//! What the policy forbids at the moment of the run does not run, on any way to a body (invariant 21).

use std::{fs, sync::Arc};

use approval_core::{
    Action, ApprovalError, ApprovalManager, Clock, RequestId,
    clock::Span,
    file::WatchedFile,
    guarded_action,
    manager::{ActionSpec, ManagerBuilder},
    model::{
        ExecutionState, Gate, Limit, OnTimeout, OverLimit, Requirement, Risk, RunWindow, StandingArguments,
        StandingReach, StandingTerms, Status, canonical::to_canonical,
    },
    policy::{Call, Ruling},
    store::{MemoryStore, Query},
};
use approval_testkit::{FakeClock, TestManager};
use serde_json::{Value, json};

use crate::common::{ANN, Runs, Switch, call, call_with, error, person, ruled, seconds, soon};

async fn state(manager: &TestManager, id: RequestId) -> (Status, Option<ExecutionState>) {
    let request = manager.get(id).await.unwrap();
    (request.status, request.execution.as_ref().map(|execution| execution.state()))
}

const UNSPENT: (Status, Option<ExecutionState>) = (Status::Approved, Some(ExecutionState::NotStarted));
const REVOKED: (Status, Option<ExecutionState>) = (Status::Approved, Some(ExecutionState::Revoked));

fn denied(error: &ApprovalError) -> bool {
    matches!(error, ApprovalError::PolicyDenied { rule, .. } if &**rule == "night")
}

#[guarded_action(name = "rerun.rolls_out", manager = approvals, approvers("user:ann@example.com"), key = id, wait = "1h", skip(runs))]
async fn rolls_out(approvals: &ApprovalManager, runs: &Runs, id: u8) -> Result<Value, ApprovalError> {
    runs.count_one();
    Ok(json!(id))
}

#[guarded_action(name = "rerun.rolls_out_in_sync", manager = approvals, approvers("user:ann@example.com"), key = id, wait = "1h", skip(runs))]
fn rolls_out_in_sync(approvals: &ApprovalManager, runs: &Runs, id: u8) -> Result<Value, ApprovalError> {
    runs.count_one();
    Ok(json!(id))
}

#[tokio::test]
async fn a_rule_that_denies_after_the_approval_stops_the_guard() {
    let (manager, policy) = ruled(Ruling::ask());
    let runs = Runs::default();
    let waiting = runs.spawn(&manager, call());
    let id = manager.next_request().await.unwrap().id;
    policy.deny();
    manager.approve(id, ANN).await.unwrap();
    let (refused, text) = error(soon(waiting).await.unwrap());
    assert!(denied(&refused), "{text}");
    assert!(text.contains("nothing is rolled out at night"), "{text}");
    assert_eq!(state(&manager, id).await, UNSPENT);
    // By day the grant is still good.
    policy.say(Ruling::ask());
    let approved = manager.attach(id).await.unwrap().await.unwrap();
    approved.begin_as(call().spec()).await.unwrap().succeeded(None).await;
    assert_eq!(runs.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_denies_after_the_approval_stops_guarded_functions() {
    let (manager, policy) = ruled(Ruling::ask());
    let manager = Arc::new(manager);
    let runs = Runs::default();
    for sync in [false, true] {
        policy.say(Ruling::ask());
        let (approvals, counted) = (Arc::clone(&manager), runs.clone());
        let waiting = tokio::spawn(async move {
            if sync {
                rolls_out_in_sync(&approvals, &counted, 1)
            } else {
                rolls_out(&approvals, &counted, 1).await
            }
        });
        let id = manager.next_request().await.unwrap().id;
        policy.deny();
        manager.approve(id, ANN).await.unwrap();
        let (refused, text) = error(soon(waiting).await.unwrap());
        assert!(denied(&refused), "{text}");
        assert_eq!(state(&manager, id).await, UNSPENT);
    }
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn a_rule_that_denies_after_the_approval_stops_every_way_to_begin() {
    let (manager, policy) = ruled(Ruling::ask());
    let pending = manager.request(call()).await.unwrap();
    let id = pending.id();
    manager.approve(id, ANN).await.unwrap();
    let opened = soon(pending).await.unwrap();
    let attached = manager.attach(id).await.unwrap().await.unwrap();
    let elsewhere = manager.another(|builder| builder.unattended().policy(policy.clone())).unwrap();
    let other = elsewhere.attach(id).await.unwrap().await.unwrap();
    policy.deny();
    let spec = call().spec().clone();
    for refused in [
        opened.begin().await,
        attached.begin_as(&Arc::new(ActionSpec::clone(&spec))).await,
        attached.begin_with(ActionSpec::clone(&spec), &json!({"cents": 500})).await,
        other.begin_as(ActionSpec::clone(&spec)).await,
    ] {
        let (refused, text) = error(refused.map(|_| ()));
        assert!(denied(&refused), "{text}");
        assert_eq!(refused.stop_reason().as_str(), "policy_denied");
    }
    assert_eq!(state(&manager, id).await, UNSPENT);
    policy.say(Ruling::allow());
    opened.begin().await.unwrap().succeeded(None).await;
}

#[tokio::test]
async fn a_rule_that_denies_keeps_a_worker_from_running_it() {
    let (manager, policy) = ruled(Ruling::ask());
    let id = manager.request(call()).await.unwrap().detach();
    policy.deny();
    let (ran, mut runs) = tokio::sync::mpsc::unbounded_channel();
    let worker = manager.on_approved(call().spec(), move |arguments: Value, _| {
        ran.send(arguments).unwrap();
        async { Ok::<_, String>(()) }
    });
    manager.approve(id, ANN).await.unwrap();
    manager.advance(seconds(60)).await;
    assert_eq!(state(&manager, id).await, UNSPENT);
    assert!(runs.try_recv().is_err());
    policy.say(Ruling::ask());
    manager.advance(seconds(60)).await;
    assert_eq!(soon(runs.recv()).await, Some(json!({"cents": 500})));
    soon(worker.stop()).await;
}

#[tokio::test]
async fn a_policy_that_fails_at_the_run_lets_nothing_run() {
    let (manager, policy) = ruled(Ruling::ask());
    let pending = manager.request(call()).await.unwrap();
    let id = pending.id();
    manager.approve(id, ANN).await.unwrap();
    let approved = soon(pending).await.unwrap();
    policy.fail();
    let (failed, text) = error(approved.begin().await.map(|_| ()));
    assert!(matches!(failed, ApprovalError::Policy(_)), "{text}");
    assert_eq!(state(&manager, id).await, UNSPENT);
    policy.say(Ruling::ask());
    approved.begin().await.unwrap().succeeded(None).await;
}

#[tokio::test]
async fn a_stricter_gate_does_not_ask_people_again() {
    let (manager, policy) = ruled(Ruling::ask());
    let pending = manager.request(call()).await.unwrap();
    manager.approve(pending.id(), ANN).await.unwrap();
    let approved = soon(pending).await.unwrap();
    policy.say(Ruling::ask_also([Requirement::any_of([person("user:cfo@example.com")])]));
    approved.begin().await.unwrap().succeeded(None).await;
}

#[tokio::test]
async fn the_policy_is_asked_about_the_edited_arguments() {
    let deny_small = |call: &Call<'_>| {
        if call.arguments.as_str().contains("\"cents\":7}") {
            Ruling::deny("too small").named("night")
        } else {
            Ruling::ask()
        }
    };
    let open = TestManager::with(|builder| builder.unattended().policy_fn(|_| Ruling::ask())).unwrap();
    let id = open.request(call()).await.unwrap().detach();
    let seen = open.get(id).await.unwrap();
    let edit = approval_core::lifecycle::Edit { path: "cents".into(), value: to_canonical(&7).unwrap() };
    open.decider("desk").approve_edited(&seen, &person(ANN), vec![edit], None).await.unwrap();
    let strict = open.another(|builder| builder.unattended().policy_fn(deny_small)).unwrap();
    let approved = strict.attach(id).await.unwrap().await.unwrap();
    let (refused, text) = error(approved.begin_as(call().spec()).await.map(|_| ()));
    assert!(denied(&refused), "{text}");
}

/// A call that names no person.
fn free() -> Action {
    Action::new("payments.refund").unwrap().arguments(&json!({"cents": 500})).unwrap()
}

/// An authorization of a call that the policy allowed, begun after the clock moved by this much and the policy changed.
async fn begun_after(by: Span, ruling: Option<Ruling>) -> Result<(), ApprovalError> {
    let (manager, policy) = ruled(Ruling::allow());
    let authorization = manager.authorize(free()).await.unwrap();
    if let Some(ruling) = ruling {
        policy.say(ruling);
    }
    manager.time().set(manager.time().now() + by);
    let running = authorization.begin(to_canonical(&json!({"cents": 500})).unwrap()).await?;
    running.succeeded(None).await;
    Ok(())
}

#[tokio::test]
async fn an_answer_of_the_policy_does_not_last_longer_because_the_clock_went_back() {
    let night = || Some(Ruling::deny("nothing is rolled out at night").named("night"));
    for by in [Span::from_hours(-1), seconds(-30), Span::from_micros(-1), seconds(1)] {
        let (refused, text) = error(begun_after(by, night()).await);
        assert!(denied(&refused), "{by:?}: {text}");
        let (refused, text) = error(begun_after(by, Some(Ruling::ask())).await);
        assert!(matches!(refused, ApprovalError::PolicyAsks { .. }), "{by:?}: {text}");
        begun_after(by, None).await.unwrap();
    }
    // Asked a moment ago.
    begun_after(Span::ZERO, night()).await.unwrap();
    begun_after(Span::from_millis(999), night()).await.unwrap();
}

#[tokio::test]
async fn what_a_rule_let_run_falls_when_the_policy_asks() {
    let notify = || Ruling::notify([person(ANN)]).named("told");
    let (manager, policy) = ruled(notify());
    let authorization = manager.authorize(free()).await.unwrap();
    let id = manager.next_request().await.unwrap().id;
    policy.say(Ruling::ask());
    let (refused, text) =
        error(authorization.begin(to_canonical(&json!({"cents": 500})).unwrap()).await.map(|_| ()));
    assert!(
        matches!(refused, ApprovalError::PolicyAsks { request: Some(about), .. } if about == id),
        "{text}"
    );
    assert!(text.ends_with("nothing was run, call again, which asks people"), "{text}");
    assert_eq!(state(&manager, id).await, REVOKED);
    // It stays revoked, whatever the policy says later.
    policy.say(notify());
    let (refused, text) = error(soon(manager.attach(id).await.unwrap()).await.map(|_| ()));
    assert!(matches!(refused, ApprovalError::Revoked { .. }), "{text}");
    assert!(text.contains("no person approved it, and the policy's rule 'ask' now asks for more"), "{text}");
    manager.verify_history(id).await.unwrap();
}

/// Of a call with a key whose policy lets it run with this ruling: the next call, which must ask, revokes it and asks.
async fn asks_people_after(ruling: Ruling) {
    let (manager, policy) = ruled(ruling);
    let runs = Runs::default();
    drop(manager.authorize(call().key("k")).await.unwrap());
    let id = manager.next_request().await.unwrap().id;
    assert_eq!(state(&manager, id).await, UNSPENT);
    policy.say(Ruling::ask());
    let waiting = runs.spawn(&manager, call().key("k"));
    let asked = manager.next_request().await.unwrap();
    assert_eq!(state(&manager, id).await, REVOKED);
    assert_eq!((asked.predecessor, asked.status, runs.count()), (Some(id), Status::Pending, 0));
    manager.approve(asked.id, ANN).await.unwrap();
    soon(waiting).await.unwrap().unwrap();
    assert!(matches!(
        error(soon(runs.run(&manager, call().key("k"))).await).0,
        ApprovalError::AlreadyRan { .. }
    ));
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn the_next_call_under_a_key_asks_people_when_the_policy_no_longer_allows_it() {
    asks_people_after(Ruling::allow()).await;
    asks_people_after(Ruling::notify([person(ANN)])).await;
}

#[tokio::test]
async fn what_the_policy_denies_for_a_while_is_not_revoked() {
    let (manager, policy) = ruled(Ruling::allow());
    let runs = Runs::default();
    drop(manager.authorize(call().key("k")).await.unwrap());
    policy.deny();
    assert!(denied(&error(soon(runs.run(&manager, call().key("k"))).await).0));
    policy.say(Ruling::allow());
    soon(runs.run(&manager, call().key("k"))).await.unwrap();
    assert_eq!((runs.count(), manager.list(&Query::default()).await.unwrap().items.len()), (1, 1));
}

#[tokio::test]
async fn silence_falls_when_the_policy_no_longer_approves_by_it() {
    let asks = |on_timeout| Ruling::Ask {
        rule: "quiet".into(),
        gate: Some(Arc::new(Gate {
            on_timeout,
            ..Gate::only("quiet", vec![Requirement::any_of([person(ANN)])])
        })),
        whole: true,
    };
    let quiet = match asks(OnTimeout::Approve) {
        Ruling::Ask { gate: Some(gate), .. } => {
            Gate { timeout: Some(Span::from_secs(60)), ..Gate::clone(&gate) }
        }
        other => panic!("{other:?}"),
    };
    let quiet = || Ruling::Ask { rule: "quiet".into(), gate: Some(Arc::new(quiet.clone())), whole: true };
    let switch = Switch::new(quiet());
    let policy = switch.clone();
    let manager =
        TestManager::with(|builder| builder.notifier(approval_testkit::Scripted::new()).policy(policy))
            .unwrap();
    let low = || free().describe(|action| Ok(action.risk(Risk::Low))).unwrap();
    let pending = manager.request(low()).await.unwrap();
    let id = pending.id();
    manager.time().settle().await;
    manager.advance(seconds(61)).await;
    let approved = soon(pending).await.unwrap();
    assert!(approved.decision().unwrap().by_timeout);
    switch.say(asks(OnTimeout::Reject));
    let (refused, text) = error(approved.begin().await.map(|_| ()));
    assert!(matches!(refused, ApprovalError::PolicyAsks { .. }), "{text}");
    assert_eq!(state(&manager, id).await, REVOKED);
    switch.say(quiet());
    assert!(matches!(error(approved.begin().await.map(|_| ())).0, ApprovalError::Revoked { .. }));
}

#[tokio::test]
async fn a_standing_approval_falls_when_the_policy_asks_others() {
    let (manager, policy) = ruled(Ruling::ask());
    let first = manager.request(call()).await.unwrap();
    let seen = first.request().await.unwrap();
    let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any);
    manager.decider("desk").approve_standing(&seen, &person(ANN), terms, None).await.unwrap();
    let covered = soon(manager.request(call()).await.unwrap()).await.unwrap();
    assert!(covered.decision().unwrap().by_standing.is_some());
    policy.say(Ruling::ask_also([Requirement::any_of([person("user:cfo@example.com")])]));
    let (refused, text) = error(covered.begin().await.map(|_| ()));
    assert!(matches!(refused, ApprovalError::PolicyAsks { .. }), "{text}");
    assert_eq!(state(&manager, covered.request().id).await, REVOKED);
    policy.say(Ruling::ask());
    assert!(matches!(error(covered.begin().await.map(|_| ())).0, ApprovalError::Revoked { .. }));
    // The next call is covered again: people stand by what they approved.
    soon(manager.request(call()).await.unwrap()).await.unwrap().begin().await.unwrap().succeeded(None).await;
}

#[tokio::test]
async fn what_was_allowed_a_while_ago_is_asked_about_again() {
    let actual = || to_canonical(&json!({"cents": 500})).unwrap();
    let (manager, policy) = ruled(Ruling::allow());
    let authorization = manager.authorize(free()).await.unwrap();
    policy.deny();
    manager.advance(seconds(2)).await;
    let (refused, text) = error(authorization.begin(actual()).await.map(|_| ()));
    assert!(denied(&refused), "{text}");
    policy.say(Ruling::allow());
    let authorization = manager.authorize(free()).await.unwrap();
    policy.say(Ruling::ask());
    manager.advance(seconds(2)).await;
    let (refused, text) = error(authorization.begin(actual()).await.map(|_| ()));
    assert!(matches!(refused, ApprovalError::PolicyAsks { request: None, .. }), "{text}");
    policy.say(Ruling::allow());
    let authorization = manager.authorize(free()).await.unwrap();
    manager.advance(seconds(2)).await;
    authorization.begin(actual()).await.unwrap().succeeded(None).await;
}

#[tokio::test]
async fn a_limit_that_came_since_holds_for_what_nobody_approved() {
    let notify = |_: &Call<'_>| Ruling::notify([person(ANN)]).named("told");
    let manager = TestManager::with(|builder| builder.unattended().policy_fn(notify)).unwrap();
    drop(manager.authorize(free()).await.unwrap());
    let id = manager.next_request().await.unwrap().id;
    let limited = |calls| {
        let limit = Limit::new("few").calls(calls).over(OverLimit::Deny);
        manager.another(|builder| builder.unattended().policy_fn(notify).limit(limit).unwrap()).unwrap()
    };
    let none = limited(0).attach(id).await.unwrap().await.unwrap();
    let (refused, text) = error(none.begin_as(free().spec()).await.map(|_| ()));
    assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
    let one = limited(1).attach(id).await.unwrap().await.unwrap();
    one.begin_as(free().spec()).await.unwrap().succeeded(None).await;
}

/// A manager whose policy is a file, and which reads it again.
fn following(text: &str) -> (TestManager, WatchedFile, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("approvals.yaml");
    fs::write(&path, text).unwrap();
    let clock = FakeClock::new();
    let file = WatchedFile::load(&path, &clock).unwrap();
    let policy = file.clone();
    let store = MemoryStore::with_clock(Arc::new(clock.clone()));
    let manager = TestManager::on(Arc::new(store), &clock, |builder: ManagerBuilder| {
        builder.unattended().policy(policy)
    });
    (manager.unwrap(), file, folder)
}

#[tokio::test]
async fn a_file_that_changes_to_deny_stops_what_was_approved() {
    let (manager, file, folder) = following("policy: {rules: [{name: asks, ask: user:ann@example.com}]}\n");
    let id = manager.request(free()).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    let approved = manager.attach(id).await.unwrap().await.unwrap();
    fs::write(folder.path().join("approvals.yaml"), "policy: {rules: [{name: night, deny: closed}]}\n")
        .unwrap();
    assert!(file.reload(manager.time()).unwrap());
    let (refused, text) = error(approved.begin_as(free().spec()).await.map(|_| ()));
    assert!(denied(&refused), "{text}");
    assert_eq!(state(&manager, id).await, UNSPENT);
}

#[tokio::test]
async fn a_condition_on_spending_does_not_count_the_call_against_itself() {
    let (manager, _file, _folder) = following(
        "policy:\n  rules:\n  - {name: enough, when: spent_usd + cost_usd > 12, deny: that is enough}\n  \
         - {name: told, notify: user:ann@example.com}\n",
    );
    let costly = || free().describe(|action| Ok(action.cost("{cents} / 100 USD"))).unwrap();
    let runs = Runs::default();
    for _ in 0..2 {
        soon(runs.run(&manager, costly())).await.unwrap();
    }
    assert!(soon(runs.run(&manager, costly())).await.is_err());
    assert_eq!(runs.count(), 2);
}

/// A window that opens an hour after the tests begin, at 12:00, and closes an hour later.
fn in_an_hour() -> RunWindow {
    RunWindow::new("UTC", [("daily", "13:00-14:00")]).unwrap()
}

#[tokio::test]
async fn a_call_outside_of_its_window_is_told_when_it_opens() {
    let (manager, _) = ruled(Ruling::ask());
    let window = in_an_hour();
    let action = || call_with(|action| Ok(action.run_window(window.clone()).suspend())).key("k");
    let runs = Runs::default();
    let id = error(runs.run(&manager, action()).await).0.request().unwrap();
    manager.approve(id, ANN).await.unwrap();
    let (refused, text) = error(runs.run(&manager, action()).await);
    let ApprovalError::OutsideWindow { opens_at: Some(opens_at), .. } = &refused else { panic!("{text}") };
    assert!(
        text.contains(&opens_at.to_string()) && refused.for_model().contains(&opens_at.to_string()),
        "{text}"
    );
    assert_eq!((refused.stop_reason().as_str(), refused.request()), ("outside_run_window", Some(id)));
    assert_eq!(state(&manager, id).await, UNSPENT);
    let grant = manager.get(id).await.unwrap().grant.clone().unwrap();
    assert_eq!(grant.expires_at, *opens_at + Span::from_hours(24), "counted from the opening");
    manager.advance(Span::from_mins(61)).await;
    runs.run(&manager, action()).await.unwrap();
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn a_waiting_call_waits_for_its_window_as_far_as_its_patience_reaches() {
    let (manager, _) = ruled(Ruling::ask());
    let window = in_an_hour();
    let runs = Runs::default();
    let call_waiting = |patience: Option<Span>| {
        call_with(|action| {
            let action = action.run_window(window.clone());
            Ok(match patience {
                Some(patience) => action.wait(patience),
                None => action,
            })
        })
        .key(format!("{patience:?}"))
    };
    let short = runs.spawn(&manager, call_waiting(Some(Span::from_mins(5))));
    manager.approve(manager.next_request().await.unwrap().id, ANN).await.unwrap();
    let (refused, text) = error(soon(short).await.unwrap());
    assert!(matches!(refused, ApprovalError::OutsideWindow { .. }), "{text}");
    let mut waiting = Vec::new();
    for patience in [None, Some(Span::from_hours(2))] {
        waiting.push(runs.spawn(&manager, call_waiting(patience)));
        let id = manager.next_request().await.unwrap().id;
        manager.approve(id, ANN).await.unwrap();
    }
    manager.advance(Span::from_mins(59)).await;
    assert_eq!(runs.count(), 0);
    manager.advance(Span::from_mins(2)).await;
    for call in waiting {
        soon(call).await.unwrap().unwrap();
    }
    assert_eq!(runs.count(), 2);
}

#[tokio::test]
async fn a_rule_of_a_file_sets_a_run_window() {
    let (manager, file, _folder) = following(
        "policy:\n  rules:\n  - name: rollouts\n    ask: {approvers: user:ann@example.com, run_window: {mon-fri: '09:00-17:00', sat: 10:00-12:00, time_zone: Europe/Berlin}}\n",
    );
    let opened = manager.request(free()).await.unwrap().request().await.unwrap();
    let windows: Vec<String> = opened.gate.run_windows.iter().map(RunWindow::to_string).collect();
    assert_eq!(windows, ["mon-fri 09:00-17:00 sat 10:00-12:00 Europe/Berlin"]);
    drop(file);
    for (window, wanted) in [
        ("{mon: 09:00-17:00}", "time_zone"),
        ("{time_zone: UTC}", "no hours"),
        ("{mon: 09:00-17:00, time_zone: Europe/Atlantis}", "Atlantis"),
        ("{mo: 09:00-17:00, time_zone: UTC}", "days of the week"),
        ("{mon: 9-17, time_zone: UTC}", "09:00-17:00"),
        ("office", "map"),
    ] {
        let text = format!(
            "policy:\n  rules:\n  - {{name: a, ask: {{approvers: user:ann, run_window: {window}}}}}\n"
        );
        let mistakes =
            approval_core::file::ApprovalsFile::parse("approvals.yaml", &text).unwrap_err().to_string();
        assert!(mistakes.contains(wanted), "{window}: {mistakes}");
    }
}
