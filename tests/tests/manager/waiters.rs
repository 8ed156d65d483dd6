//! No wake-up is lost (invariant 3).

use std::{future::Future as _, task::Context};

use approval_core::{ApprovalError, model::Status};
use approval_testkit::{ApproveAll, TestManager};
use futures_util::{FutureExt as _, future::join_all, task::noop_waker_ref};

use crate::{
    common::{ANN, BOB, call, call_with, on_outage, seconds, soon, unattended},
    outage::Op,
};

#[tokio::test]
async fn a_decision_before_the_first_look_is_seen() {
    let manager = unattended();
    let waiting = manager.request(call()).await.unwrap();
    manager.approve(waiting.id(), ANN).await.unwrap();
    assert!(soon(waiting).await.is_ok());
}

#[tokio::test]
async fn a_decision_while_somebody_waits_wakes_them() {
    let manager = unattended();
    let mut waiting = manager.request(call()).await.unwrap();
    assert!((&mut waiting).now_or_never().is_none());
    manager.reject(waiting.id(), ANN, "no").await.unwrap();
    let woken = tokio::spawn(waiting);
    assert!(matches!(soon(woken).await.unwrap(), Err(ApprovalError::Rejected(_))));
}

#[tokio::test]
async fn a_decision_before_attaching_is_seen() {
    let manager = unattended();
    let id = manager.request(call()).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    assert!(soon(manager.attach(id).await.unwrap()).await.is_ok());
}

#[tokio::test]
async fn a_decision_of_another_process_is_seen() {
    let asking = unattended();
    let deciding = asking.another(approval_core::manager::ManagerBuilder::unattended).unwrap();
    // Before it is waited for, while it is waited for, and after the other process attached.
    let before = asking.request(call()).await.unwrap();
    deciding.approve(before.id(), ANN).await.unwrap();
    assert!(soon(before).await.is_ok());

    let during = asking.request(call()).await.unwrap();
    let id = during.id();
    let during = tokio::spawn(during);
    tokio::task::yield_now().await;
    deciding.approve(id, ANN).await.unwrap();
    assert!(soon(during).await.unwrap().is_ok());

    let here = asking.request(call()).await.unwrap();
    let there = deciding.attach(here.id()).await.unwrap();
    let (here, there) = (tokio::spawn(here), tokio::spawn(there));
    tokio::task::yield_now().await;
    let id = deciding.next_request().await.unwrap().id;
    assert!(deciding.get(id).await.is_ok());
    for stored in deciding.list(&approval_core::store::Query::default()).await.unwrap().items {
        if stored.request.status.is_open() {
            deciding.reject(stored.request.id, BOB, "no").await.unwrap();
        }
    }
    for result in [soon(here).await.unwrap(), soon(there).await.unwrap()] {
        assert!(matches!(result, Err(ApprovalError::Rejected(_))));
    }
}

#[tokio::test]
async fn everybody_who_waits_for_one_request_wakes() {
    let manager = unattended();
    let first = manager.request(call()).await.unwrap();
    let id = first.id();
    let others = join_all((0..50).map(|_| manager.attach(id))).await;
    let all: Vec<_> = others.into_iter().map(|other| tokio::spawn(other.unwrap())).collect();
    let first = tokio::spawn(first);
    manager.time().settle().await;
    assert_eq!(manager.waiting(), 51);
    manager.approve(id, ANN).await.unwrap();
    assert!(soon(first).await.unwrap().is_ok());
    assert!(soon(join_all(all)).await.into_iter().all(|result| result.unwrap().is_ok()));
    assert_eq!(manager.waiting(), 0, "nobody is left in the registry");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_in_a_race() {
    let manager = std::sync::Arc::new(unattended());
    let other = manager.another(approval_core::manager::ManagerBuilder::unattended).unwrap();
    let other = std::sync::Arc::new(other);
    let rounds = (0..500).map(|round| {
        let (asking, deciding) = if round % 2 == 0 {
            (manager.clone(), other.clone())
        } else {
            (manager.clone(), manager.clone())
        };
        async move {
            let waiting = asking.request(call()).await.unwrap();
            let id = waiting.id();
            let attaching = asking.clone();
            let attached = tokio::spawn(async move { attaching.attach(id).await.unwrap().await });
            let voting = tokio::spawn(async move { deciding.approve(id, ANN).await });
            let waiting = tokio::spawn(waiting);
            assert!(soon(voting).await.unwrap().is_ok());
            assert!(soon(waiting).await.unwrap().is_ok());
            assert!(soon(attached).await.unwrap().is_ok());
        }
    });
    join_all(rounds).await;
}

#[tokio::test]
async fn waiting_costs_no_calls_of_the_store() {
    let (manager, store) = on_outage(approval_core::manager::ManagerBuilder::unattended);
    let mut waiting = Vec::new();
    for _ in 0..1_000 {
        waiting.push(tokio::spawn(manager.request(call()).await.unwrap()));
    }
    manager.time().settle().await;
    assert_eq!(manager.waiting(), 1_000);
    let before = (store.calls(Op::Load), store.all_calls());
    // Ten minutes in which nothing happens: only the workers look now and then, however many wait.
    for _ in 0..60 {
        manager.advance(seconds(10)).await;
    }
    let after = (store.calls(Op::Load), store.all_calls());
    assert_eq!(before.0, after.0, "nobody asked for a request");
    assert!(after.1 - before.1 < 1_000, "{} calls in ten minutes", after.1 - before.1);
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn patience_ends_and_the_request_lives_on() {
    let manager = unattended();
    let impatient = manager.request(call_with(|action| Ok(action.wait(seconds(30)))).key("k")).await.unwrap();
    let id = impatient.id();
    let impatient = tokio::spawn(impatient);
    manager.advance(seconds(29)).await;
    assert!(!impatient.is_finished());
    manager.advance(seconds(1)).await;
    let error = soon(impatient).await.unwrap().unwrap_err();
    assert!(matches!(&error, ApprovalError::Pending(about) if about.request == id), "{error}");
    assert_eq!(manager.get(id).await.unwrap().status, Status::Pending);
    manager.approve(id, ANN).await.unwrap();
    assert!(soon(manager.attach(id).await.unwrap()).await.is_ok());
}

#[tokio::test]
async fn a_decision_goes_before_the_end_of_patience() {
    let manager = unattended();
    let mut waiting = manager.request(call()).await.unwrap().within(seconds(30));
    let mut context = Context::from_waker(noop_waker_ref());
    assert!(std::pin::Pin::new(&mut waiting).poll(&mut context).is_pending());
    manager.approve(waiting.id(), ANN).await.unwrap();
    manager.time().advance(seconds(60));
    assert!(soon(waiting).await.is_ok());
}

#[tokio::test]
async fn events_are_told_one_by_one_and_the_result_after_them() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let mut waiting = manager.request(call_with(|action| action.require(1, [ANN]))).await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = soon(waiting.next_event()).await.unwrap() {
        told.push(event.seq);
    }
    let history = manager.history(waiting.id()).await.unwrap();
    assert_eq!(told, history.iter().map(|line| line.seq).collect::<Vec<_>>());
    assert!(told.len() >= 3, "{told:?}");
    assert!(soon(waiting).await.is_ok(), "the events do not use up the decision");
}

#[tokio::test]
async fn there_is_no_such_request() {
    let manager = unattended();
    let unknown = approval_core::RequestId::generate(approval_core::Clock::now(manager.time()));
    assert!(
        matches!(manager.attach(unknown).await.unwrap_err(), ApprovalError::NotFound(id) if id == unknown)
    );
}
