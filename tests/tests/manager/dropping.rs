//! What dropping a future leaves behind (invariant 7).

use std::{future::Future as _, pin::Pin, task::Context};

use approval_core::{
    ApprovalError,
    manager::ManagerBuilder,
    model::{Execution, ExecutionState, Request, Risk, Status},
    policy::Ruling,
    store::{JournalLine, Query},
};
use approval_testkit::TestManager;
use futures_util::{FutureExt as _, task::noop_waker_ref};
use serde_json::Value;

use crate::common::{ANN, Runs, call, call_with, error, on_outage, ruled, seconds, soon, unattended};
use crate::outage::Op;

async fn state(manager: &TestManager, id: approval_core::RequestId) -> Option<ExecutionState> {
    manager.get(id).await.unwrap().execution.as_deref().map(Execution::state)
}

#[tokio::test]
async fn dropping_a_waiting_future_leaves_the_request_as_it_was() {
    let manager = unattended();
    let mut waiting = manager.request(call()).await.unwrap();
    assert!((&mut waiting).now_or_never().is_none());
    let (id, before) = (waiting.id(), waiting.request().await.unwrap());
    drop(waiting);
    manager.time().settle().await;
    assert_eq!(manager.get(id).await.unwrap(), before);
    assert_eq!(manager.waiting(), 0);
    manager.approve(id, ANN).await.unwrap();
    assert!(soon(manager.attach(id).await.unwrap()).await.is_ok());
}

