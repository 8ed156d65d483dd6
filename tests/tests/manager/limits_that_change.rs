//! What a call was counted as is remembered with the call: limits, people and programs that change meanwhile take nothing off
//! other calls, and leave nothing behind.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use approval_core::{
    Action, ApprovalError, Context, Principal, RequestId,
    clock::{Span, Timestamp},
    directory::{Directory, DirectoryError},
    guard::Authorization,
    manager::ManagerBuilder,
    model::{
        CountedPer, ExecutionState, HaltScope, Limit, OverLimit, People, RunLimits, Usage,
        canonical::to_canonical,
    },
    policy::{Call, Policy, PolicyError, Ruling},
    store::Query,
};
use approval_testkit::TestManager;
use async_trait::async_trait;
use serde_json::json;

use crate::common::{ANN, BOB, Runs, call, call_with, error, person, seconds, soon};

/// Rules that let everything run, with limits that the test exchanges.
#[derive(Clone, Debug)]
struct Changing(Arc<Mutex<Vec<Limit>>>);

impl Changing {
    fn new(limits: impl IntoIterator<Item = Limit>) -> Self {
        Self(Arc::new(Mutex::new(limits.into_iter().collect())))
    }

    fn say(&self, limits: impl IntoIterator<Item = Limit>) {
        *self.0.lock().unwrap() = limits.into_iter().collect();
    }
}

#[async_trait]
impl Policy for Changing {
    async fn rule(&self, _: &Call<'_>) -> Result<Ruling, PolicyError> {
        Ok(Ruling::allow())
    }

    fn limits(&self) -> Arc<[Arc<Limit>]> {
        self.0.lock().unwrap().iter().cloned().map(Arc::new).collect()
    }
}

fn limited(limits: impl IntoIterator<Item = Limit>) -> (TestManager, Changing) {
    let rules = Changing::new(limits);
    let policy = rules.clone();
    (TestManager::with(|builder| builder.unattended().policy(policy)).unwrap(), rules)
}

fn few(calls: u32) -> Limit {
    Limit::new("few").calls(calls).over(OverLimit::Deny)
}

async fn begin(held: Authorization) -> Result<(), ApprovalError> {
    let actual = to_canonical(&json!({"cents": 500})).unwrap();
    held.begin(actual).await?.succeeded(None).await;
    Ok(())
}

/// How many places and runs all counters hold.
async fn counted(manager: &TestManager) -> (u64, u64) {
    let records = manager.store().records("limit/", None, 100).await.unwrap();
    let usages = records.iter().map(|record| serde_json::from_slice::<Usage>(&record.value).unwrap());
    usages
        .flat_map(|usage| usage.stretches)
        .fold((0, 0), |(places, runs), stretch| (places + stretch.places, runs + stretch.calls))
}

/// The request that is approved and has not run.
async fn unspent(manager: &TestManager) -> RequestId {
    let query = Query { execution: vec![ExecutionState::NotStarted], ..Query::default() };
    manager.list(&query).await.unwrap().items[0].request.id
}

fn full<T: std::fmt::Debug>(result: Result<T, ApprovalError>) {
    let (refused, text) = error(result);
    assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
}

#[tokio::test]
async fn a_process_that_does_not_know_the_limit_gives_the_place_back() {
    for how in ["revoked", "halted", "expired"] {
        // Where people decide, and nothing is guarded.
        let desk = TestManager::with(ManagerBuilder::unattended).unwrap();
        let agent = desk
            .another(|builder| builder.unattended().policy_fn(|_| Ruling::allow()).limit(few(1)).unwrap())
            .unwrap();
        drop(agent.authorize(call().key("k")).await.unwrap());
        full(agent.authorize(call().key("other")).await);
        assert_eq!(counted(&desk).await, (1, 0));
        match how {
            "revoked" => drop(desk.revoke(unspent(&desk).await, &person(ANN), "no").await.unwrap()),
            "halted" => {
                desk.halt(HaltScope::Everything, &person(ANN), "no").await.unwrap();
                desk.resume(&HaltScope::Everything, &person(ANN)).await.unwrap();
            }
            _ => {
                let id = unspent(&desk).await;
                agent.shutdown().await.unwrap();
                desk.advance(Span::from_mins(16)).await;
                let ran_out = |request: &approval_core::model::Request| {
                    request.execution.as_deref().map(approval_core::model::Execution::state)
                        == Some(ExecutionState::GrantExpired)
                };
                desk.until(id, ran_out).await.unwrap();
            }
        }
        assert_eq!(counted(&desk).await, (0, 0), "{how}");
    }
}

