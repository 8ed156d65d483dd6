//! Keys of requests that ended without running give way: other calls open a linked successor.

use std::sync::Arc;

use approval_core::{
    Action, ApprovalError, Context,
    manager::ManagerBuilder,
    model::{ExecutionState, HaltScope, Request, Status},
    store::{Commit, Document, Expect, MemoryStore, Query, RowWrite},
};
use approval_store::SqliteStore;
use approval_testkit::{ApproveAll, FakeClock, TestManager};
use futures_util::future::join_all;
use serde_json::json;

use crate::common::{ANN, BOB, CAT, Runs, call_with, error, person, seconds, soon, unattended};

fn refund(cents: u32) -> Action {
    call_with(Ok).arguments(&json!({ "cents": cents })).unwrap().key("A-17")
}

async fn open(manager: &TestManager, cents: u32) -> Arc<Request> {
    manager.request(refund(cents)).await.unwrap().request().await.unwrap()
}

async fn conflicts(manager: &TestManager, cents: u32) {
    let (conflict, text) = error(manager.request(refund(cents)).await);
    assert!(matches!(conflict, ApprovalError::KeyConflict { .. }), "{text}");
}

async fn count(manager: &TestManager) -> usize {
    manager.list(&Query::default()).await.unwrap().items.len()
}

#[tokio::test]
async fn after_a_rejection_other_arguments_open_a_linked_successor() {
    let manager = unattended();
    let first = open(&manager, 8000).await;
    conflicts(&manager, 6000).await;
    manager.reject(first.id, ANN, "60 EUR at most").await.unwrap();
    let second = open(&manager, 6000).await;
    assert_eq!((second.predecessor, second.status), (Some(first.id), Status::Pending));
    assert_eq!(manager.get(first.id).await.unwrap().successor, Some(second.id));
    let follows = second.enclosed.as_deref().unwrap().follows.as_deref().unwrap();
    assert_eq!((follows.request, &*follows.ended), (first.id, "rejected"));
    assert_eq!((&*follows.by, follows.why.as_deref()), (&[person(ANN)][..], Some("60 EUR at most")));
    conflicts(&manager, 8000).await;
    manager.approve(second.id, ANN).await.unwrap();
    conflicts(&manager, 7000).await;
    let runs = Runs::default();
    assert_eq!(runs.run(&manager, refund(6000)).await.unwrap(), json!({"cents": 6000}));
    conflicts(&manager, 8000).await;
    assert!(matches!(error(runs.run(&manager, refund(6000)).await).0, ApprovalError::AlreadyRan { .. }));
    assert_eq!(runs.count(), 1);
    for id in [first.id, second.id] {
        manager.verify_history(id).await.unwrap();
    }
}

#[tokio::test]
async fn the_same_call_gets_a_persons_refusal_again_with_retry_named() {
    let manager = unattended();
    let runs = Runs::default();
    for end in 0..3 {
        let key = format!("key {end}");
        let same = || call_with(Ok).key(key.clone());
        let id = manager.request(same()).await.unwrap().detach();
        match end {
            0 => manager.reject(id, ANN, "no").await.map(drop).unwrap(),
            1 => manager.cancel(id, &person(ANN), "not needed").await.map(drop).unwrap(),
            _ => {
                manager.approve(id, ANN).await.unwrap();
                manager.revoke(id, &person(ANN), "too early").await.unwrap();
            }
        }
        let (again, text) = error(soon(runs.run(&manager, same())).await);
        assert_eq!(again.request(), Some(id), "{text}");
        assert!(text.contains("people were not asked again: retry the request for a new decision"), "{text}");
        let refused = matches!(
            (end, &again),
            (0, ApprovalError::Rejected(_))
                | (1, ApprovalError::Cancelled(_))
                | (2, ApprovalError::Revoked { .. })
        );
        assert!(refused, "{text}");
        let retried = manager.retry(id).await.unwrap().request().await.unwrap();
        assert_eq!((retried.status, retried.predecessor), (Status::Pending, Some(id)));
    }
    assert_eq!((runs.count(), count(&manager).await), (0, 6));
}

