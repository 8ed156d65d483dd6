//! Retention: old requests go, the seals stay valid.

use std::sync::Arc;

use approval_core::{
    Clock,
    audit::{
        AuditError, Breach, FileSink, Retention, Seal, Sealer, Sealing, VerifyOptions, prunable, prune,
        verify_store,
    },
    clock::Span,
    id::RequestId,
    model::{StandingArguments, StandingReach, StandingTerms},
    store::{MemoryStore, Removal, Store},
};
use approval_store::SqliteStore;
use approval_testkit::FakeClock;

use crate::common::{Key, ann, call, decided, lenient, manager, seals};

async fn old_requests_go_and_the_seals_stay_valid(store: Arc<dyn Store>, clock: FakeClock) {
    let key = Key::new();
    let sealer = Sealer::new(Arc::clone(&store), key.sealing());
    let manager = manager(&store, Arc::new(clock.clone()));
    let mut old = Vec::new();
    for number in 0..5 {
        old.push(decided(&manager, number).await);
    }
    let open = manager.request(call(99)).await.unwrap().detach();
    sealer.seal().await.unwrap();
    clock.advance(Span::from_hours(24 * 365));
    let young = decided(&manager, 7).await;
    sealer.seal().await.unwrap();
    let held = seals(&*store).await;

    let before = approval_core::clock::after(clock.now(), -Span::from_hours(24 * 30));
    let pruned = prune(&*store, &sealer, Retention { before }).await.unwrap();
    assert_eq!((pruned.removed, pruned.unfinished), (5, 1));
    for id in &old {
        assert!(store.load(*id).await.unwrap().is_none());
        assert!(store.history(*id).await.unwrap().is_empty());
    }
    for id in [open, young] {
        assert!(store.load(id).await.unwrap().is_some());
    }
    let options = VerifyOptions { held, ..key.options() };
    let report = verify_store(&*store, options.clone()).await.unwrap().unwrap();
    assert_eq!((report.requests, report.pruned, report.unsealed), (2, 5, 0));

    // The seals are signed, so the key proves the removal without a copy, and nothing else does.
    let report = verify_store(&*store, key.options()).await.unwrap().unwrap();
    assert_eq!((report.pruned, report.unproven), (5, 0));
    let breach = verify_store(&*store, lenient()).await.unwrap().unwrap_err();
    assert!(matches!(breach, Breach::RemovedNotProven { requests: 5, .. }), "{breach}");
    let copied = VerifyOptions { held: seals(&*store).await, ..lenient() };
    let report = verify_store(&*store, copied).await.unwrap().unwrap();
    assert_eq!((report.pruned, report.unproven), (5, 0));

    // Again: nothing to do, and nothing is sealed.
    let seals_before = seals(&*store).await.len();
    let pruned = prune(&*store, &sealer, Retention { before }).await.unwrap();
    assert_eq!((pruned.removed, seals(&*store).await.len()), (0, seals_before));

    // What no seal let go is missed.
    let version = store.load(young).await.unwrap().unwrap().version;
    store.remove(Removal { request: young, version }).await.unwrap();
    let breach = verify_store(&*store, options).await.unwrap().unwrap_err();
    assert!(matches!(breach, Breach::RequestMissing { request, .. } if request == young), "{breach}");
}

#[tokio::test]
async fn old_requests_go_from_memory_and_the_seals_stay_valid() {
    let clock = FakeClock::new();
    let store = MemoryStore::with_clock(Arc::new(clock.clone()));
    old_requests_go_and_the_seals_stay_valid(Arc::new(store), clock).await;
}

#[tokio::test]
async fn old_requests_go_from_sqlite_and_the_seals_stay_valid() {
    let clock = FakeClock::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("approvals.db");
    let store = SqliteStore::builder(file).clock(Arc::new(clock.clone())).open().unwrap();
    old_requests_go_and_the_seals_stay_valid(Arc::new(store), clock).await;
}