#[tokio::test]
async fn a_place_is_given_back_though_the_limit_is_gone_meanwhile() {
    for revoke in [true, false] {
        let (manager, rules) = limited([few(1)]);
        drop(manager.authorize(call().key("k")).await.unwrap());
        let id = unspent(&manager).await;
        rules.say([]);
        if revoke {
            manager.revoke(id, &person(ANN), "no").await.unwrap();
        } else {
            manager.advance(Span::from_mins(16)).await;
        }
        rules.say([few(1)]);
        begin(manager.authorize(call().key("other")).await.unwrap()).await.unwrap();
        assert_eq!(counted(&manager).await, (0, 1));
    }
}

#[tokio::test]
async fn a_call_that_runs_where_no_limit_counts_it_is_counted_as_a_run_all_the_same() {
    for keyed in [false, true] {
        let (manager, rules) = limited([few(1)]);
        let action = if keyed { call().key("k") } else { call() };
        let held = manager.authorize(action).await.unwrap();
        manager.advance(seconds(2)).await;
        // The limit is gone for a while.
        rules.say([]);
        begin(held).await.unwrap();
        assert_eq!(counted(&manager).await, (0, 1), "keyed {keyed}");
        rules.say([few(1)]);
        full(manager.authorize(call().key("other")).await);
    }
    // The program that runs it does not know the limit.
    let agent = TestManager::with(|builder| {
        builder.unattended().policy_fn(|_| Ruling::allow()).limit(few(1)).unwrap()
    })
    .unwrap();
    let worker = agent.another(|builder| builder.unattended().policy_fn(|_| Ruling::allow())).unwrap();
    drop(agent.authorize(call().key("k")).await.unwrap());
    begin(worker.authorize(call().key("k")).await.unwrap()).await.unwrap();
    assert_eq!(counted(&agent).await, (0, 1));
    full(agent.authorize(call().key("other")).await);
}

/// Costs 100 USD.
fn costly() -> Action {
    call_with(|action| Ok(action.cost("{cents} / 5 USD").grant_ttl(Span::from_hours(24))))
}

#[tokio::test]
async fn a_cost_that_was_not_counted_is_taken_off_no_other_call() {
    let hourly = || few(10).within(Span::from_hours(1));
    let budget = || hourly().cost("100 USD".parse().unwrap());
    for keyed in [false, true] {
        let (manager, rules) = limited([hourly()]);
        let key = |action: Action, key: &str| if keyed { action.key(key) } else { action };
        let held = manager.authorize(key(costly(), "a")).await.unwrap();
        manager.advance(seconds(2)).await;
        rules.say([budget()]);
        Runs::default().run(&manager, costly()).await.unwrap();
        full(begin(held).await);
    }
    // What ends gives back no more than it was counted as.
    let (manager, rules) = limited([hourly()]);
    drop(manager.authorize(costly().key("a")).await.unwrap());
    let first = unspent(&manager).await;
    rules.say([budget()]);
    let second = manager.authorize(costly().key("b")).await.unwrap();
    manager.revoke(first, &person(ANN), "no").await.unwrap();
    full(manager.authorize(costly().key("c")).await);
    begin(second).await.unwrap();
}

/// A directory in which Bob becomes another name of Ann.
#[derive(Clone, Debug, Default)]
struct Merging(Arc<AtomicBool>);