#[tokio::test]
async fn a_caller_with_a_time_limit_of_its_own_does_not_deny_anything() {
    let manager = unattended();
    let runs = Runs::default();
    let running = runs.spawn(&manager, call().key("k"));
    let id = manager.next_request().await.unwrap().id;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert_eq!(manager.get(id).await.unwrap().status, Status::Pending);
    let again = runs.spawn(&manager, call().key("k"));
    manager.approve(id, ANN).await.unwrap();
    assert!(soon(again).await.unwrap().is_ok());
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn with_cancel_on_drop_the_request_is_taken_back() {
    let manager = unattended();
    let waiting = manager.request(call_with(|action| Ok(action.cancel_on_drop()))).await.unwrap();
    let id = waiting.id();
    drop(waiting);
    let cancelled = manager.until(id, |request| !request.status.is_open()).await.unwrap();
    assert_eq!(cancelled.status, Status::Cancelled);
    let reason = cancelled.decision.as_ref().unwrap().reason.clone();
    assert_eq!(reason.as_deref(), Some("the caller stopped waiting"));
}

#[tokio::test]
async fn cancel_on_drop_cancels_nothing_that_was_let_go_or_ended() {
    let manager = unattended();
    let careful = || call_with(|action| Ok(action.cancel_on_drop()));
    let detached = manager.request(careful()).await.unwrap().detach();
    let impatient = manager.request(careful()).await.unwrap().within(seconds(0));
    let pending = error(soon(impatient).await).0.request().unwrap();
    let approved = manager.request(careful()).await.unwrap();
    let decided = approved.id();
    manager.approve(decided, ANN).await.unwrap();
    drop(soon(approved).await.unwrap());
    manager.time().settle().await;
    assert_eq!(manager.get(detached).await.unwrap().status, Status::Pending);
    assert_eq!(manager.get(pending).await.unwrap().status, Status::Pending);
    assert_eq!(manager.get(decided).await.unwrap().status, Status::Approved);
}

#[tokio::test]
async fn a_body_that_is_dropped_half_way_is_unknown() {
    let manager = TestManager::new(approval_testkit::ApproveAll::new()).unwrap();
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let running = {
        let manager = (*manager).clone();
        tokio::spawn(async move {
            let body = async |_, _| {
                began.send(()).unwrap();
                std::future::pending::<()>().await;
                Ok::<Value, ApprovalError>(Value::Null)
            };
            manager.guard(call()).run(body).await
        })
    };
    soon(has_begun).await.unwrap();
    let id = manager.next_request().await.unwrap().id;
    assert_eq!(state(&manager, id).await, Some(ExecutionState::Executing));
    running.abort();
    let over = |request: &Request| {
        request.execution.as_ref().is_some_and(|execution| execution.state() != ExecutionState::Executing)
    };
    let over = manager.until(id, over).await.unwrap();
    let Some(Execution::Unknown { why, .. }) = over.execution.as_deref() else {
        panic!("{:?}", over.execution)
    };
    assert!(why.contains("dropped before it ended"), "{why}");
}

#[tokio::test]
async fn a_grant_that_is_dropped_before_the_body_began_is_failed_and_not_started() {
    let manager = unattended();
    let waiting = manager.request(call()).await.unwrap();
    let id = waiting.id();
    manager.approve(id, ANN).await.unwrap();
    drop(soon(waiting).await.unwrap().begin().await.unwrap());
    let over = manager
        .until(id, |request| matches!(request.execution.as_deref(), Some(Execution::Failed { .. })))
        .await
        .unwrap();
    assert!(
        matches!(over.execution.as_deref(), Some(Execution::Failed { started: false, .. })),
        "{:?}",
        over.execution
    );
}

/// How calls that the policy allowed without a request ended, once there are so many.
async fn journaled(manager: &TestManager, count: usize) -> Vec<(String, String)> {
    soon(async {
        while manager.journal().await.unwrap().len() < count {
            manager.advance(seconds(1)).await;
        }
    })
    .await;
    let ended = |line| match line {
        JournalLine::Call { outcome, why, .. } => {
            (outcome.to_string(), why.map(|why| why.to_string()).unwrap_or_default())
        }
        other => panic!("{other:?}"),
    };
    manager.journal().await.unwrap().into_iter().map(ended).collect()
}

#[tokio::test]
async fn what_is_begun_step_by_step_and_dropped_is_unknown_once_it_says_that_the_body_begins() {
    let low = || call_with(|action| Ok(action.risk(Risk::Low)));
    let approving = TestManager::new(approval_testkit::ApproveAll::new()).unwrap();
    let (allowing, _) = ruled(Ruling::allow());
    for starts in [false, true] {
        for manager in [&approving, &allowing] {
            let right = manager.authorize(low()).await.unwrap();
            let arguments = right.arguments().clone();
            let mut running = right.begin(arguments).await.unwrap();
            if starts {
                running.start();
            }
            let id = running.request().map(|request| request.id);
            drop(running);
            let Some(id) = id else { continue };
            let ended = |request: &Request| {
                request.execution.as_ref().is_some_and(|one| one.state() != ExecutionState::Executing)
            };
            let ended = manager.until(id, ended).await.unwrap();
            match ended.execution.as_deref() {
                Some(Execution::Unknown { why, .. }) if starts => {
                    assert!(why.contains("dropped before it ended"), "{why}");
                }
                Some(Execution::Failed { started: false, .. }) if !starts => {}
                other => panic!("started: {starts}, {other:?}"),
            }
        }
    }
    let [(failed, not_begun), (unknown, dropped)] = journaled(&allowing, 2).await.try_into().unwrap();
    assert_eq!((&*failed, &*not_begun), ("failed", "dropped before the body began"));
    assert_eq!(&*unknown, "unknown");
    assert!(dropped.contains("dropped before it ended"), "{dropped}");
}

#[tokio::test]
async fn a_body_that_panics_has_failed() {
    let manager = TestManager::new(approval_testkit::ApproveAll::new()).unwrap();
    let running = {
        let manager = (*manager).clone();
        let body = async |_, _| -> Result<Value, ApprovalError> { panic!("on purpose") };
        tokio::spawn(async move { manager.guard(call()).run(body).await })
    };
    assert!(soon(running).await.unwrap_err().is_panic(), "the panic goes on to the caller");
    let id = manager.next_request().await.unwrap().id;
    let over = manager
        .until(id, |request| matches!(request.execution.as_deref(), Some(Execution::Failed { .. })))
        .await
        .unwrap();
    assert!(
        matches!(over.execution.as_deref(), Some(Execution::Failed { started: true, .. })),
        "{:?}",
        over.execution
    );
}

#[tokio::test]
async fn a_caller_that_goes_away_while_the_end_is_recorded_does_not_lose_the_record() {
    let (manager, store) = on_outage(|builder| builder.notifier(approval_testkit::ApproveAll::new()));
    let (ran, has_run) = tokio::sync::oneshot::channel();
    let running = {
        let (manager, store) = ((*manager).clone(), store.clone());
        tokio::spawn(async move {
            let body = async |_, _| {
                store.hold(Op::Commit);
                ran.send(()).unwrap();
                Ok::<Value, ApprovalError>(Value::Null)
            };
            manager.guard(call()).run(body).await
        })
    };
    soon(has_run).await.unwrap();
    let id = manager.next_request().await.unwrap().id;
    manager.time().settle().await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    store.heal();
    let over = |request: &Request| {
        request.execution.as_ref().is_some_and(|execution| execution.state() == ExecutionState::Succeeded)
    };
    manager.until(id, over).await.unwrap();
}

/// Polls a future `polls` times, letting others run in between; then drops it.
async fn drop_after<F: Future>(work: F, polls: usize) -> bool {
    let mut work = Box::pin(work);
    for _ in 0..polls {
        let mut context = Context::from_waker(noop_waker_ref());
        if Pin::new(&mut work).as_mut().poll(&mut context).is_ready() {
            return true;
        }
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }
    false
}

#[tokio::test]
async fn wherever_a_call_is_dropped_no_spent_grant_is_left_without_an_owner() {
    let mut seen = std::collections::BTreeSet::new();
    for polls in 0..200 {
        let (manager, store) = on_outage(|builder| builder.notifier(approval_testkit::ApproveAll::new()));
        store.give_way();
        let runs = Runs::default();
        let ended = drop_after(runs.run(&manager, call().key("k")), polls).await;
        // Whoever was in the middle of something finishes it.
        for _ in 0..50 {
            manager.time().settle().await;
        }
        store.heal();
        let page = manager.list(&Query::default()).await.unwrap();
        assert!(page.items.len() <= 1);
        let state = page.items.first().map(|stored| {
            let request = &stored.request;
            (request.status, request.execution.as_deref().map(Execution::state))
        });
        let allowed = match state {
            None | Some((Status::Pending, None) | (Status::Approved, Some(ExecutionState::NotStarted))) => {
                runs.count() == 0
            }
            Some((Status::Approved, Some(ExecutionState::Failed))) => runs.count() == 0,
            Some((Status::Approved, Some(ExecutionState::Succeeded | ExecutionState::Unknown))) => {
                runs.count() == 1
            }
            _ => false,
        };
        assert!(allowed, "dropped after {polls} polls: {state:?}, the body ran {} times", runs.count());
        seen.insert(format!("{state:?}"));
        if ended {
            break;
        }
        // Called again, it goes on from there, and the body never runs twice.
        let again = soon(runs.run(&manager, call().key("k"))).await;
        assert!(runs.count() <= 1, "dropped after {polls} polls: it ran twice");
        assert!(
            again.is_ok()
                || matches!(again, Err(ApprovalError::AlreadyRan { .. } | ApprovalError::Unknown(_)))
        );
    }
    assert!(seen.len() >= 4, "the drops met only {seen:?}");
}

#[tokio::test]
async fn dropping_a_request_that_is_being_opened_with_cancel_on_drop_leaves_nothing_open() {
    for polls in 0..60 {
        let (manager, store) = on_outage(ManagerBuilder::unattended);
        store.give_way();
        let action = call_with(|action| Ok(action.cancel_on_drop()));
        let ended = drop_after(async { manager.request(action).await.unwrap().await }, polls).await;
        assert!(!ended, "nobody decides");
        for _ in 0..20 {
            manager.time().settle().await;
        }
        store.heal();
        let page = manager.list(&Query::default()).await.unwrap();
        let open = page.items.iter().filter(|stored| stored.request.status.is_open()).count();
        assert_eq!(open, 0, "dropped after {polls} polls");
    }
}
