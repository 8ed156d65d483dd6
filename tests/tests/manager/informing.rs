//! Calls that the policy lets run, and of which people are told afterwards.

use std::sync::Arc;

use approval_core::{
    Action, ApprovalError, Invalid, RequestId,
    lifecycle::Edit,
    model::{ExecutionState, Gate, Limit, NoticeKind, OverLimit, Status, canonical::to_canonical},
    policy::{Call, Ruling},
    store::{JournalEntry, JournalLine, Query},
};
use approval_testkit::{Scripted, TestManager};

use serde_json::json;

use crate::common::{ANN, BOB, CAT, Runs, Switch, call, call_with, error, person, seconds, soon};

fn telling() -> Ruling {
    Ruling::notify([person(ANN)]).named("small ones")
}

#[tokio::test]
async fn it_runs_at_once_and_is_told_and_recorded() {
    let manager =
        TestManager::with(|builder| builder.notifier(Scripted::new()).policy_fn(|_| telling())).unwrap();
    let runs = Runs::default();
    soon(runs.run(&manager, call())).await.unwrap();
    assert_eq!(runs.count(), 1);
    let page = manager.list(&Query::default()).await.unwrap();
    let [stored] = page.items.as_slice() else { panic!("{page:?}") };
    let request = &stored.request;
    let decision = request.decision.as_ref().unwrap();
    assert_eq!((request.status, decision.by_policy, decision.by.len()), (Status::Approved, true, 0));
    let state = request.execution.as_ref().map(|execution| execution.state());
    assert_eq!((state, &*request.gate.rule), (Some(ExecutionState::Succeeded), "small ones"));
    let told: Vec<_> = manager.store().notices(request.id).await.unwrap();
    let informed: Vec<_> = told.iter().filter(|notice| notice.kind == NoticeKind::Informed).collect();
    assert_eq!(informed.iter().map(|notice| notice.to.as_str()).collect::<Vec<_>>(), [ANN]);
    assert!(told.iter().all(|notice| !notice.kind.asks()), "nobody is asked: {told:?}");
    manager.verify_history(request.id).await.unwrap();
}

#[tokio::test]
async fn a_body_that_needs_a_proof_of_approval_is_asked_about() {
    let manager = TestManager::with(|builder| builder.unattended().policy_fn(|_| telling())).unwrap();
    let needing = || call().describe(|action| Ok::<_, Invalid>(action.needs_grant())).unwrap();
    let runs = Runs::default();
    let waiting = runs.spawn(&manager, needing());
    let asked = manager.next_request().await.unwrap();
    assert_eq!((asked.status, runs.count()), (Status::Pending, 0));
    manager.approve(asked.id, ANN).await.unwrap();
    soon(waiting).await.unwrap().unwrap();
    assert_eq!(runs.count(), 1);
}

/// A manager with a channel whose policy the test changes.
fn noticing(ruling: Ruling) -> (TestManager, Switch) {
    let switch = Switch::new(ruling);
    let policy = switch.clone();
    (TestManager::with(|builder| builder.notifier(Scripted::new()).policy(policy)).unwrap(), switch)
}

/// Who was told how a request ended.
async fn told(manager: &TestManager, id: RequestId) -> Vec<String> {
    let notices = manager.store().notices(id).await.unwrap();
    let informed = notices.iter().filter(|notice| notice.kind == NoticeKind::Informed);
    informed.map(|notice| notice.to.to_string()).collect()
}

fn telling_cat() -> Ruling {
    Ruling::notify([person(CAT)]).named("small ones")
}

#[tokio::test]
async fn they_are_told_where_people_are_asked_all_the_same() {
    let (manager, _) = noticing(telling_cat());
    let runs = Runs::default();
    let waiting = runs.spawn(&manager, call_with(|action| Ok(action.needs_grant())));
    let asked = manager.next_request().await.unwrap();
    assert_eq!((asked.status, &*asked.gate.inform), (Status::Pending, &[person(CAT)][..]));
    manager.approve(asked.id, ANN).await.unwrap();
    soon(waiting).await.unwrap().unwrap();
    assert_eq!(told(&manager, asked.id).await, [CAT]);

    let by_hand = manager.request(call()).await.unwrap();
    manager.approve(by_hand.id(), ANN).await.unwrap();
    let id = by_hand.id();
    soon(by_hand).await.unwrap().begin().await.unwrap().succeeded(None).await;
    assert_eq!(told(&manager, id).await, [CAT]);
}

