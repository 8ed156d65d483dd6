//! "Do not ask again": what was approved along with an earlier call runs without asking, as often as that was meant.

use std::sync::Arc;

use approval_core::{
    ApprovalError,
    model::{StandingArguments, StandingReach, StandingTerms, Status},
    store::{MemoryStore, Query},
};
use approval_store::SqliteStore;
use approval_testkit::{FakeClock, TestManager};
use futures_util::future::join_all;

use crate::common::{ANN, BOB, Runs, call, error, person, seconds, soon, unattended};

fn terms() -> StandingTerms {
    StandingTerms::new(StandingReach::Agent, StandingArguments::Any)
}

/// Ann approves a first call, and calls to come on these terms.
async fn stand(manager: &TestManager, terms: StandingTerms) {
    let pending = manager.request(call()).await.unwrap();
    let seen = pending.request().await.unwrap();
    let ann = manager.decider("test");
    ann.approve_standing(&seen, &person(ANN), terms, Some("as every day")).await.unwrap();
    soon(pending).await.unwrap();
}

#[tokio::test]
async fn a_covered_call_runs_without_asking_and_says_why() {
    let manager = unattended();
    stand(&manager, terms().at_most(2)).await;
    let runs = Runs::default();
    for _ in 0..2 {
        soon(runs.run(&manager, call())).await.unwrap();
    }
    assert_eq!(runs.count(), 2);
    let page = manager.list(&Query::default()).await.unwrap();
    let standing = manager.standing_approvals().await.unwrap().remove(0);
    let resting: Vec<_> = page
        .items
        .iter()
        .filter(|stored| {
            stored.request.decision.as_ref().is_some_and(|decision| decision.by_standing == Some(standing.id))
        })
        .collect();
    assert_eq!((resting.len(), standing.used, standing.left()), (2, 2, Some(0)));
    for stored in resting {
        manager.verify_history(stored.request.id).await.unwrap();
    }
    // Used up: people are asked again.
    let pending = manager.request(call()).await.unwrap();
    assert_eq!(pending.request().await.unwrap().status, Status::Pending);
}

async fn parallel_calls_never_use_one_more_often_than_was_meant(manager: TestManager) {
    stand(&manager, terms().at_most(5)).await;
    let calls = (0..32).map(|_| async {
        let pending = manager.request(call()).await.unwrap();
        pending.request().await.unwrap().status
    });
    let covered =
        soon(join_all(calls)).await.into_iter().filter(|status| *status == Status::Approved).count();
    assert_eq!(covered, 5);
    assert_eq!(manager.standing_approvals().await.unwrap()[0].used, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_calls_never_use_one_more_often_than_was_meant_in_memory() {
    let clock = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    let manager = TestManager::on(store, &clock, approval_core::manager::ManagerBuilder::unattended);
    parallel_calls_never_use_one_more_often_than_was_meant(manager.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_calls_never_use_one_more_often_than_was_meant_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("approvals.db")).unwrap();
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    let manager =
        TestManager::on(Arc::new(store), &clock, approval_core::manager::ManagerBuilder::unattended);
    parallel_calls_never_use_one_more_often_than_was_meant(manager.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_calls_never_use_one_more_often_than_was_meant_on_postgres() {
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    let store = approval_tests::postgres::Place::new().open(Arc::new(clock.clone())).await;
    let manager = TestManager::on(store, &clock, approval_core::manager::ManagerBuilder::unattended);
    parallel_calls_never_use_one_more_often_than_was_meant(manager.unwrap()).await;
}

#[tokio::test]
async fn it_runs_out_and_can_be_taken_back() {
    let manager = unattended();
    stand(&manager, terms().lasting(seconds(600))).await;
    let standing = manager.standing_approvals().await.unwrap().remove(0);
    let decider = manager.decider("test");
    let (refused, text) =
        error(decider.withdraw_standing(standing.request, standing.id, &person(BOB), "no").await);
    assert!(matches!(refused, ApprovalError::Refused { .. }), "{text}");
    manager.withdraw_standing(standing.id, &person(BOB), "an operator says no").await.unwrap();
    let pending = manager.request(call()).await.unwrap();
    assert_eq!(pending.request().await.unwrap().status, Status::Pending);
    let history = manager.history(standing.request).await.unwrap();
    assert!(history.last().unwrap().text.contains("an operator says no"));
    manager.verify_history(standing.request).await.unwrap();

    stand(&manager, terms().lasting(seconds(600))).await;
    manager.advance(seconds(600)).await;
    let pending = manager.request(call()).await.unwrap();
    assert_eq!(pending.request().await.unwrap().status, Status::Pending, "it ran out");
}

#[tokio::test]
async fn a_rejected_call_is_covered_no_more_by_another_process_either() {
    let manager = unattended();
    let open = manager.request(call()).await.unwrap();
    stand(&manager, terms()).await;
    let other = manager.another(approval_core::manager::ManagerBuilder::unattended).unwrap();
    assert_eq!(other.request(call()).await.unwrap().request().await.unwrap().status, Status::Approved);
    manager.reject(open.id(), BOB, "not this one").await.unwrap();
    assert_eq!(other.request(call()).await.unwrap().request().await.unwrap().status, Status::Pending);
    assert!(manager.standing_approvals().await.unwrap()[0].withdrawn.is_some());
}

#[tokio::test]
async fn a_halt_stops_what_is_covered_too() {
    let manager = unattended();
    stand(&manager, terms()).await;
    manager.halt(approval_core::model::HaltScope::Everything, &person(BOB), "stop").await.unwrap();
    let (refused, text) = error(manager.request(call()).await);
    assert!(matches!(refused, ApprovalError::Halted { .. }), "{text}");
}
