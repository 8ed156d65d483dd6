//! Processes that have not written for long.

use approval_core::store::{Commit, CommitOutcome, RecordName, RecordWrite, Store};
use approval_store::PostgresStore;
use approval_test_cluster::Cluster;

fn probe() -> Commit {
    let write = RecordWrite { name: RecordName::new("probe"), value: Some(b"1".to_vec()) };
    Commit { writes: vec![write], ..Commit::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_silent_for_long_is_forgotten_and_writes_again_all_the_same() {
    let database = Cluster::shared().database().unwrap();
    let silent = PostgresStore::connect(database.socket_url()).await.unwrap();
    silent.commit(probe()).await.unwrap();
    database.psql("UPDATE approvals.writers SET high_water = high_water - 7200000000").unwrap();
    let other = PostgresStore::connect(database.socket_url()).await.unwrap();
    other.commit(probe()).await.unwrap();
    // The next one that starts finds it silent for two hours.
    let third = PostgresStore::connect(database.socket_url()).await.unwrap();
    assert_eq!(database.psql("SELECT count(*) FROM approvals.writers").unwrap(), "2");
    let outcome = silent.commit(probe()).await.unwrap();
    assert!(matches!(outcome, CommitOutcome::Committed { .. }), "{outcome:?}");
    let record = third.record(&RecordName::new("probe")).await.unwrap().unwrap();
    assert_eq!(record.version, 3, "written once");
    for store in [silent, other, third] {
        store.close().await.unwrap();
    }
}
