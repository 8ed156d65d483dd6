//! Limits on calls: exact however many call at the same time, asked about or denied beyond them.

use std::sync::Arc;

use approval_core::{
    ActionSpec, ApprovalError, Context, Risk,
    manager::ManagerBuilder,
    model::{CountedPer, Limit, Money, OverLimit, RunLimits, Status},
    policy::Ruling,
    store::{MemoryStore, Store},
};
use approval_store::SqliteStore;
use approval_testkit::{FakeClock, TestManager};
use futures_util::future::join_all;

use crate::common::{ANN, Runs, call, call_with, error, seconds, soon};

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

/// A manager whose policy lets everything run, with this limit.
fn allowing(store: Arc<dyn Store>, clock: &FakeClock, limit: Limit) -> TestManager {
    let configure =
        |builder: ManagerBuilder| builder.unattended().policy_fn(|_| Ruling::allow()).limit(limit).unwrap();
    TestManager::on(store, clock, configure).unwrap()
}

fn in_memory(limit: Limit) -> TestManager {
    let clock = FakeClock::new();
    allowing(Arc::new(MemoryStore::with_clock(Arc::new(clock.clone()))), &clock, limit)
}

/// Five dollars a call.
#[expect(clippy::unnecessary_wraps, reason = "the shape that describing an action asks for")]
fn costly(action: ActionSpec) -> Result<ActionSpec, approval_core::Invalid> {
    Ok(action.cost("{cents} / 100 USD"))
}

async fn parallel_callers_never_overspend(store: Arc<dyn Store>, clock: FakeClock) {
    let limit = Limit::new("budget").cost(money("52 USD")).over(OverLimit::Deny);
    let one = allowing(Arc::clone(&store), &clock, limit.clone());
    let other =
        one.another(|builder| builder.unattended().policy_fn(|_| Ruling::allow()).limit(limit).unwrap());
    let other = other.unwrap();
    let runs = Runs::default();
    let calls = (0..64).map(|n| {
        let manager = if n % 2 == 0 { &*one } else { &other };
        runs.spawn(manager, call_with(costly_and_allowed))
    });
    let ended = soon(join_all(calls)).await;
    let ran = ended.iter().filter(|ended| ended.as_ref().unwrap().is_ok()).count();
    assert_eq!((ran, runs.count()), (10, 10), "ten times five dollars");
    for refused in ended.into_iter().filter_map(|ended| ended.unwrap().err()) {
        let text = refused.to_string();
        assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
        assert!(
            text.contains("50 USD of 52 USD are spent") || text.contains("50.00 USD of 52 USD"),
            "{text}"
        );
        assert_eq!(refused.stop_reason().as_str(), "limit_reached");
    }
}

