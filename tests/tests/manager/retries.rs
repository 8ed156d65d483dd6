//! Trying again asks the policy of today, and never for less than the declaration demands.

use std::sync::Arc;

use approval_core::{
    Action, ApprovalError, RequestId,
    clock::Span,
    lifecycle::Edit,
    model::{Gate, OnTimeout, Request, Requirement, RunWindow, Status, canonical::to_canonical},
    policy::{Call, Ruling},
    store::Query,
};
use approval_testkit::TestManager;

use crate::common::{ANN, BOB, CAT, Runs, Switch, call, call_with, error, person, ruled, seconds, soon};

const CFO: &str = "user:cfo@example.com";

fn cfo() -> Ruling {
    Ruling::ask_also([Requirement::any_of([person(CFO)])]).named("large")
}

/// A request of this call that Ann rejected.
async fn rejected(manager: &TestManager, action: Action) -> RequestId {
    let id = manager.request(action).await.unwrap().detach();
    manager.reject(id, ANN, "no").await.unwrap();
    id
}

async fn retried(manager: &TestManager, id: RequestId) -> Arc<Request> {
    manager.retry(id).await.unwrap().request().await.unwrap()
}

fn needs(gate: &Gate) -> Vec<(u32, Vec<&str>)> {
    let needs = |one: &'_ Requirement| one.count;
    gate.requirements
        .iter()
        .map(|one| (needs(one), one.of.iter().map(approval_core::Principal::as_str).collect()))
        .collect()
}

#[tokio::test]
async fn what_the_policy_asks_for_today_is_asked_for() {
    let (manager, policy) = ruled(Ruling::ask());
    let id = rejected(&manager, call()).await;
    policy.say(cfo());
    let second = retried(&manager, id).await;
    assert_eq!(needs(&second.gate), [(1, vec![ANN, BOB]), (1, vec![CFO])]);
    assert_eq!((&*second.gate.rule, second.status, second.predecessor), ("large", Status::Pending, Some(id)));
    manager.approve(second.id, ANN).await.unwrap();
    assert_eq!(manager.get(second.id).await.unwrap().status, Status::Pending, "the rule of today counts");
    manager.approve(second.id, CFO).await.unwrap();
    assert_eq!(manager.get(second.id).await.unwrap().status, Status::Approved);
}

#[tokio::test]
async fn what_the_policy_denies_today_is_not_opened() {
    let (manager, policy) = ruled(Ruling::ask());
    let id = rejected(&manager, call().key("k")).await;
    policy.deny();
    let (refused, text) = error(manager.retry(id).await);
    assert!(matches!(refused, ApprovalError::PolicyDenied { .. }), "{text}");
    policy.fail();
    let (refused, text) = error(manager.retry(id).await);
    assert!(matches!(refused, ApprovalError::Policy(_)), "{text}");
    let stored = manager.get(id).await.unwrap();
    assert_eq!((stored.successor, manager.list(&Query::default()).await.unwrap().items.len()), (None, 1));
    policy.say(Ruling::ask());
    retried(&manager, id).await;
}

#[tokio::test]
async fn where_the_policy_would_not_ask_people_are_asked_as_before() {
    for now in [Ruling::allow(), Ruling::notify([person(CAT)])] {
        let (manager, policy) = ruled(cfo());
        let id = rejected(&manager, call().key("k")).await;
        let tells = matches!(now, Ruling::Notify { .. });
        policy.say(now);
        let second = retried(&manager, id).await;
        assert_eq!(second.status, Status::Pending);
        assert_eq!(second.gate.inform.contains(&person(CAT)), tells);
        assert_eq!(needs(&second.gate), [(1, vec![ANN, BOB]), (1, vec![CFO])]);
        // The key leads there: the call waits for people, though a rule would let it run.
        let runs = Runs::default();
        let waiting = runs.spawn(&manager, call().key("k"));
        for who in [ANN, CFO] {
            assert_eq!(runs.count(), 0);
            manager.approve(second.id, who).await.unwrap();
        }
        soon(waiting).await.unwrap().unwrap();
        assert_eq!(runs.count(), 1);
    }
}

#[tokio::test]
async fn a_rule_that_asked_for_more_before_is_not_asked_for_again() {
    let (manager, policy) = ruled(cfo());
    let id = rejected(&manager, call()).await;
    policy.say(Ruling::ask());
    assert_eq!(needs(&retried(&manager, id).await.gate), [(1, vec![ANN, BOB])]);
}

/// What a rule asks for in place of what the action says.
fn instead(gate: Gate) -> Ruling {
    Ruling::Ask { rule: "relaxed".into(), gate: Some(Arc::new(gate)), whole: true }
}

#[tokio::test]
async fn the_declaration_is_demanded_though_a_rule_had_relaxed_it() {
    let relaxed = || instead(Gate::new("relaxed", vec![Requirement::any_of([person(CAT)])]));
    for now in [Ruling::ask(), Ruling::allow(), cfo()] {
        let (manager, policy) = ruled(relaxed());
        let id = manager.request(call_with(|action| Ok(action.veto(1)))).await.unwrap().detach();
        manager.reject(id, CAT, "no").await.unwrap();
        policy.say(now);
        let second = retried(&manager, id).await;
        assert!(needs(&second.gate).contains(&(1, vec![ANN, BOB])), "{:?}", second.gate);
    }
}

