//! An execution is in doubt when its process is lost, and only then (invariant 6).

use approval_core::{
    Action, ApprovalError, RequestId,
    lifecycle::Settlement,
    manager::{Execution, ManagerBuilder},
    model::{EventKind, ExecutionState},
};
use approval_testkit::TestManager;

use crate::common::{ANN, Runs, call, call_with, error, on_outage, person, seconds, soon, unattended};
use crate::outage::{Op, Outage};

/// A call that runs in a process of its own, and that process's store, which can be cut off.
async fn running(action: Action) -> (TestManager, std::sync::Arc<Outage>, RequestId, Execution, TestManager) {
    let (manager, store) = on_outage(ManagerBuilder::unattended);
    let waiting = manager.request(action).await.unwrap();
    let id = waiting.id();
    manager.approve(id, ANN).await.unwrap();
    let execution = soon(waiting).await.unwrap().begin().await.unwrap();
    let watching = TestManager::on(store.inner(), manager.time(), ManagerBuilder::unattended).unwrap();
    (manager, store, id, execution, watching)
}

async fn state(manager: &TestManager, id: RequestId) -> ExecutionState {
    manager.get(id).await.unwrap().execution.as_ref().unwrap().state()
}

/// The process is cut off for longer than its lease lasts.
async fn lose(store: &Outage, watching: &TestManager) {
    store.fail(&[Op::Commit, Op::Record, Op::Records]);
    for _ in 0..8 {
        watching.advance(seconds(10)).await;
    }
}

#[tokio::test]
async fn a_process_that_lives_keeps_its_lease_however_long_the_body_takes() {
    let (manager, _store, id, execution, watching) = running(call()).await;
    for _ in 0..360 {
        watching.advance(seconds(10)).await;
        assert_eq!(state(&watching, id).await, ExecutionState::Executing);
    }
    execution.succeeded(None).await;
    assert_eq!(state(&manager, id).await, ExecutionState::Succeeded);
}

