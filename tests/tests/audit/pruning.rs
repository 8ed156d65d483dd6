//! Retention: old requests go, the seals stay valid.

use std::sync::Arc;

use approval_core::{
    Clock,
    audit::{AuditError, Breach, Retention, Sealer, VerifyOptions, prune, verify_store},
    clock::Span,
    store::{MemoryStore, Removal, Store},
};
use approval_store::SqliteStore;
use approval_testkit::FakeClock;

use crate::common::{Key, call, decided, manager, seals};

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