fn costly_and_allowed(action: ActionSpec) -> Result<ActionSpec, approval_core::Invalid> {
    costly(action.risk(Risk::Low))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_callers_never_overspend_in_memory() {
    let clock = FakeClock::new();
    parallel_callers_never_overspend(Arc::new(MemoryStore::with_clock(Arc::new(clock.clone()))), clock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_callers_never_overspend_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("approvals.db")).unwrap();
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    parallel_callers_never_overspend(Arc::new(store), clock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_callers_never_overspend_on_postgres() {
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    let store = approval_tests::postgres::Place::new().open(Arc::new(clock.clone())).await;
    parallel_callers_never_overspend(store, clock).await;
}

#[tokio::test]
async fn over_a_limit_that_asks_people_are_asked_and_may_go_over_it() {
    let manager = in_memory(Limit::new("two").calls(2).within(seconds(3600)));
    let runs = Runs::default();
    for _ in 0..2 {
        soon(runs.run(&manager, call())).await.unwrap();
    }
    let third = runs.spawn(&manager, call());
    let request = manager.next_request().await.unwrap();
    assert_eq!((request.status, &*request.gate.rule), (Status::Pending, "two"));
    manager.approve(request.id, ANN).await.unwrap();
    soon(third).await.unwrap().unwrap();
    assert_eq!(runs.count(), 3);
    manager.advance(seconds(3600 + 60)).await;
    soon(runs.run(&manager, call())).await.unwrap();
    assert_eq!(runs.count(), 4, "there is room again");
}

#[tokio::test]
async fn what_people_approve_counts_and_stops_at_a_limit_that_denies() {
    let limit = Limit::new("one").calls(1).over(OverLimit::Deny).per(CountedPer::AGENT);
    let manager = TestManager::with(|builder| builder.unattended().limit(limit).unwrap()).unwrap();
    // Both are opened while there is room, and both are approved: only one of them runs.
    let (first, second) = (manager.request(call()).await.unwrap(), manager.request(call()).await.unwrap());
    manager.approve(first.id(), ANN).await.unwrap();
    manager.approve(second.id(), ANN).await.unwrap();
    let (first, second) = (soon(first).await.unwrap(), soon(second).await.unwrap());
    first.begin().await.unwrap().succeeded(None).await;
    let (refused, text) = error(second.begin().await);
    assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
    // And nobody is bothered any more.
    let (refused, text) = error(manager.request(call()).await);
    assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
    assert_eq!(text, "payments.refund: limit one is reached: 1 of 1 calls were made; nothing was run");
    let other = Context::new().agent("another").unwrap();
    assert!(other.scope(manager.request(call())).await.is_ok(), "each agent for itself");
}

#[tokio::test]
async fn a_run_makes_no_more_calls_and_steps_than_it_may() {
    let manager = TestManager::with(|b| b.unattended().policy_fn(|_| Ruling::allow())).unwrap();
    let limits = RunLimits { max_steps: Some(3), max_tool_calls: Some(2), ..RunLimits::default() };
    let run = |name: &str| Context::new().run(name).limits(limits);
    let runs = Runs::default();
    for _ in 0..2 {
        run("a").scope(runs.run(&manager, call())).await.unwrap();
    }
    let (refused, text) = error(run("a").scope(runs.run(&manager, call())).await);
    assert!(
        matches!(refused, ApprovalError::LimitReached { .. }) && text.contains("max_tool_calls"),
        "{text}"
    );
    // Inside, nobody gets more room by asking for it.
    let more = Context::new().limits(RunLimits { max_tool_calls: Some(9), ..RunLimits::default() });
    let nested = run("a").scope(more.scope(runs.run(&manager, call()))).await;
    assert!(matches!(nested, Err(ApprovalError::LimitReached { .. })));
    run("b").scope(runs.run(&manager, call())).await.unwrap();
    for _ in 0..3 {
        run("a").scope(manager.step()).await.unwrap();
    }
    let (refused, text) = error(run("a").scope(manager.step()).await);
    assert!(matches!(refused, ApprovalError::LimitReached { .. }) && text.contains("max_steps"), "{text}");
    assert!(matches!(manager.step().await, Err(ApprovalError::Invalid(_))), "outside of a run");
}

#[tokio::test]
async fn a_run_has_so_many_seconds_and_dollars() {
    let manager = TestManager::with(|b| b.unattended().policy_fn(|_| Ruling::allow())).unwrap();
    let limits = RunLimits { max_usd: Some(10.into()), max_seconds: Some(60), ..RunLimits::default() };
    let run = |name: &str| Context::new().run(name).limits(limits);
    let runs = Runs::default();
    for _ in 0..2 {
        run("a").scope(runs.run(&manager, call_with(costly))).await.unwrap();
    }
    let (_, text) = error(run("a").scope(runs.run(&manager, call_with(costly))).await);
    assert!(text.contains("max_usd"), "{text}");
    run("a").scope(runs.run(&manager, call())).await.unwrap();
    manager.advance(seconds(60)).await;
    let (_, text) = error(run("a").scope(runs.run(&manager, call())).await);
    assert!(text.contains("max_seconds"), "{text}");
    run("b").scope(runs.run(&manager, call())).await.unwrap();
}

#[tokio::test]
async fn a_limit_that_limits_nothing_is_refused() {
    let refused = |limit: Limit| {
        approval_core::ApprovalManager::builder().limit(limit).map(drop).unwrap_err().to_string()
    };
    assert!(refused(Limit::new("x")).contains("limits nothing"));
    assert!(refused(Limit::new("x").cost(money("-1 USD"))).contains("below zero"));
    assert!(refused(Limit::new(" ").calls(1)).contains("no name"));
    for name in ["max_steps", "max_tool_calls", "max_seconds", "max_usd"] {
        assert!(refused(Limit::new(name).calls(1)).contains("has the name of a limit of runs"));
    }
    assert!(refused(Limit::new("x").calls(1).within(seconds(0))).contains("window"));
}

fn refund(cents: i64, describe: impl FnOnce(ActionSpec) -> ActionSpec) -> approval_core::Action {
    let action = call_with(|action| Ok(describe(action.cost("{cents} / 100 USD"))));
    action.arguments(&serde_json::json!({ "cents": cents })).unwrap()
}

/// Lets run what costs at most fifty dollars.
fn small_costs(call: &approval_core::policy::Call<'_>) -> Ruling {
    if call.cost.is_some_and(|cost| cost <= money("50 USD")) { Ruling::allow() } else { Ruling::deny("dear") }
}

#[tokio::test]
async fn a_negative_cost_runs_nothing_unless_the_action_declares_credits() {
    let manager = TestManager::with(|builder| builder.unattended().policy_fn(small_costs)).unwrap();
    let runs = Runs::default();
    soon(runs.run(&manager, refund(5000, |action| action))).await.unwrap();
    for cents in [-10_000_000, -1] {
        let (refused, text) = error(soon(runs.run(&manager, refund(cents, |action| action))).await);
        assert!(matches!(refused, ApprovalError::Invalid(_)) && text.contains("below zero"), "{text}");
        let (_, text) = error(manager.request(refund(cents, |action| action)).await);
        assert!(text.contains("below zero"), "{text}");
    }
    // A credit is held against the threshold by its amount.
    let (refused, _) = error(soon(runs.run(&manager, refund(-10_000_000, ActionSpec::credits))).await);
    assert!(matches!(refused, ApprovalError::PolicyDenied { .. }));
    soon(runs.run(&manager, refund(-5000, ActionSpec::credits))).await.unwrap();
    assert_eq!(runs.count(), 2);
}

#[tokio::test]
async fn a_credit_gives_no_budget_back() {
    let manager = in_memory(Limit::new("budget").cost(money("100 USD")).over(OverLimit::Deny));
    let runs = Runs::default();
    soon(runs.run(&manager, refund(6000, ActionSpec::credits))).await.unwrap();
    soon(runs.run(&manager, refund(-4000, ActionSpec::credits))).await.unwrap();
    for cents in [-1, 1] {
        let (refused, text) = error(soon(runs.run(&manager, refund(cents, ActionSpec::credits))).await);
        assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
    }
    assert_eq!(runs.count(), 2);
}
