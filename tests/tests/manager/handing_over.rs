//! 202 now, go on later: a worker runs what was approved while nobody waited.

use std::sync::{Arc, Mutex};

use approval_core::{ApprovalError, RequestId, manager::ManagerBuilder, model::ExecutionState};
use approval_testkit::TestManager;
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::common::{ANN, call, call_with, seconds, soon, unattended};

#[derive(Debug, Deserialize)]
struct Refund {
    cents: u64,
}

async fn state(manager: &TestManager, id: RequestId) -> ExecutionState {
    manager.get(id).await.unwrap().execution.as_ref().unwrap().state()
}

/// An approved request that nobody waits for.
async fn approved(manager: &TestManager) -> RequestId {
    let id = manager.request(call()).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    id
}

async fn until(manager: &TestManager, id: RequestId, wanted: ExecutionState) {
    let reached = manager
        .until(id, |request| request.execution.as_ref().is_some_and(|execution| execution.state() == wanted));
    reached.await.unwrap();
}

#[tokio::test]
async fn what_was_approved_before_and_after_runs_once_with_typed_arguments_and_its_grant() {
    let manager = unattended();
    let before = approved(&manager).await;
    let (ran, mut runs) = mpsc::unbounded_channel();
    let worker = manager.on_approved(call().spec(), move |refund: Refund, grant| {
        ran.send((grant.request().id, refund.cents, grant.approvers().len())).unwrap();
        async { Ok::<_, String>(()) }
    });
    assert_eq!(soon(runs.recv()).await, Some((before, 500, 1)));
    let after = approved(&manager).await;
    assert_eq!(soon(runs.recv()).await, Some((after, 500, 1)));
    until(&manager, after, ExecutionState::Succeeded).await;
    soon(worker.stop()).await;
    let late = approved(&manager).await;
    manager.advance(seconds(60)).await;
    assert_eq!(state(&manager, late).await, ExecutionState::NotStarted);
    assert!(runs.try_recv().is_err());
}

#[tokio::test]
async fn of_two_processes_one_runs_it() {
    let manager = unattended();
    let other = manager.another(ManagerBuilder::unattended).unwrap();
    let runs = Arc::new(Mutex::new(Vec::new()));
    let worker = |manager: &TestManager| {
        let runs = Arc::clone(&runs);
        manager.on_approved(call().spec(), move |_: Refund, grant| {
            runs.lock().unwrap().push(grant.request().id);
            async { Ok::<_, String>(()) }
        })
    };
    let _workers = [worker(&manager), worker(&other)];
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(approved(&manager).await);
    }
    for id in &ids {
        until(&manager, *id, ExecutionState::Succeeded).await;
    }
    let mut runs = runs.lock().unwrap().clone();
    runs.sort_unstable();
    ids.sort_unstable();
    assert_eq!(runs, ids, "each once");
}

#[tokio::test]
async fn an_error_or_a_panic_is_recorded_and_the_worker_goes_on() {
    let manager = unattended();
    let (first, second, third) =
        (approved(&manager).await, approved(&manager).await, approved(&manager).await);
    let _worker = manager.on_approved(call().spec(), move |_: Refund, grant| async move {
        assert_ne!(grant.request().id, second, "this one panics");
        if grant.request().id == first { Err("the bank is closed") } else { Ok(()) }
    });
    until(&manager, first, ExecutionState::Failed).await;
    until(&manager, second, ExecutionState::Failed).await;
    until(&manager, third, ExecutionState::Succeeded).await;
}

#[tokio::test]
async fn arguments_of_another_type_do_not_use_the_approval_up() {
    let manager = unattended();
    let id = approved(&manager).await;
    let _worker = manager.on_approved(call().spec(), |_: Vec<u8>, _| async { Ok::<_, String>(()) });
    manager.advance(seconds(5)).await;
    assert_eq!(state(&manager, id).await, ExecutionState::NotStarted);
}

#[tokio::test]
async fn what_was_revoked_meanwhile_does_not_run() {
    let manager = unattended();
    let id = manager.request(call_with(Ok)).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    manager.revoke(id, &crate::common::person(ANN), "second thoughts").await.unwrap();
    let (ran, mut runs) = mpsc::unbounded_channel();
    let worker = manager.on_approved(call().spec(), move |_: Refund, _| {
        ran.send(()).unwrap();
        async { Ok::<_, ApprovalError>(()) }
    });
    manager.advance(seconds(60)).await;
    soon(worker.stop()).await;
    assert!(runs.try_recv().is_err());
}
