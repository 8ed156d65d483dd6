//! A request that is opened to follow another one, until it is linked to that: the two never run beside each other.

use std::sync::Arc;

use approval_core::{
    Action, ApprovalError, ApprovalManager, RequestId,
    lifecycle::Refusal,
    manager::ManagerBuilder,
    model::{Execution, ExecutionState, Request, Status, canonical::to_canonical},
    store::{Commit, Document, Expect, Query, RowWrite, Store},
};
use approval_testkit::TestManager;
use serde_json::json;
use tokio::sync::oneshot;

use crate::{
    common::{ANN, BOB, Runs, call_with, error, on_outage, person, soon, unattended},
    outage::{Op, Outage},
};

fn idempotent() -> Action {
    call_with(|action| Ok(action.idempotent())).key("k")
}

/// A call whose first run failed, and that may run again.
async fn failed(manager: &TestManager) -> RequestId {
    let opened = manager.request(idempotent()).await.unwrap();
    let id = opened.id();
    manager.approve(id, ANN).await.unwrap();
    let mut execution = soon(opened).await.unwrap().begin().await.unwrap();
    execution.start();
    execution.failed("the bank is closed").await;
    id
}

/// Another process on the same store, which has no outage.
fn elsewhere(manager: &TestManager, store: &Outage) -> TestManager {
    TestManager::on(store.inner(), manager.time(), ManagerBuilder::unattended).unwrap()
}

/// Changes a stored request behind the back of the lifecycle.
async fn rewrite(store: &dyn Store, id: RequestId, change: impl FnOnce(&mut Request)) {
    let stored = store.load(id).await.unwrap().unwrap();
    let mut request = Request::clone(&stored.request);
    change(&mut request);
    let row =
        RowWrite { expect: Expect::Version(stored.version), document: Document::new(Arc::new(request)) };
    store.commit(Commit { row: Some(row), ..Commit::default() }).await.unwrap();
}

async fn all(manager: &TestManager) -> Vec<Arc<Request>> {
    let page = manager.list(&Query::default()).await.unwrap();
    page.items.into_iter().map(|stored| stored.request).collect()
}

/// The only request besides this one.
async fn other(manager: &TestManager, id: RequestId) -> Arc<Request> {
    let others: Vec<_> = all(manager).await.into_iter().filter(|one| one.id != id).collect();
    assert_eq!(others.len(), 1, "{others:?}");
    Arc::clone(&others[0])
}

async fn state(manager: &TestManager, id: RequestId) -> ExecutionState {
    manager.get(id).await.unwrap().execution.as_deref().unwrap().state()
}

/// A call that failed and ran again while its retry was being written: that one was refused, and its request is cancelled.
async fn overtaken() -> (TestManager, RequestId, RequestId) {
    let (manager, store) = on_outage(ManagerBuilder::unattended);
    let id = failed(&manager).await;
    let retrying = ApprovalManager::clone(&manager);
    let retrying = async move { retrying.retry(id).await };
    let elsewhere = elsewhere(&manager, &store);
    let (began, begun) = oneshot::channel();
    let (end, ended) = oneshot::channel::<()>();
    let again = ApprovalManager::clone(&elsewhere);
    let rerun = async move {
        let body = async |_, _| {
            began.send(()).unwrap();
            ended.await.unwrap();
            Err::<serde_json::Value, _>(ApprovalError::NoManager("still closed".into()))
        };
        again.guard(idempotent()).run(body).await
    };
    let mut running = None;
    let meanwhile = async {
        running = Some(tokio::spawn(rerun));
        soon(begun).await.unwrap();
    };
    let (refused, text) = error(store.overtake(retrying, meanwhile).await);
    assert!(matches!(refused, ApprovalError::AlreadyRan { state: ExecutionState::Executing, .. }), "{text}");
    let successor = other(&elsewhere, id).await;
    assert_eq!((successor.status, successor.predecessor), (Status::Cancelled, Some(id)));
    let reason = successor.decision.as_deref().unwrap().reason.clone().unwrap();
    assert!(reason.contains(&format!("request {id}, which it was to follow, runs again")), "{reason}");
    assert_eq!(elsewhere.get(id).await.unwrap().successor, None);
    end.send(()).unwrap();
    assert!(error(soon(running.unwrap()).await.unwrap()).1.contains("still closed"));
    for id in [id, successor.id] {
        elsewhere.verify_history(id).await.unwrap();
    }
    (elsewhere, id, successor.id)
}

#[tokio::test]
async fn a_retry_that_a_rerun_overtook_is_refused_and_its_request_cancelled() {
    overtaken().await;
}

#[tokio::test]
async fn a_request_that_gave_way_keeps_nothing_from_running_again() {
    let (manager, id, _) = overtaken().await;
    let runs = Runs::default();
    assert_eq!(soon(runs.run(&manager, idempotent())).await.unwrap(), json!({"cents": 500}));
    assert_eq!((runs.count(), state(&manager, id).await), (1, ExecutionState::Succeeded));
}

