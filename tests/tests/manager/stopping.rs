//! A manager that was shut down says so, starts nothing, and loses nothing.

use std::sync::Arc;

use approval_core::{
    ApprovalError, ApprovalManager,
    manager::ManagerBuilder,
    model::{Ballot, ExecutionState, Risk, Status},
    policy::Ruling,
    store::{JournalLine, MemoryStore},
};
use approval_testkit::TestManager;

use crate::common::{ANN, EVE, Runs, call, call_with, error, on_outage, person, seconds, soon, unattended};
use crate::outage::Op;

fn allowing() -> TestManager {
    TestManager::with(|builder| builder.unattended().policy_fn(|_| Ruling::allow())).unwrap()
}

/// The refused attempts in the journal: who, and how often.
async fn refused(manager: &TestManager) -> Vec<(String, u64)> {
    let lines = manager.store().read_journal(0, 1000).await.unwrap();
    let refused = lines.into_iter().filter_map(|entry| match entry.line {
        JournalLine::Refused { by, count, .. } => Some((by.to_string(), count)),
        _ => None,
    });
    refused.collect()
}

#[tokio::test]
async fn after_a_shutdown_no_call_opens_or_runs_anything() {
    let manager = unattended();
    let approved = manager.request(call()).await.unwrap();
    manager.approve(approved.id(), ANN).await.unwrap();
    let approved = soon(approved).await.unwrap();
    soon(manager.shutdown()).await.unwrap();

    let runs = Runs::default();
    let (shut_down, text) = error(soon(runs.run(&manager, call())).await);
    assert!(matches!(shut_down, ApprovalError::ShutDown), "{text}");
    assert!(text.contains("was shut down; nothing was run"), "{text}");
    assert!(matches!(error(soon(manager.request(call())).await).0, ApprovalError::ShutDown));
    let question = manager.ask::<bool>("Shall I go on?").to([ANN]);
    assert!(matches!(error(soon(question.open()).await).0, ApprovalError::ShutDown));
    assert!(matches!(error(soon(approved.begin()).await).0, ApprovalError::ShutDown));
    assert!(matches!(error(soon(manager.retry(approved.request().id)).await).0, ApprovalError::ShutDown));
    assert_eq!(runs.count(), 0);

    let allowing = allowing();
    soon(allowing.shutdown()).await.unwrap();
    assert!(matches!(error(soon(runs.run(&allowing, call())).await).0, ApprovalError::ShutDown));
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn a_shutdown_ends_every_wait_and_leaves_the_requests_as_they_are() {
    let manager = unattended();
    let patient = call_with(|action| Ok(action.cancel_on_drop()));
    let waiting = manager.request(patient).await.unwrap();
    let mut watching = manager.request(call()).await.unwrap();
    let (id, watched) = (waiting.id(), watching.id());
    let waiting = tokio::spawn(waiting);
    assert!(soon(watching.next_event()).await.unwrap().is_some(), "it was opened");
    let watching = tokio::spawn(async move { watching.next_event().await });
    tokio::task::yield_now().await;

    soon(manager.shutdown()).await.unwrap();
    assert!(matches!(error(soon(waiting).await.unwrap()).0, ApprovalError::ShutDown));
    assert!(matches!(error(soon(watching).await.unwrap()).0, ApprovalError::ShutDown));
    let late = manager.attach(id).await.unwrap();
    assert!(matches!(error(soon(late).await).0, ApprovalError::ShutDown));

    let next = manager.another(ManagerBuilder::unattended).unwrap();
    for request in [id, watched] {
        assert_eq!(next.get(request).await.unwrap().status, Status::Pending);
        next.approve(request, ANN).await.unwrap();
        assert!(soon(next.attach(request).await.unwrap()).await.is_ok());
    }
}

#[tokio::test]
async fn a_decision_that_came_before_the_shutdown_is_told_after_it() {
    let manager = unattended();
    let waiting = manager.request(call()).await.unwrap();
    manager.reject(waiting.id(), ANN, "no").await.unwrap();
    soon(manager.shutdown()).await.unwrap();
    assert!(matches!(error(soon(waiting).await).0, ApprovalError::Rejected(_)));
}

#[tokio::test]
async fn a_manager_that_was_shut_down_takes_no_decisions() {
    let manager = unattended();
    let waiting = manager.request(call()).await.unwrap();
    let decider = manager.decider("desk");
    let digest = waiting.request().await.unwrap().revision.digest;
    soon(manager.shutdown()).await.unwrap();
    let vote = decider.vote(waiting.id(), &person(ANN), digest, Ballot::Approve, None).await;
    assert!(matches!(error(vote).0, ApprovalError::ShutDown));
    assert!(manager.get(waiting.id()).await.unwrap().votes.is_empty());
}

#[tokio::test]
async fn a_body_that_runs_while_the_manager_stops_is_recorded() {
    let manager = unattended();
    let waiting = manager.request(call()).await.unwrap();
    let id = waiting.id();
    manager.approve(id, ANN).await.unwrap();
    let execution = soon(waiting).await.unwrap().begin().await.unwrap();
    soon(manager.shutdown()).await.unwrap();
    execution.succeeded(None).await;
    let state = manager.get(id).await.unwrap().execution.as_ref().unwrap().state();
    assert_eq!(state, ExecutionState::Succeeded);
}

#[tokio::test]
async fn an_allowed_call_that_ends_after_the_shutdown_has_its_journal_line() {
    let manager = allowing();
    let low = call_with(|action| Ok(action.risk(Risk::Low)));
    let right = manager.authorize(low).await.unwrap();
    let arguments = right.arguments().clone();
    let running = right.begin(arguments).await.unwrap();
    let dropped = {
        let right = manager.authorize(call_with(|action| Ok(action.risk(Risk::Low)))).await.unwrap();
        let arguments = right.arguments().clone();
        right.begin(arguments).await.unwrap()
    };
    soon(manager.shutdown()).await.unwrap();
    running.succeeded(None).await;
    drop(dropped);
    soon(async {
        while manager.store().read_journal(0, 10).await.unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_twice_is_harmless() {
    let store = Arc::new(MemoryStore::new());
    let manager = ApprovalManager::builder().shared_store(store).unattended().build().unwrap();
    soon(manager.shutdown()).await.unwrap();
    soon(manager.shutdown()).await.unwrap();
}

#[tokio::test]
async fn refused_attempts_that_could_not_be_written_are_written_later() {
    let (manager, store) = on_outage(ManagerBuilder::unattended);
    let waiting = manager.request(call()).await.unwrap();
    store.fail(&[Op::AppendJournal]);
    for failures in 1..=2 {
        assert!(manager.approve(waiting.id(), EVE).await.is_err());
        soon(async {
            while store.calls(Op::AppendJournal) < failures {
                manager.advance(seconds(1)).await;
            }
        })
        .await;
    }
    assert_eq!(refused(&manager).await, []);
    store.heal();
    soon(async {
        while refused(&manager).await.is_empty() {
            manager.advance(seconds(1)).await;
        }
    })
    .await;
    assert_eq!(refused(&manager).await, [(EVE.to_owned(), 2)]);
}

#[tokio::test]
async fn a_shutdown_that_cannot_write_says_so_and_can_be_repeated() {
    let (manager, store) = on_outage(ManagerBuilder::unattended);
    let waiting = manager.request(call()).await.unwrap();
    store.fail(&[Op::AppendJournal]);
    assert!(manager.approve(waiting.id(), EVE).await.is_err());
    assert!(error(soon(manager.shutdown()).await).1.contains("AppendJournal is out of order"));
    store.heal();
    soon(manager.shutdown()).await.unwrap();
    assert_eq!(refused(&manager).await, [(EVE.to_owned(), 1)]);
}
