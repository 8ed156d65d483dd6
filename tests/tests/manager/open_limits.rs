//! Limits on requests that are open at the same time: exact however many ask at once, and never wrong for long: who decides
//! counts nothing, the store is looked at.

use std::sync::Arc;

use approval_core::{
    ApprovalError, ApprovalManager, Context, RequestId,
    manager::ManagerBuilder,
    model::{CountedPer, HaltScope, Limit, Status},
    policy::Ruling,
    store::{MemoryStore, Store},
};
use approval_store::SqliteStore;
use approval_testkit::{FakeClock, TestManager};
use futures_util::future::join_all;

use crate::common::{ANN, call, call_with, error, person, seconds, soon};

fn three() -> Limit {
    Limit::new("open requests").per(CountedPer::AGENT).open(3)
}

fn with(limit: Limit) -> impl FnOnce(ManagerBuilder) -> ManagerBuilder {
    |builder| builder.unattended().limit(limit).unwrap()
}

/// Opens requests until one is refused.
async fn fill(manager: &ApprovalManager) -> (Vec<RequestId>, String) {
    let mut open = Vec::new();
    loop {
        match manager.request(call()).await {
            Ok(waiting) => open.push(waiting.detach()),
            Err(refused) => {
                assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{refused}");
                assert_eq!(refused.stop_reason().as_str(), "limit_reached");
                return (open, refused.to_string());
            }
        }
        assert!(open.len() < 100, "nothing limits it");
    }
}

async fn of_64_at_once(store: Arc<dyn Store>, clock: FakeClock) {
    let one = TestManager::on(store, &clock, with(three().open(7))).unwrap();
    let other = one.another(with(three().open(7))).unwrap();
    for round in 0..3 {
        let asking = (0..64).map(|n| {
            let manager: ApprovalManager = if n % 2 == 0 { (*one).clone() } else { other.clone() };
            tokio::spawn(async move { manager.request(call()).await.map(|waiting| waiting.detach()) })
        });
        let asked = soon(join_all(asking)).await;
        let open: Vec<RequestId> =
            asked.iter().filter_map(|one| one.as_ref().unwrap().as_ref().ok().copied()).collect();
        assert_eq!(open.len(), if round == 0 { 7 } else { 4 }, "round {round}");
        for refused in asked.into_iter().filter_map(|one| one.unwrap().err()) {
            assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{refused}");
        }
        // Some are decided, at the other manager, in different ways.
        let decided: Vec<RequestId> = open.into_iter().take(4).collect();
        assert_eq!(decided.len(), 4);
        one.approve(decided[0], ANN).await.unwrap();
        one.reject(decided[1], ANN, "no").await.unwrap();
        other
            .decider("test")
            .approve(&other.get(decided[2]).await.unwrap(), &person(ANN), None)
            .await
            .unwrap();
        other.cancel(decided[3], &person(ANN), "never mind").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_who_ask_at_once_in_memory_as_many_as_may_are_open() {
    let clock = FakeClock::new();
    of_64_at_once(Arc::new(MemoryStore::with_clock(Arc::new(clock.clone()))), clock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_who_ask_at_once_on_sqlite_as_many_as_may_are_open() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::new();
    let store =
        SqliteStore::builder(folder.path().join("approvals.db")).clock(Arc::new(clock.clone())).open();
    of_64_at_once(Arc::new(store.unwrap()), clock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_who_ask_at_once_on_postgres_as_many_as_may_are_open() {
    let clock = FakeClock::new();
    let store = approval_tests::postgres::Place::new().open(Arc::new(clock.clone())).await;
    of_64_at_once(store, clock).await;
}

#[tokio::test]
async fn each_agent_has_its_own_room_and_questions_take_of_it() {
    let manager = TestManager::with(with(three())).unwrap();
    let (open, text) = fill(&manager).await;
    assert_eq!(open.len(), 3);
    assert_eq!(
        text,
        "payments.refund: limit open requests is reached: 3 of 3 requests are open: they must be decided or taken back \
         first; nothing was run"
    );
    let (refused, text) = error(manager.ask::<bool>("Go on?").to([ANN]).open().await);
    assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
    let (others, _) = Context::new().agent("another").unwrap().scope(fill(&manager)).await;
    assert_eq!(others.len(), 3);
    manager.reject(open[1], ANN, "no").await.unwrap();
    drop(manager.ask::<bool>("Go on?").to([ANN]).open().await.unwrap());
    assert_eq!(fill(&manager).await.0.len(), 0);
}

#[tokio::test]
async fn what_expires_or_is_halted_makes_room() {
    let manager = TestManager::with(with(three())).unwrap();
    let short = call_with(|action| Ok(action.timeout(seconds(60))));
    let expiring = manager.request(short).await.unwrap().detach();
    assert_eq!(fill(&manager).await.0.len(), 2);
    manager.advance(seconds(61)).await;
    manager.until(expiring, |request| request.status == Status::Expired).await.unwrap();
    assert_eq!(fill(&manager).await.0.len(), 1);
    manager.halt(HaltScope::Everything, &person(ANN), "stop").await.unwrap();
    manager.resume(&HaltScope::Everything, &person(ANN)).await.unwrap();
    assert_eq!(fill(&manager).await.0.len(), 3);
}

#[tokio::test]
async fn what_nobody_is_asked_about_takes_no_room() {
    let none = Limit::new("nothing open").open(0);
    let manager = TestManager::with(|builder| {
        builder.unattended().policy_fn(|_| Ruling::allow()).limit(none.clone()).unwrap()
    });
    let runs = crate::common::Runs::default();
    for _ in 0..3 {
        soon(runs.run(manager.as_ref().unwrap(), call())).await.unwrap();
    }
    assert_eq!(runs.count(), 3);
    let asking = TestManager::with(with(none)).unwrap();
    let (refused, text) = error(runs.run(&asking, call()).await);
    assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
    assert_eq!(runs.count(), 3);
}

#[tokio::test]
async fn after_a_crash_the_count_is_what_the_store_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("approvals.db");
    let clock = FakeClock::new();
    let open = |path: &std::path::Path| {
        let store = SqliteStore::builder(path).clock(Arc::new(clock.clone())).open().unwrap();
        TestManager::on(Arc::new(store), &clock, with(three())).unwrap()
    };
    let manager = open(&path);
    let (ids, _) = fill(&manager).await;
    // Another process, of which nothing here hears, decides one.
    let other = open(&path);
    drop(manager);
    other.reject(ids[0], ANN, "no").await.unwrap();
    drop(other);
    let again = open(&path);
    assert_eq!(fill(&again).await.0.len(), 1);
}

#[tokio::test]
async fn a_limit_on_what_is_open_limits_nothing_else() {
    let refused = |limit: Limit| ApprovalManager::builder().limit(limit).map(drop).unwrap_err().to_string();
    assert!(refused(Limit::new("x").open(1).calls(1)).contains("make two of it"));
    assert!(refused(Limit::new("x").open(1).within(seconds(1))).contains("make two of it"));
    assert!(refused(Limit::new("x").open(1001)).contains("at most 1000"));
}