#[tokio::test]
async fn a_request_stays_while_the_standing_approval_that_was_given_with_it_may_be_withdrawn() {
    let clock = FakeClock::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    let key = Key::new();
    let sealer = Sealer::new(Arc::clone(&store), key.sealing());
    let manager = manager(&store, Arc::new(clock.clone()));
    let seen = manager.request(call(1)).await.unwrap().request().await.unwrap();
    let terms =
        StandingTerms::new(StandingReach::Agent, StandingArguments::Any).lasting(Span::from_hours(24 * 7));
    manager.decider("desk").approve_standing(&seen, &ann(), terms, None).await.unwrap();
    manager.revoke(seen.id, &ann(), "after all not").await.unwrap();
    sealer.seal().await.unwrap();
    clock.advance(Span::from_hours(24 * 2));
    let retention = || Retention { before: approval_core::clock::after(clock.now(), -Span::from_hours(24)) };
    assert_eq!(prunable(&*store, retention()).await.unwrap().removed, 0);
    let pruned = prune(&*store, &sealer, retention()).await.unwrap();
    assert_eq!((pruned.removed, pruned.unfinished), (0, 1));
    let standing = manager.standing_approvals().await.unwrap().remove(0).id;
    manager.withdraw_standing(standing, &ann(), "no longer").await.unwrap();
    sealer.seal().await.unwrap();
    assert_eq!(prunable(&*store, retention()).await.unwrap().removed, 1);
    assert_eq!(prune(&*store, &sealer, retention()).await.unwrap().removed, 1);
}

#[tokio::test]
async fn without_the_key_of_the_seals_nothing_is_removed() {
    let clock = FakeClock::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    let manager = manager(&store, Arc::new(clock.clone()));
    let id = decided(&manager, 1).await;
    let key = Key::new();
    Sealer::new(Arc::clone(&store), key.sealing()).seal().await.unwrap();
    clock.advance(Span::from_hours(1));
    let unsigned = Sealer::new(Arc::clone(&store), approval_core::audit::Sealing::new());
    let error = prune(&*store, &unsigned, Retention { before: clock.now() }).await.unwrap_err();
    assert!(matches!(error, AuditError::KeyMissing { .. }), "{error}");
    assert!(store.load(id).await.unwrap().is_some());
}

/// A store with requests that ended long ago, sealed without a key; its seals as they were copied elsewhere.
async fn unsigned() -> (FakeClock, Arc<dyn Store>, Vec<RequestId>, Vec<Seal>) {
    let clock = FakeClock::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    let manager = manager(&store, Arc::new(clock.clone()));
    let mut old = Vec::new();
    for number in 0..3 {
        old.push(decided(&manager, number).await);
    }
    Sealer::new(Arc::clone(&store), Sealing::new()).seal().await.unwrap();
    let held = seals(&*store).await;
    clock.advance(Span::from_hours(24 * 365));
    (clock, store, old, held)
}

#[tokio::test]
async fn a_removal_that_only_unsigned_seals_announce_is_reported() {
    let (clock, store, old, held) = unsigned().await;
    // Anybody who may write the store can do that.
    let forger = Sealer::new(Arc::clone(&store), Sealing::new());
    prune(&*store, &forger, Retention { before: clock.now() }).await.unwrap();
    for options in [lenient(), VerifyOptions { held: held.clone(), ..lenient() }] {
        let breach = verify_store(&*store, options.clone()).await.unwrap().unwrap_err();
        assert!(
            matches!(breach, Breach::RemovedNotProven { request, requests: 3, .. } if old.contains(&request)),
            "{breach}"
        );
        let accepted = VerifyOptions { accept_unproven: true, ..options };
        let report = verify_store(&*store, accepted).await.unwrap().unwrap();
        assert_eq!((report.pruned, report.unproven), (0, 3));
    }
    // The copy has the seal that announced the removal: the operator's own retention.
    let copied = VerifyOptions { held: seals(&*store).await, ..lenient() };
    let report = verify_store(&*store, copied).await.unwrap().unwrap();
    assert_eq!((report.pruned, report.unproven), (3, 0));
}