#[tokio::test]
async fn a_held_call_without_a_request_does_not_run_under_a_rule_that_tells() {
    let (manager, policy) = noticing(Ruling::allow());
    let held = || async { manager.authorize(call()).await.unwrap() };
    let actual = || to_canonical(&json!({"cents": 500})).unwrap();
    let authorization = held().await;
    policy.say(telling_cat());
    manager.advance(seconds(2)).await;
    let (refused, text) = error(authorization.begin(actual()).await.map(drop));
    assert!(matches!(refused, ApprovalError::PolicyAsks { request: None, again: false, .. }), "{text}");
    assert!(text.ends_with("nothing was run, call again, which does what it asks for"), "{text}");
    let model = refused.for_model();
    assert!(model.contains("changed since it was allowed") && model.contains("once more"), "{model}");
    // As the text says.
    held().await.begin(actual()).await.unwrap().succeeded(None).await;
    let id = manager.next_request().await.unwrap().id;
    assert_eq!(told(&manager, id).await, [CAT]);
}

#[tokio::test]
async fn they_are_told_whom_the_rule_names_at_the_run() {
    let allowed = |action: Action| action.key("k");
    let asking = || {
        let gate = Gate { inform: vec![person(CAT)], ..Gate::only("large ones", Vec::new()) };
        Ruling::Ask { rule: "large ones".into(), gate: Some(Arc::new(gate)), whole: false }
    };
    for (by_people, now) in [(false, telling_cat()), (true, telling_cat()), (true, asking())] {
        let before = if by_people { Ruling::ask() } else { telling() };
        let (manager, policy) = noticing(before);
        let opened = if by_people {
            let opened = manager.request(allowed(call())).await.unwrap();
            manager.approve(opened.id(), BOB).await.unwrap();
            opened.detach()
        } else {
            drop(manager.authorize(allowed(call())).await.unwrap());
            manager.next_request().await.unwrap().id
        };
        policy.say(now);
        soon(Runs::default().run(&manager, allowed(call()))).await.unwrap();
        let informed: &[&str] = if by_people { &[CAT] } else { &[ANN, CAT] };
        assert_eq!(told(&manager, opened).await, informed, "by people {by_people}");
        manager.verify_history(opened).await.unwrap();
    }
}

#[tokio::test]
async fn an_edit_into_a_rule_that_tells_has_them_told() {
    let small = |call: &Call<'_>| {
        if call.arguments.as_str() == r#"{"cents":7}"# { telling_cat() } else { Ruling::ask() }
    };
    let manager = TestManager::with(|builder| builder.notifier(Scripted::new()).policy_fn(small)).unwrap();
    let pending = manager.request(call()).await.unwrap();
    let seen = pending.request().await.unwrap();
    assert!(seen.gate.inform.is_empty());
    let edit = Edit { path: "cents".into(), value: to_canonical(&7).unwrap() };
    manager.decider("desk").approve_edited(&seen, &person(ANN), vec![edit], None).await.unwrap();
    let approved = soon(pending).await.unwrap();
    let gate = &approved.request().gate;
    assert_eq!((&*gate.inform, &gate.requirements), (&[person(CAT)][..], &seen.gate.requirements));
    approved.begin().await.unwrap().succeeded(None).await;
    assert_eq!(told(&manager, seen.id).await, [CAT]);
}

#[tokio::test]
async fn over_a_limit_people_are_asked_or_it_is_denied() {
    let with = |over| {
        let limit = Limit::new("one").calls(1).over(over);
        TestManager::with(|builder| builder.unattended().policy_fn(|_| telling()).limit(limit).unwrap())
            .unwrap()
    };
    let runs = Runs::default();
    let manager = with(OverLimit::Ask);
    soon(runs.run(&manager, call())).await.unwrap();
    assert_eq!(manager.next_request().await.unwrap().status, Status::Approved);
    let second = runs.spawn(&manager, call());
    let asked = manager.next_request().await.unwrap();
    assert_eq!(asked.status, Status::Pending);
    manager.approve(asked.id, ANN).await.unwrap();
    soon(second).await.unwrap().unwrap();
    assert_eq!(runs.count(), 2);

    let manager = with(OverLimit::Deny);
    soon(runs.run(&manager, call())).await.unwrap();
    let (refused, text) = error(soon(runs.run(&manager, call())).await);
    assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
    assert_eq!(runs.count(), 3);
    let journal = manager.store().read_journal(0, 10).await.unwrap();
    let denied = |entry: &&JournalEntry| matches!(&entry.line, JournalLine::Call { outcome, rule, .. } if (&**outcome, &**rule) == ("denied", "one"));
    assert_eq!(journal.iter().filter(denied).count(), 1, "a line tells of what the limit denied");
}
