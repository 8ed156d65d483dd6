//! Several calls that share one request: who runs the body, who waits for it, and what each of them gets.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use approval_core::{
    Action, ApprovalError, ApprovalManager,
    model::{ExecutionState, Gate},
    policy::Ruling,
};
use approval_testkit::{ApproveAll, TestManager};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::common::{ANN, Runs, call, call_with, error, seconds, soon, unattended};

fn replayed() -> Action {
    call_with(|action| Ok(action.replay())).key("k")
}

/// A body that says when it began, and ends as it is told.
async fn held(
    manager: &ApprovalManager,
    action: Action,
    began: oneshot::Sender<()>,
    end: oneshot::Receiver<Result<Value, ApprovalError>>,
) -> Result<Value, ApprovalError> {
    let body = async |_, _| {
        began.send(()).unwrap();
        end.await.unwrap()
    };
    manager.guard(action).run(body).await
}

/// Two calls, of which the first runs and ends with `ending`; what the second gets.
async fn second(
    manager: &Arc<TestManager>,
    action: impl Fn() -> Action,
    ending: Result<Value, ApprovalError>,
) -> Result<Value, ApprovalError> {
    let (began, begun) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let (one, first) = (Arc::clone(manager), action());
    let running = tokio::spawn(async move { held(&one, first, began, ended).await });
    soon(begun).await.unwrap();
    let (two, second) = (Arc::clone(manager), action());
    let waiting = tokio::spawn(async move { Runs::default().run(&two, second).await });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "the second waits for the first");
    end.send(ending).unwrap();
    soon(running).await.unwrap().ok();
    soon(waiting).await.unwrap()
}