#[tokio::test]
async fn a_signature_behind_an_unsigned_removal_does_not_prove_it() {
    let (clock, store, _, held) = unsigned().await;
    let forger = Sealer::new(Arc::clone(&store), Sealing::new());
    prune(&*store, &forger, Retention { before: clock.now() }).await.unwrap();
    // The operator's sealer, which has a key from now on, goes on behind the forged seal.
    decided(&manager(&store, Arc::new(clock.clone())), 9).await;
    let key = Key::new();
    Sealer::new(Arc::clone(&store), key.sealing()).seal().await.unwrap();
    let breach = verify_store(&*store, key.options()).await.unwrap().unwrap_err();
    assert!(matches!(breach, Breach::RemovedNotProven { requests: 3, .. }), "{breach}");
    // A copy from before there was a key is not signed to its end.
    let breach = verify_store(&*store, VerifyOptions { held, ..key.options() }).await.unwrap().unwrap_err();
    assert!(matches!(breach, Breach::NotSigned { .. }), "{breach}");
}

#[tokio::test]
async fn an_edit_is_reported_before_an_unproven_removal() {
    let (clock, store, _, held) = unsigned().await;
    let kept = decided(&manager(&store, Arc::new(clock.clone())), 9).await;
    let forger = Sealer::new(Arc::clone(&store), Sealing::new());
    forger.seal().await.unwrap();
    let before = approval_core::clock::after(clock.now(), -Span::from_hours(1));
    prune(&*store, &forger, Retention { before }).await.unwrap();
    let version = store.load(kept).await.unwrap().unwrap().version;
    store.remove(Removal { request: kept, version }).await.unwrap();
    let breach = verify_store(&*store, VerifyOptions { held, ..lenient() }).await.unwrap().unwrap_err();
    assert!(matches!(breach, Breach::RequestMissing { request, .. } if request == kept), "{breach}");
}

#[tokio::test]
async fn a_forged_removal_is_not_carried_to_the_copy_by_a_sealer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seals.jsonl");
    let (clock, store, _, _) = unsigned().await;
    let operator = Sealer::new(Arc::clone(&store), Sealing::new().sink(FileSink::new(&path)));
    assert!(operator.seal().await.unwrap().behind.is_empty());
    let forger = Sealer::new(Arc::clone(&store), Sealing::new());
    prune(&*store, &forger, Retention { before: clock.now() }).await.unwrap();
    decided(&manager(&store, Arc::new(clock.clone())), 9).await;

    let behind = operator.seal().await.unwrap().behind;
    assert_eq!(behind.len(), 1);
    assert!(behind[0].1.to_string().contains("lets requests go"), "{behind:?}");
    let held = FileSink::read(&path).unwrap();
    assert_eq!(held.len(), 1);
    let breach = verify_store(&*store, VerifyOptions { held, ..lenient() }).await.unwrap().unwrap_err();
    assert!(matches!(breach, Breach::RemovedNotProven { requests: 3, .. }), "{breach}");

    // An operator who prunes and names the place hands it over.
    prune(&*store, &operator, Retention { before: clock.now() }).await.unwrap();
    clock.advance(Span::from_hours(1));
    prune(&*store, &operator, Retention { before: clock.now() }).await.unwrap();
    let held = FileSink::read(&path).unwrap();
    assert!(held.len() > 1);
    let report = verify_store(&*store, VerifyOptions { held, ..lenient() }).await.unwrap().unwrap();
    assert_eq!((report.pruned, report.unproven), (4, 0));
    // Its own removals it also hands over later.
    assert!(operator.seal().await.unwrap().behind.is_empty());
}

#[tokio::test]
async fn a_removal_that_is_signed_with_another_key_is_not_carried() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, store, _, _) = unsigned().await;
    let forger = Sealer::new(Arc::clone(&store), Key::new().sealing());
    prune(&*store, &forger, Retention { before: clock.now() }).await.unwrap();
    let key = Key::new();
    for (name, sealing, behind) in [("a", key.sealing(), 1), ("b", Sealing::new(), 1)] {
        let sealing = sealing.sink(FileSink::new(folder.path().join(name)));
        let sealed = Sealer::new(Arc::clone(&store), sealing).seal().await.unwrap();
        assert_eq!(sealed.behind.len(), behind, "{name}");
    }
    // Another process with the same key.
    let sealing = key.sealing().sink(FileSink::new(folder.path().join("c")));
    let (clock, store, _, _) = unsigned().await;
    let pruner = Sealer::new(Arc::clone(&store), key.sealing());
    prune(&*store, &pruner, Retention { before: clock.now() }).await.unwrap();
    assert!(Sealer::new(Arc::clone(&store), sealing).seal().await.unwrap().behind.is_empty());
}