#[tokio::test]
async fn a_lost_process_leaves_its_execution_unknown_and_nobody_runs_it_again() {
    let (_manager, store, id, _execution, watching) = running(call().key("k")).await;
    lose(&store, &watching).await;
    assert_eq!(state(&watching, id).await, ExecutionState::Unknown);
    let runs = Runs::default();
    let (unknown, text) = error(runs.run(&watching, call().key("k")).await);
    assert!(matches!(unknown, ApprovalError::Unknown(_)), "{text}");
    assert!(text.contains("settle the request, and retry it if it failed"), "{text}");
    assert_eq!(unknown.stop_reason().as_str(), "outcome_unknown");
    assert!(error(watching.retry(id).await).1.contains("settle"), "in doubt nothing is tried again");
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn a_late_report_of_the_same_process_counts_until_somebody_settles() {
    let (manager, store, id, execution, watching) = running(call()).await;
    lose(&store, &watching).await;
    assert_eq!(state(&watching, id).await, ExecutionState::Unknown);
    store.heal();
    execution.succeeded(None).await;
    assert_eq!(state(&manager, id).await, ExecutionState::Succeeded);
    let (late, _) = error(manager.settle(id, &person(ANN), Settlement::Failed, None).await);
    assert!(matches!(late, ApprovalError::Refused { .. }), "there is nothing in doubt any more");
}

#[tokio::test]
async fn what_a_person_settled_no_report_changes() {
    let (_manager, store, id, execution, watching) = running(call().key("k")).await;
    lose(&store, &watching).await;
    let note = Some("the bank says no");
    watching.settle(id, &person(ANN), Settlement::Failed, note).await.unwrap();
    store.heal();
    execution.succeeded(None).await;
    watching.advance(seconds(60)).await;
    assert_eq!(state(&watching, id).await, ExecutionState::Failed);
    let history = watching.history(id).await.unwrap();
    let last = history.last().unwrap().event().unwrap();
    assert!(matches!(last.what, EventKind::Settled { .. }) && last.actor == person(ANN));
    // Settled as failed, it may be tried again.
    let successor = watching.retry(id).await.unwrap();
    watching.approve(successor.id(), ANN).await.unwrap();
    let runs = Runs::default();
    assert!(runs.run(&watching, call().key("k")).await.is_ok());
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn settled_as_done_it_counts_as_run() {
    let (_manager, store, id, execution, watching) = running(call().key("k")).await;
    lose(&store, &watching).await;
    watching.settle(id, &person(ANN), Settlement::Succeeded, None).await.unwrap();
    let runs = Runs::default();
    let (ran, _) = error(runs.run(&watching, call().key("k")).await);
    assert!(matches!(ran, ApprovalError::AlreadyRan { state: ExecutionState::Succeeded, .. }));
    assert_eq!(runs.count(), 0);
    drop(execution);
}

#[tokio::test]
async fn what_is_idempotent_is_run_again_without_anybody_settling() {
    let action = || call_with(|action| Ok(action.idempotent())).key("k");
    let (_manager, store, id, execution, watching) = running(action()).await;
    lose(&store, &watching).await;
    let runs = Runs::default();
    assert!(runs.run(&watching, action()).await.is_ok());
    assert_eq!((runs.count(), state(&watching, id).await), (1, ExecutionState::Succeeded));
    // The lost process comes back: its report is about the first run, and changes nothing.
    store.heal();
    execution.failed("the line broke").await;
    assert_eq!(state(&watching, id).await, ExecutionState::Succeeded);
}

#[tokio::test]
async fn whoever_lost_the_lease_begins_nothing_under_it() {
    let (manager, store, id, execution, watching) = running(call()).await;
    lose(&store, &watching).await;
    store.heal();
    // It does not know yet.
    let waiting = manager.request(call()).await.unwrap();
    let next = waiting.id();
    manager.approve(next, ANN).await.unwrap();
    let begun = soon(soon(waiting).await.unwrap().begin()).await.expect("it takes a new lease by itself");
    let executor = |request: &approval_core::model::Request| match request.execution.as_deref() {
        Some(
            approval_core::model::Execution::Executing { executor, .. }
            | approval_core::model::Execution::Unknown { executor, .. },
        ) => *executor,
        _ => panic!("{:?}", request.execution),
    };
    let (old, new) = (watching.get(id).await.unwrap(), watching.get(next).await.unwrap());
    assert_ne!(executor(&old), executor(&new));
    for _ in 0..20 {
        watching.advance(seconds(10)).await;
    }
    assert_eq!(state(&watching, next).await, ExecutionState::Executing, "the new lease is looked after");
    begun.succeeded(None).await;
    drop(execution);
}

#[tokio::test]
async fn a_lease_that_is_lost_while_grants_are_being_spent_costs_nobody_the_grant() {
    let (manager, store, _, execution, watching) = running(call()).await;
    let mut approved = Vec::new();
    for _ in 0..8 {
        let waiting = manager.request(call()).await.unwrap();
        manager.approve(waiting.id(), ANN).await.unwrap();
        approved.push(soon(waiting).await.unwrap());
    }
    // All of them name the old lease, and come to be written when it is gone.
    store.hold(Op::Commit);
    let before = store.calls(Op::Commit);
    let beginning: Vec<_> = approved
        .into_iter()
        .map(|approved| tokio::spawn(async move { approved.begin().await.map(|begun| begun.request().id) }))
        .collect();
    store.until_called(Op::Commit, before + 8).await;
    store.fail(&[Op::Record, Op::Records]);
    for _ in 0..8 {
        watching.advance(seconds(10)).await;
    }
    store.heal();
    for begun in beginning {
        let begun = soon(begun).await.unwrap();
        assert!(begun.is_ok(), "{begun:?}");
    }
    drop(execution);
}

#[tokio::test]
async fn a_shut_down_process_gives_its_lease_back_unless_it_still_executes() {
    let manager = unattended();
    let waiting = manager.request(call()).await.unwrap();
    manager.approve(waiting.id(), ANN).await.unwrap();
    soon(waiting).await.unwrap().begin().await.unwrap().succeeded(None).await;
    let leases = || async { manager.store().records("lease/", None, 10).await.unwrap().len() };
    assert_eq!(leases().await, 1);
    manager.shutdown().await.unwrap();
    assert_eq!(leases().await, 0);

    let (busy, _store, id, execution, watching) = running(call()).await;
    busy.shutdown().await.unwrap();
    assert_eq!(state(&watching, id).await, ExecutionState::Executing, "its end may still be reported");
    execution.succeeded(None).await;
    assert_eq!(state(&watching, id).await, ExecutionState::Succeeded);
}

#[tokio::test]
async fn an_end_that_cannot_be_recorded_is_tried_again_and_the_caller_has_its_value() {
    let (manager, store, id, execution, _watching) = running(call()).await;
    store.fail(&[Op::Commit]);
    soon(execution.succeeded(None)).await;
    assert_eq!(state(&manager, id).await, ExecutionState::Executing);
    manager.advance(seconds(1)).await;
    store.heal();
    manager.advance(seconds(10)).await;
    assert_eq!(state(&manager, id).await, ExecutionState::Succeeded);
}