fn approving() -> Arc<TestManager> {
    Arc::new(TestManager::new(ApproveAll::new()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_calls_that_replay_one_runs_and_all_get_its_result() {
    for _ in 0..20 {
        let manager = approving();
        let runs = Arc::new(AtomicUsize::new(0));
        let all = (0..12).map(|_| {
            let (manager, runs) = (Arc::clone(&manager), Arc::clone(&runs));
            tokio::spawn(async move {
                let body = async |_, _| {
                    let number = runs.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Ok::<_, ApprovalError>(json!({ "number": number }))
                };
                manager.guard(replayed()).run(body).await
            })
        });
        for got in soon(join_all(all)).await {
            assert_eq!(got.unwrap().unwrap(), json!({ "number": 0 }));
        }
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn the_second_call_gets_the_result_of_the_body_that_still_runs() {
    let got = second(&approving(), replayed, Ok(json!("paid"))).await;
    assert_eq!(got.unwrap(), "paid");
}

#[tokio::test]
async fn the_second_call_hears_that_the_first_failed() {
    let refused = second(&approving(), replayed, Err(ApprovalError::NoManager("closed".into()))).await;
    assert!(matches!(refused, Err(ApprovalError::AlreadyRan { state: ExecutionState::Failed, .. })));
}

#[tokio::test]
async fn a_call_that_joined_gets_the_result_of_the_other() {
    let gate = Arc::new(Gate { join_identical: true, ..Gate::only("joined", Vec::new()) });
    let ruling = move |_: &approval_core::policy::Call<'_>| Ruling::Ask {
        rule: "joined".into(),
        gate: Some(Arc::clone(&gate)),
        whole: false,
    };
    let manager = TestManager::with(|builder| builder.unattended().policy_fn(ruling)).unwrap();
    let opened = manager.request(call()).await.unwrap().detach();
    let runs = Arc::new(AtomicUsize::new(0));
    let body = async |_, _| {
        runs.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        Ok::<_, ApprovalError>(json!("paid"))
    };
    let deciding = async {
        while manager.waiting() < 2 {
            tokio::task::yield_now().await;
        }
        manager.approve(opened, ANN).await.unwrap();
    };
    let (one, two, ()) = soon(async {
        tokio::join!(manager.guard(call()).run(body), manager.guard(call()).run(body), deciding)
    })
    .await;
    assert_eq!((one.unwrap(), two.unwrap()), (json!("paid"), json!("paid")));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_call_waits_for_the_body_of_another_no_longer_than_its_patience() {
    let manager = approving();
    let (began, begun) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let patient = || call_with(|action| Ok(action.replay().wait(seconds(30)))).key("k");
    let one = Arc::clone(&manager);
    let running = tokio::spawn(async move { held(&one, patient(), began, ended).await });
    soon(begun).await.unwrap();
    let two = Arc::clone(&manager);
    let waiting = tokio::spawn(async move { Runs::default().run(&two, patient()).await });
    while !waiting.is_finished() {
        manager.advance(seconds(10)).await;
        tokio::task::yield_now().await;
    }
    let refused = waiting.await.unwrap();
    assert!(
        matches!(refused, Err(ApprovalError::AlreadyRan { state: ExecutionState::Executing, .. })),
        "{refused:?}"
    );
    end.send(Ok(json!("paid"))).unwrap();
    assert_eq!(soon(running).await.unwrap().unwrap(), "paid");
}

#[tokio::test]
async fn a_limited_wait_without_a_key_is_refused_before_people_are_asked() {
    let manager = unattended();
    for action in [
        call_with(|action| Ok(action.wait(seconds(30)))),
        call_with(|action| Ok(action.wait(seconds(0)))),
        call_with(|action| Ok(action.suspend())),
    ] {
        let (refused, text) = error(Runs::default().run(&manager, action).await);
        assert!(matches!(refused, ApprovalError::Invalid(_)) && text.contains("no key"), "{text}");
    }
    assert!(manager.list(&approval_core::store::Query::default()).await.unwrap().items.is_empty());
}

/// A body that fails, told of by its result alone.
async fn tool(manager: &ApprovalManager, action: Action, result: Value) -> Result<Value, ApprovalError> {
    let guard = manager.guard(action).failed_if(|result| result["isError"] == true);
    guard.run(async |_, _| Ok(result)).await
}

#[tokio::test]
async fn a_result_that_tells_of_a_failure_is_recorded_as_failed_and_not_replayed() {
    let manager = approving();
    let failed = json!({ "isError": true });
    assert_eq!(tool(&manager, replayed(), failed.clone()).await.unwrap(), failed);
    let (again, text) = error(tool(&manager, replayed(), failed).await);
    assert!(matches!(again, ApprovalError::AlreadyRan { state: ExecutionState::Failed, .. }), "{text}");
    let fine = json!({ "isError": false });
    let other = || call_with(|action| Ok(action.replay())).key("other");
    assert_eq!(tool(&manager, other(), fine.clone()).await.unwrap(), fine);
    assert_eq!(tool(&manager, other(), json!({ "isError": true })).await.unwrap(), fine, "replayed");
}

#[tokio::test]
async fn an_idempotent_call_that_failed_runs_again_under_its_approval_while_the_grant_lives() {
    let manager = unattended();
    let runs = Runs::default();
    let idempotent = || call_with(|action| Ok(action.idempotent())).key("k");
    let opened = manager.request(idempotent()).await.unwrap();
    manager.approve(opened.id(), ANN).await.unwrap();
    for _ in 0..2 {
        let failed: Result<(), ApprovalError> = manager
            .guard(idempotent())
            .run(async |_, _| Err(ApprovalError::NoManager("the bank is closed".into())))
            .await;
        assert!(error(failed).1.contains("the bank is closed"));
    }
    assert_eq!(runs.run(&manager, idempotent()).await.unwrap(), json!({ "cents": 500 }));
    let (again, text) = error(runs.run(&manager, idempotent()).await);
    assert!(matches!(again, ApprovalError::AlreadyRan { state: ExecutionState::Succeeded, .. }), "{text}");
    assert_eq!(manager.list(&approval_core::store::Query::default()).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_failed_call_does_not_run_again_after_its_grant_or_without_being_idempotent() {
    let manager = approving();
    let fails = async |_, _| Err::<Value, _>(ApprovalError::NoManager("closed".into()));
    let idempotent = || call_with(|action| Ok(action.idempotent())).key("k");
    manager.guard(idempotent()).run(fails).await.unwrap_err();
    // The first grant lasts 15 minutes; a second failure gives no longer time.
    manager.advance(seconds(14 * 60)).await;
    manager.guard(idempotent()).run(fails).await.unwrap_err();
    manager.advance(seconds(2 * 60)).await;
    let (late, text) = error(Runs::default().run(&manager, idempotent()).await);
    assert!(matches!(late, ApprovalError::AlreadyRan { state: ExecutionState::Failed, .. }), "{text}");
    assert!(text.contains("retry the request"), "{text}");

    let once = || call().key("once");
    manager.guard(once()).run(fails).await.unwrap_err();
    // Declared idempotent today, but not when people approved it.
    let (refused, _) =
        error(Runs::default().run(&manager, call_with(|action| Ok(action.idempotent())).key("once")).await);
    assert!(matches!(refused, ApprovalError::AlreadyRan { state: ExecutionState::Failed, .. }));
}

#[tokio::test]
async fn a_failed_call_that_is_retried_does_not_run_again_under_the_old_approval() {
    let manager = unattended();
    let idempotent = || call_with(|action| Ok(action.idempotent())).key("k");
    let opened = manager.request(idempotent()).await.unwrap();
    manager.approve(opened.id(), ANN).await.unwrap();
    let fails = async |_, _| Err::<Value, _>(ApprovalError::NoManager("closed".into()));
    manager.guard(idempotent()).run(fails).await.unwrap_err();
    let successor = manager.retry(opened.id()).await.unwrap();
    let patient = call_with(|action| Ok(action.idempotent().wait(seconds(0)))).key("k");
    let (pending, text) = error(Runs::default().run(&manager, patient).await);
    assert!(matches!(pending, ApprovalError::Pending(_)), "{text}");
    assert_eq!(pending.request(), Some(successor.id()));
}