#[tokio::test]
async fn the_first_answer_does_not_name_retry() {
    let manager = unattended();
    let waiting = manager.request(refund(8000)).await.unwrap();
    manager.reject(waiting.id(), ANN, "no").await.unwrap();
    let (_, text) = error(soon(waiting).await);
    assert!(text.ends_with("rejected by user:ann@example.com: 'no'; nothing was run"), "{text}");
}

#[tokio::test]
async fn after_expiry_the_same_call_and_others_are_asked_about_anew() {
    let manager = unattended();
    let first = open(&manager, 8000).await;
    manager.advance(seconds(3601)).await;
    let second = open(&manager, 8000).await;
    assert_eq!((second.predecessor, second.status), (Some(first.id), Status::Pending));
    manager.advance(seconds(3601)).await;
    let third = open(&manager, 6000).await;
    assert_eq!((third.predecessor, third.status), (Some(second.id), Status::Pending));
}

#[tokio::test]
async fn a_deadline_that_nobody_noted_yet_has_passed_all_the_same() {
    // Nothing of this manager works in the background.
    let clock = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    let manager = TestManager::on(store, &clock, ManagerBuilder::unattended).unwrap();
    let first = open(&manager, 8000).await;
    clock.advance(seconds(3600));
    let second = open(&manager, 6000).await;
    assert_eq!(second.predecessor, Some(first.id));
    assert_eq!(manager.get(first.id).await.unwrap().status, Status::Expired);
}

#[tokio::test]
async fn an_unused_grant_gives_way_once_it_expired() {
    let manager = unattended();
    let first = open(&manager, 8000).await;
    manager.approve(first.id, ANN).await.unwrap();
    conflicts(&manager, 6000).await;
    manager.advance(seconds(15 * 60 + 1)).await;
    let second = open(&manager, 8000).await;
    assert_eq!(second.predecessor, Some(first.id));
    let first = manager.get(first.id).await.unwrap();
    assert_eq!(first.execution.as_deref().map(|end| end.state()), Some(ExecutionState::GrantExpired));
}

#[tokio::test]
async fn after_a_lifted_halt_the_same_call_is_asked_about_anew() {
    let manager = unattended();
    let pending = open(&manager, 8000).await;
    let unspent = manager.request(call_with(Ok).key("B-1")).await.unwrap().detach();
    manager.approve(unspent, ANN).await.unwrap();
    manager.halt(HaltScope::Everything, &person(BOB), "stop").await.unwrap();
    assert!(matches!(error(manager.request(refund(8000)).await).0, ApprovalError::Halted { .. }));
    manager.resume(&HaltScope::Everything, &person(BOB)).await.unwrap();
    assert_eq!(open(&manager, 8000).await.predecessor, Some(pending.id));
    let again = manager.request(call_with(Ok).key("B-1")).await.unwrap().request().await.unwrap();
    assert_eq!((again.predecessor, again.status), (Some(unspent), Status::Pending));
}

#[tokio::test]
async fn another_person_follows_a_refused_call_and_conflicts_with_a_live_one() {
    let manager = unattended();
    let behind = |who: &str| Context::new().on_behalf_of(who).unwrap();
    let first = behind(BOB).scope(open(&manager, 8000)).await;
    behind(CAT).scope(conflicts(&manager, 8000)).await;
    manager.reject(first.id, ANN, "not for Bob").await.unwrap();
    let second = behind(CAT).scope(open(&manager, 8000)).await;
    assert_eq!(second.predecessor, Some(first.id));
    behind(BOB).scope(conflicts(&manager, 8000)).await;
}

#[tokio::test]
async fn at_most_five_calls_follow_refusals() {
    let manager = unattended();
    for cents in 1..=6 {
        let request = open(&manager, cents).await;
        manager.reject(request.id, ANN, "no").await.unwrap();
    }
    conflicts(&manager, 7).await;
    let (again, text) = error(soon(manager.request(refund(2)).await.unwrap()).await);
    assert!(matches!(again, ApprovalError::Rejected(_)), "{text}");
    assert_eq!(count(&manager).await, 6);
}

