//! The server's clock, and the latest moment that the store gave out.

use approval_core::{
    clock::Span,
    store::{Commit, CommitOutcome, RecordName, RecordWrite, Store, StoreError},
};
use approval_store::PostgresStore;
use approval_test_cluster::Cluster;

fn probe() -> Commit {
    let write = RecordWrite { name: RecordName::new("probe"), value: Some(b"1".to_vec()) };
    Commit { writes: vec![write], ..Commit::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_of_the_server_that_is_far_from_the_mark_is_told_and_confirmed() {
    let database = Cluster::shared().database().unwrap();
    let store = PostgresStore::connect(database.socket_url()).await.unwrap();
    store.commit(probe()).await.unwrap();
    assert!(store.clock().await.unwrap().check().is_ok());
    assert!(store.clock_at_once().unwrap().check().is_ok());

    // The clock is 401 days ahead of all that was given out.
    let move_mark = |by: Span| {
        let micros = by.as_micros();
        database.psql(&format!("UPDATE approvals.writers SET high_water = high_water + ({micros})")).unwrap();
    };
    move_mark(-Span::from_hours(24 * 401));
    let reading = store.clock().await.unwrap();
    assert!(matches!(reading.check(), Err(StoreError::ClockAhead { .. })), "{reading:?}");
    assert_eq!(store.clock().await.unwrap().mark, reading.mark, "it stands still");
    let CommitOutcome::Committed { at, .. } = store.commit(probe()).await.unwrap() else { panic!() };
    assert_eq!(at, reading.mark, "so it does for changes");
    assert!(store.clock_at_once().unwrap().is_ahead());
    store.set_clock_mark(reading.clock).await.unwrap();
    assert!(store.clock().await.unwrap().check().is_ok());

    // 399 days are believed.
    move_mark(-Span::from_hours(24 * 399));
    assert!(store.clock().await.unwrap().check().is_ok());
    store.commit(probe()).await.unwrap();

    // The mark is two minutes ahead of the clock.
    move_mark(Span::from_secs(120));
    let reading = store.clock().await.unwrap();
    assert!(matches!(reading.check(), Err(StoreError::ClockBehind { .. })), "{reading:?}");
    store.commit(probe()).await.unwrap();
    assert!(store.clock_at_once().unwrap().is_behind());
    store.set_clock_mark(reading.clock).await.unwrap();
    assert!(store.clock().await.unwrap().check().is_ok());
    assert!(store.now().await.unwrap() < reading.mark);
    store.close().await.unwrap();
}