#[async_trait]
impl Directory for Merging {
    async fn people(&self, _: &[&Principal], _: Timestamp) -> Result<Arc<People>, DirectoryError> {
        let mut people = People::default();
        if self.0.load(Ordering::SeqCst) {
            people.aliases.insert(person(BOB), person(ANN));
        }
        Ok(Arc::new(people))
    }
}

#[tokio::test]
async fn two_people_that_became_one_take_no_place_of_each_other() {
    for run in [false, true] {
        let merging = Merging::default();
        let directory = merging.clone();
        let limit = few(2).per(CountedPer::PERSON);
        let manager = TestManager::with(|builder| {
            builder.unattended().policy_fn(|_| Ruling::allow()).directory(directory).limit(limit).unwrap()
        })
        .unwrap();
        let open = async |who: &str, key: &str| {
            let context = Context::new().on_behalf_of(who).unwrap();
            context.scope(manager.authorize(call().key(key))).await
        };
        let bob = open(BOB, "b").await.unwrap();
        let bobs = unspent(&manager).await;
        let ann = open(ANN, "a").await.unwrap();
        assert_eq!(counted(&manager).await, (2, 0));
        merging.0.store(true, Ordering::SeqCst);
        let behind = Context::new().on_behalf_of(ANN).unwrap();
        if run {
            behind.clone().scope(begin(bob)).await.unwrap();
            // Bob's place is gone, and the run counts as his of then, and as Ann's, beside her place.
            assert_eq!(counted(&manager).await, (1, 2));
        } else {
            manager.revoke(bobs, &person(ANN), "no").await.unwrap();
            assert_eq!(counted(&manager).await, (1, 0));
            begin(open(ANN, "x").await.unwrap()).await.unwrap();
        }
        full(open(ANN, "y").await);
        behind.scope(begin(ann)).await.unwrap();
        full(open(ANN, "z").await);
        assert_eq!(counted(&manager).await, (0, 2 + u64::from(run)));
    }
}

#[tokio::test]
async fn a_place_is_found_by_limits_of_every_window() {
    let windows = [None, Some(Span::from_mins(1)), Some(Span::from_hours(1)), Some(Span::from_hours(24))];
    let limit = |within| Limit { within, ..few(9) };
    for before in windows {
        for after in windows {
            for run in [false, true] {
                let (manager, rules) = limited([limit(before)]);
                let runs = Runs::default();
                runs.run(&manager, call().key("first")).await.unwrap();
                let held = manager.authorize(call().key("k")).await.unwrap();
                let id = unspent(&manager).await;
                manager.advance(seconds(5)).await;
                // A later call moves the end of what counts without a window.
                runs.run(&manager, call().key("second")).await.unwrap();
                manager.advance(seconds(5)).await;
                rules.say([limit(after)]);
                if run {
                    begin(held).await.unwrap();
                } else {
                    manager.revoke(id, &person(ANN), "no").await.unwrap();
                }
                let expected = (0, 2 + u64::from(run));
                assert_eq!(counted(&manager).await, expected, "{before:?} to {after:?}, run {run}");
            }
        }
    }
}

#[tokio::test]
async fn a_limit_of_a_policy_in_code_is_checked_as_one_of_the_builder() {
    let taken = Limit::new("max_tool_calls").per(CountedPer::RUN).calls(5).over(OverLimit::Deny);
    for (limit, expected) in [(taken, "has the name of a limit of runs"), (Limit::new("x"), "limits nothing")]
    {
        let (manager, _) = limited([limit]);
        let context =
            Context::new().run("r").limits(RunLimits { max_tool_calls: Some(5), ..RunLimits::default() });
        let runs = Runs::default();
        for action in [call(), call().key("k")] {
            let (refused, text) = error(soon(context.clone().scope(runs.run(&manager, action))).await);
            assert!(matches!(refused, ApprovalError::Invalid(_)), "{text}");
            assert!(text.contains(expected), "{text}");
        }
        assert_eq!(runs.count(), 0);
    }
}