#[tokio::test]
async fn a_retry_of_a_call_that_another_followed_asks_for_that_call() {
    let manager = unattended();
    let first = open(&manager, 8000).await;
    manager.reject(first.id, ANN, "no").await.unwrap();
    let second = open(&manager, 6000).await;
    let (conflict, text) = error(manager.retry(first.id).await);
    assert!(matches!(conflict, ApprovalError::KeyConflict { .. }), "{text}");
    manager.reject(second.id, ANN, "no").await.unwrap();
    let third = manager.retry(first.id).await.unwrap().request().await.unwrap();
    assert_eq!(
        (third.predecessor, third.revision.arguments.as_str()),
        (Some(second.id), r#"{"cents":8000}"#)
    );
    assert_eq!(open(&manager, 8000).await.id, third.id);
}

/// Of many calls in several managers on one store, with two sets of arguments, one opens the successor.
async fn one_successor(managers: [TestManager; 2]) {
    let [one, other] = &managers;
    let first = open(one, 8000).await;
    one.reject(first.id, ANN, "no").await.unwrap();
    let calls = (0..24_u32).map(|n| {
        let manager = if n % 2 == 0 { one } else { other };
        async move { manager.request(refund(5000 + n % 3)).await.map(|waiting| waiting.id()) }
    });
    let mut opened = Vec::new();
    for result in soon(join_all(calls)).await {
        match result {
            Ok(id) => opened.push(id),
            Err(ApprovalError::KeyConflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    opened.sort_unstable();
    opened.dedup();
    assert_eq!((opened.len(), count(one).await), (1, 2));
    assert_eq!(one.get(first.id).await.unwrap().successor, Some(opened[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_calls_one_opens_the_successor_in_memory() {
    let clock = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    let one = TestManager::on(store, &clock, ManagerBuilder::unattended).unwrap();
    let other = one.another(ManagerBuilder::unattended).unwrap();
    one_successor([one, other]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_calls_one_opens_the_successor_on_two_stores_of_one_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    let manager = || {
        let store = SqliteStore::open(folder.path().join("approvals.db")).unwrap();
        TestManager::on(Arc::new(store), &clock, ManagerBuilder::unattended).unwrap()
    };
    one_successor([manager(), manager()]).await;
}

#[tokio::test]
async fn a_successor_whose_opener_was_stopped_is_linked_by_the_next_call() {
    let manager = unattended();
    let first = open(&manager, 8000).await;
    manager.reject(first.id, ANN, "no").await.unwrap();
    let second = open(&manager, 6000).await;
    // As if the process had been stopped between opening the one and linking the other.
    let stored = manager.store().load(first.id).await.unwrap().unwrap();
    let mut unlinked = Request::clone(&stored.request);
    unlinked.successor = None;
    let row =
        RowWrite { expect: Expect::Version(stored.version), document: Document::new(Arc::new(unlinked)) };
    manager.store().commit(Commit { row: Some(row), ..Commit::default() }).await.unwrap();
    let manager = manager.another(ManagerBuilder::unattended).unwrap();
    conflicts(&manager, 7000).await;
    assert_eq!(open(&manager, 6000).await.id, second.id);
    assert_eq!((manager.get(first.id).await.unwrap().successor, count(&manager).await), (Some(second.id), 2));
}

#[tokio::test]
async fn a_preview_is_computed_for_a_successor() {
    let manager = unattended();
    let previewed = |cents: u32| {
        call_with(|action| Ok(action.preview(async |_| Ok::<_, std::io::Error>("47 rows"))))
            .arguments(&json!({ "cents": cents }))
            .unwrap()
            .key("A-17")
    };
    let first = manager.request(previewed(8000)).await.unwrap().detach();
    manager.reject(first, ANN, "no").await.unwrap();
    let second = manager.request(previewed(6000)).await.unwrap().request().await.unwrap();
    assert!(second.preview().is_some() && second.enclosed.as_deref().unwrap().follows.is_some());
}

#[tokio::test]
async fn what_ran_once_never_runs_again_under_its_key() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let runs = Runs::default();
    runs.run(&manager, refund(8000)).await.unwrap();
    for cents in [8000, 6000] {
        assert!(runs.run(&manager, refund(cents)).await.is_err());
    }
    manager.advance(seconds(7 * 24 * 3600)).await;
    for cents in [8000, 6000] {
        assert!(runs.run(&manager, refund(cents)).await.is_err());
    }
    assert_eq!(runs.count(), 1);
}