#[tokio::test]
async fn a_request_that_gave_way_is_followed_by_the_next_retry() {
    let (manager, id, gave_way) = overtaken().await;
    let next = manager.retry(id).await.unwrap().request().await.unwrap();
    assert_eq!((next.status, next.predecessor), (Status::Pending, Some(gave_way)));
    assert_eq!(manager.get(id).await.unwrap().successor, Some(gave_way));
    assert_eq!(manager.get(gave_way).await.unwrap().successor, Some(next.id));
    assert_eq!(manager.retry(id).await.unwrap().id(), next.id);
    manager.approve(next.id, ANN).await.unwrap();
    let runs = Runs::default();
    soon(runs.run(&manager, idempotent())).await.unwrap();
    assert_eq!((runs.count(), state(&manager, next.id).await), (1, ExecutionState::Succeeded));
}

#[tokio::test]
async fn a_retry_whose_opener_was_stopped_keeps_the_request_from_running_again() {
    let (manager, store) = on_outage(ManagerBuilder::unattended);
    let replayed = || call_with(|action| Ok(action.idempotent().replay())).key("k");
    let opened = manager.request(replayed()).await.unwrap();
    let id = opened.id();
    manager.approve(id, ANN).await.unwrap();
    let mut execution = soon(opened).await.unwrap().begin().await.unwrap();
    execution.start();
    // A second call waits for what the first one returns, and looks at its end only after the retry.
    let runs = Runs::default();
    let waiting = runs.spawn(&manager, replayed());
    let loads = store.calls(Op::Load);
    store.until_called(Op::Load, loads + 1).await;
    tokio::task::yield_now().await;
    store.hold(Op::Load);
    execution.failed("the bank is closed").await;
    let elsewhere = elsewhere(&manager, &store);
    let successor = elsewhere.retry(id).await.unwrap().detach();
    // As if that process had been stopped between opening the one and linking the other.
    rewrite(&*store.inner(), id, |request| request.successor = None).await;
    store.heal();
    let (refused, text) = error(soon(waiting).await.unwrap());
    let ApprovalError::Refused { refusal, .. } = &refused else { panic!("{text}") };
    assert_eq!(**refusal, Refusal::AlreadyRetried(successor));
    assert_eq!((runs.count(), manager.get(id).await.unwrap().successor), (0, Some(successor)));
}

#[tokio::test]
async fn a_request_that_is_not_linked_begins_only_once_it_is() {
    for runs_again in [false, true] {
        let manager = unattended();
        let id = failed(&manager).await;
        let successor = manager.retry(id).await.unwrap().detach();
        manager.approve(successor, ANN).await.unwrap();
        rewrite(&**manager.store(), id, |request| {
            request.successor = None;
            if runs_again {
                request.execution = Some(Box::new(Execution::NotStarted));
            }
        })
        .await;
        let manager = manager.another(ManagerBuilder::unattended).unwrap();
        let approved = soon(manager.attach(successor).await.unwrap()).await.unwrap();
        let begun = approved.begin_as(idempotent().spec()).await;
        if runs_again {
            let (refused, text) = error(begun.map(drop));
            assert!(matches!(refused, ApprovalError::Revoked { .. }), "{text}");
            assert!(text.contains("runs again"), "{text}");
            assert_eq!(state(&manager, successor).await, ExecutionState::Revoked);
            let runs = Runs::default();
            soon(runs.run(&manager, idempotent())).await.unwrap();
            assert_eq!((runs.count(), state(&manager, id).await), (1, ExecutionState::Succeeded));
        } else {
            begun.unwrap().succeeded(None).await;
            assert_eq!(manager.get(id).await.unwrap().successor, Some(successor));
        }
    }
}

#[tokio::test]
async fn a_call_under_a_key_that_may_not_follow_is_refused_and_cancelled() {
    let (manager, store) = on_outage(ManagerBuilder::unattended);
    // With a preview its key is looked at before its first commit.
    let previewed = || {
        call_with(|action| Ok(action.preview(|_| async { Ok::<_, String>("what it would do".to_owned()) })))
    };
    let keyed = move |cents: u32| previewed().arguments(&json!({ "cents": cents })).unwrap().key("k");
    let id = manager.request(keyed(500)).await.unwrap().detach();
    manager.reject(id, BOB, "60 EUR at most").await.unwrap();
    let asking = ApprovalManager::clone(&manager);
    let asking = async move { asking.request(keyed(400)).await };
    // Another program changes the request that is followed.
    let inner = store.inner();
    let meanwhile = rewrite(&*inner, id, |request| {
        request.revision.arguments = to_canonical(&json!({"cents": 1})).unwrap();
    });
    let (refused, text) = error(store.overtake(asking, meanwhile).await);
    let ApprovalError::Refused { refusal, .. } = &refused else { panic!("{text}") };
    assert_eq!(**refusal, Refusal::Altered);
    let follower = other(&manager, id).await;
    assert_eq!((follower.status, follower.predecessor), (Status::Cancelled, Some(id)));
    assert!(!follower.decision.as_deref().unwrap().by.contains(&person(BOB)));
}
