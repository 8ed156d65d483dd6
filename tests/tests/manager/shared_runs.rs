//! Several calls that share one request: who runs the body, who waits for it, and what each of them gets.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use approval_core::{
    Action, ApprovalError, ApprovalManager,
    manager::ManagerBuilder,
    model::{ActionName, ExecutionState, Gate, HaltScope, canonical::to_canonical},
    policy::Ruling,
    store::Query,
};
use approval_testkit::{ApproveAll, TestManager};
use futures_util::future::{join_all, select_all};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{
    common::{ANN, BOB, Runs, call, call_with, error, on_outage, person, seconds, soon, unattended},
    outage::Op,
};

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
    assert!(manager.list(&Query::default()).await.unwrap().items.is_empty());
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
    assert_eq!(manager.list(&Query::default()).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_repeated_report_of_an_earlier_run_ends_no_later_run() {
    let (manager, store) = on_outage(ManagerBuilder::unattended);
    let opened = manager.request(idempotent()).await.unwrap();
    let id = opened.id();
    manager.approve(id, ANN).await.unwrap();
    let mut first = soon(opened).await.unwrap().begin().await.unwrap();
    first.start();
    // The end is written, but the answer is lost: the report is repeated after a while.
    store.fail_after(Op::Commit);
    first.failed("the bank is closed").await;
    store.heal();
    let (began, begun) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let again = ApprovalManager::clone(&manager);
    let running = tokio::spawn(async move { held(&again, idempotent(), began, ended).await });
    soon(begun).await.unwrap();
    let loads = store.calls(Op::Load);
    manager.advance(seconds(1)).await;
    store.until_called(Op::Load, loads + 1).await;
    let state = || async { manager.get(id).await.unwrap().execution.as_deref().unwrap().state() };
    assert_eq!(state().await, ExecutionState::Executing, "the second run goes on");
    end.send(Ok(json!("paid"))).unwrap();
    assert_eq!(soon(running).await.unwrap().unwrap(), "paid");
    assert_eq!(state().await, ExecutionState::Succeeded);
    manager.verify_history(id).await.unwrap();
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

    // And the other way round.
    let then = || call_with(|action| Ok(action.idempotent())).key("then");
    manager.guard(then()).run(fails).await.unwrap_err();
    let (refused, text) = error(Runs::default().run(&manager, call().key("then")).await);
    assert!(matches!(refused, ApprovalError::AlreadyRan { state: ExecutionState::Failed, .. }), "{text}");
}

#[tokio::test]
async fn a_right_that_another_call_used_in_vain_is_not_given_anew_to_whoever_holds_it() {
    let manager = approving();
    let first = manager.authorize(idempotent()).await.unwrap();
    let second = manager.authorize(idempotent()).await.unwrap();
    let arguments = first.arguments().clone();
    first.begin(arguments.clone()).await.unwrap().failed("closed").await;
    let (ran, text) = error(second.begin(arguments).await);
    assert!(matches!(ran, ApprovalError::AlreadyRan { state: ExecutionState::Failed, .. }), "{text}");
    // The same call made again asks for it.
    soon(Runs::default().run(&manager, idempotent())).await.unwrap();
}

#[tokio::test]
async fn of_two_calls_that_reopen_a_failed_one_at_once_one_runs_and_the_other_waits_for_it() {
    let (manager, store) = on_outage(|builder| builder.notifier(ApproveAll::new()));
    let again = || call_with(|action| Ok(action.idempotent().replay())).key("k");
    let first = manager.authorize(again()).await.unwrap();
    let others = [manager.authorize(again()).await.unwrap(), manager.authorize(again()).await.unwrap()];
    let arguments = first.arguments().clone();
    first.begin(arguments.clone()).await.unwrap().failed("the bank is closed").await;
    // Both find it failed before one of them reopens it.
    let reopening = store.calls(Op::Commit) + 2;
    store.hold(Op::Commit);
    let others = others.map(|right| tokio::spawn(right.begin(arguments.clone())));
    store.until_called(Op::Commit, reopening).await;
    store.heal();
    let (faster, _, mut slower) = soon(select_all(others)).await;
    let running = faster.unwrap().unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let slower = slower.remove(0);
    assert!(!slower.is_finished(), "the slower one waits for the body");
    running.succeeded(Some(to_canonical(&"paid").unwrap())).await;
    let (ran, text) = error(soon(slower).await.unwrap());
    assert!(matches!(ran, ApprovalError::AlreadyRan { state: ExecutionState::Succeeded, .. }), "{text}");
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

fn idempotent() -> Action {
    call_with(|action| Ok(action.idempotent())).key("k")
}

/// Approves an idempotent call whose body fails, or leaves a doubt.
async fn ran(manager: &TestManager, doubt: bool) -> approval_core::RequestId {
    let opened = manager.request(idempotent()).await.unwrap();
    let id = opened.id();
    manager.approve(id, ANN).await.unwrap();
    let mut execution = soon(opened).await.unwrap().begin().await.unwrap();
    execution.start();
    if doubt {
        drop(execution);
    } else {
        execution.failed("the bank is closed").await;
    }
    let over = |request: &approval_core::model::Request| {
        request.execution.as_ref().is_some_and(|one| one.state() != ExecutionState::Executing)
    };
    manager.until(id, over).await.unwrap();
    id
}

/// That the call does not run, and is told what became of it and what to do.
async fn runs_no_more(manager: &TestManager, doubt: bool) {
    let runs = Runs::default();
    let (refused, text) = error(soon(runs.run(manager, idempotent())).await);
    if doubt {
        assert!(matches!(refused, ApprovalError::Unknown(_)), "{text}");
        assert!(text.contains("settle the request"), "{text}");
    } else {
        assert!(matches!(refused, ApprovalError::AlreadyRan { state: ExecutionState::Failed, .. }), "{text}");
    }
    assert!(text.contains("retry"), "{text}");
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn a_person_takes_back_the_right_of_an_idempotent_action_to_run_again() {
    for doubt in [false, true] {
        let manager = unattended();
        let id = ran(&manager, doubt).await;
        let state = manager.get(id).await.unwrap().execution.clone();
        manager.revoke(id, &person(BOB), "paid by hand").await.unwrap();
        runs_no_more(&manager, doubt).await;
        assert_eq!(manager.get(id).await.unwrap().execution, state, "what became of the run stays");
        let history = manager.history(id).await.unwrap();
        assert!(history.last().unwrap().text.contains("paid by hand"), "on record");
        manager.verify_history(id).await.unwrap();
        let (gone, text) = error(manager.revoke(id, &person(BOB), "again").await);
        assert!(matches!(gone, ApprovalError::AlreadyRan { .. } | ApprovalError::Unknown(_)), "{text}");
        // People are asked again only if a person wants it.
        if doubt {
            use approval_core::lifecycle::Settlement;
            manager.settle(id, &person(ANN), Settlement::Failed, None).await.unwrap();
            runs_no_more(&manager, false).await;
        }
        let next = manager.retry(id).await.unwrap();
        manager.approve(next.id(), ANN).await.unwrap();
        let runs = Runs::default();
        soon(runs.run(&manager, idempotent())).await.unwrap();
        assert_eq!(runs.count(), 1);
    }
}

#[tokio::test]
async fn a_halt_takes_back_the_right_of_an_idempotent_action_to_run_again() {
    let covering = HaltScope::Action(ActionName::new("payments.refund").unwrap());
    for scope in [HaltScope::Everything, covering] {
        for doubt in [false, true] {
            let manager = unattended();
            let id = ran(&manager, doubt).await;
            assert_eq!(
                manager.halt(scope.clone(), &person(BOB), "stop").await.unwrap(),
                0,
                "it ended before"
            );
            manager.resume(&scope, &person(BOB)).await.unwrap();
            runs_no_more(&manager, doubt).await;
            manager.verify_history(id).await.unwrap();
        }
    }
    // What runs when the brake is pulled, and fails afterwards.
    let manager = unattended();
    let opened = manager.request(idempotent()).await.unwrap();
    let id = opened.id();
    manager.approve(id, ANN).await.unwrap();
    let execution = soon(opened).await.unwrap().begin().await.unwrap();
    manager.halt(HaltScope::Everything, &person(BOB), "stop").await.unwrap();
    manager.resume(&HaltScope::Everything, &person(BOB)).await.unwrap();
    execution.failed("the bank is closed").await;
    runs_no_more(&manager, false).await;
    // A halt of another action takes nothing back.
    let manager = unattended();
    let id_of_other = ran(&manager, false).await;
    let other = HaltScope::Action(ActionName::new("mail.send").unwrap());
    manager.halt(other, &person(BOB), "stop").await.unwrap();
    soon(Runs::default().run(&manager, idempotent())).await.unwrap();
    assert_ne!(id, id_of_other);
}

#[tokio::test]
async fn what_is_in_doubt_does_not_run_again_after_the_time_of_its_grant() {
    for (minutes, runs_again) in [(14, true), (15, false), (600, false)] {
        let manager = unattended();
        ran(&manager, true).await;
        manager.advance(seconds(minutes * 60)).await;
        if runs_again {
            soon(Runs::default().run(&manager, idempotent())).await.unwrap();
        } else {
            runs_no_more(&manager, true).await;
        }
    }
}

#[tokio::test]
async fn what_was_to_run_again_and_did_not_is_told_as_what_it_was() {
    for revokes in [false, true] {
        let manager = unattended();
        let id = ran(&manager, false).await;
        // The right to run again is given, and not used.
        let authorization = manager.authorize(idempotent()).await.unwrap();
        if revokes {
            manager.revoke(id, &person(ANN), "no").await.unwrap();
        } else {
            manager.advance(seconds(15 * 60)).await;
        }
        drop(authorization);
        runs_no_more(&manager, false).await;
        let other = idempotent().arguments(&json!({"cents": 501})).unwrap();
        let (conflict, text) = error(manager.request(other).await);
        assert!(matches!(conflict, ApprovalError::KeyConflict { .. }), "{text}");
        assert_eq!(manager.list(&Query::default()).await.unwrap().items.len(), 1, "nobody was asked anew");
        let next = manager.retry(id).await.unwrap();
        assert_eq!(manager.get(next.id()).await.unwrap().predecessor, Some(id));
    }
}