#[tokio::test]
async fn a_rule_that_may_relax_decides_about_a_retry_as_about_a_new_call() {
    let rules: [fn() -> Gate; 3] = [
        || Gate::new("relaxed", vec![Requirement::any_of([person(CAT)])]),
        || Gate { veto: 2, ..Gate::new("relaxed", vec![Requirement::any_of([person(CAT), person(ANN)])]) },
        || Gate {
            timeout: Some(Span::from_hours(2)),
            ..Gate::new("relaxed", vec![Requirement::any_of([person(CFO)])])
        },
    ];
    for rule in rules {
        let (manager, policy) = ruled(Ruling::ask());
        let declared = || call_with(|action| Ok(action.veto(1)));
        let id = rejected(&manager, declared()).await;
        policy.say(instead(rule()));
        let anew = manager.request(declared()).await.unwrap().request().await.unwrap();
        let second = retried(&manager, id).await;
        assert_eq!(second.gate, anew.gate);
        assert_eq!(needs(&second.gate), needs(&rule()), "the rule alone");
        // It relaxes this one, and not what is tried again once it is gone.
        manager.cancel(second.id, &person(ANN), "later").await.unwrap();
        policy.say(Ruling::ask());
        assert_eq!(needs(&retried(&manager, id).await.gate), [(1, vec![ANN, BOB])]);
    }
}

#[tokio::test]
async fn what_the_action_left_unsaid_is_as_the_rule_says_and_else_as_it_was() {
    let slow = |timeout: i64, veto: u32| Ruling::Ask {
        rule: "slow".into(),
        gate: Some(Arc::new(Gate {
            timeout: Some(Span::from_hours(timeout)),
            veto,
            on_timeout: OnTimeout::Reject,
            ..Gate::only("slow", vec![Requirement::any_of([person(CFO)])])
        })),
        whole: false,
    };
    let (manager, policy) = ruled(slow(24, 2));
    let id = manager.request(call()).await.unwrap().detach();
    manager.advance(Span::from_hours(25)).await;
    policy.say(slow(12, 2));
    let second = retried(&manager, id).await;
    assert_eq!((second.gate.timeout, second.gate.veto), (Some(Span::from_hours(12)), 2));
    manager.advance(Span::from_hours(13)).await;
    policy.say(slow(48, 3));
    let third = retried(&manager, second.id).await;
    assert_eq!(third.gate.timeout, Some(Span::from_hours(12)), "people never get more time than before");
}

#[tokio::test]
async fn the_policy_is_asked_about_the_arguments_that_are_tried_again() {
    let deny_small = |call: &Call<'_>| {
        if call.arguments.as_str() == "{\"cents\":7}" { Ruling::deny("too small") } else { Ruling::ask() }
    };
    let open = TestManager::with(|builder| builder.unattended().policy_fn(|_| Ruling::ask())).unwrap();
    let strict = open.another(|builder| builder.unattended().policy_fn(deny_small)).unwrap();
    let id = open.request(call()).await.unwrap().detach();
    let seen = open.get(id).await.unwrap();
    let edit = Edit { path: "cents".into(), value: to_canonical(&7).unwrap() };
    open.decider("desk").approve_edited(&seen, &person(ANN), vec![edit], None).await.unwrap();
    open.revoke(id, &person(ANN), "wait").await.unwrap();
    let (refused, text) = error(strict.retry(id).await);
    assert!(matches!(refused, ApprovalError::PolicyDenied { .. }), "{text}");
    let again = open.retry(id).await.unwrap().request().await.unwrap();
    assert_eq!(again.revision.arguments.as_str(), "{\"cents\":7}");
}

#[tokio::test]
async fn a_run_window_of_today_comes_along() {
    let (manager, policy) = ruled(Ruling::ask());
    let window = RunWindow::new("UTC", [("daily", "13:00-14:00")]).unwrap();
    for now in [Ruling::ask(), Ruling::allow(), Ruling::notify([person(CAT)])] {
        policy.say(Ruling::ask());
        let id = rejected(&manager, call()).await;
        policy.say(now.within(window.clone()));
        assert_eq!(retried(&manager, id).await.gate.run_windows, std::slice::from_ref(&window));
    }
}

#[tokio::test]
async fn what_is_tried_again_twice_is_judged_by_the_same_declaration() {
    let (manager, policy) = ruled(cfo());
    let id = rejected(&manager, call()).await;
    let second = retried(&manager, id).await;
    manager.reject(second.id, ANN, "no").await.unwrap();
    policy.say(Ruling::ask());
    let third = retried(&manager, second.id).await;
    assert_eq!(needs(&third.gate), [(1, vec![ANN, BOB])]);
    manager.approve(third.id, BOB).await.unwrap();
    let approved = soon(manager.attach(third.id).await.unwrap()).await.unwrap();
    // Today's code demands what it demanded then, and runs it.
    approved.begin_as(call().spec()).await.unwrap().succeeded(None).await;
}

#[tokio::test]
async fn a_question_is_asked_again_whatever_the_policy_says() {
    let policy = Switch::new(Ruling::ask());
    let given = policy.clone();
    let manager = TestManager::with(|builder| builder.unattended().policy(given)).unwrap();
    let question = manager.ask::<bool>("Ship it?").to([ANN]).timeout(seconds(60));
    let id = question.open().await.unwrap().id();
    manager.advance(seconds(61)).await;
    policy.deny();
    let second = manager.retry(id).await.unwrap().request().await.unwrap();
    assert_eq!((second.status, needs(&second.gate)), (Status::Pending, vec![(1, vec![ANN])]));
}
