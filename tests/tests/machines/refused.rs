//! A database that is not there.

use std::{sync::Arc, time::Duration};

use approval_core::{
    id::RequestId,
    store::{Query, Store, StoreError},
};
use approval_store::PostgresStore;
use approval_test_cluster::{Cluster, Mode, Settings};
use futures_util::future::join_all;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_refused_connections_are_a_thousand_clear_errors_and_all_is_well_afterwards() {
    let cluster = Cluster::start(Settings::default()).expect("a server");
    let store = PostgresStore::builder(cluster.url()).patience(Duration::from_millis(300)).connect().await;
    let store = Arc::new(store.expect("the store can be opened"));
    let id = RequestId::from_uuid(Uuid::now_v7());
    assert!(store.load(id).await.expect("the server answers").is_none());

    tokio::task::block_in_place(|| cluster.stop(Mode::Immediate)).expect("it can be stopped");
    let refused = join_all((0..1000).map(|number| {
        let store = Arc::clone(&store);
        async move {
            if number % 2 == 0 {
                store.load(id).await.map(drop)
            } else {
                store.list(&Query::default()).await.map(drop)
            }
        }
    }));
    for refused in refused.await {
        let error = refused.expect_err("no server answers");
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        let message = error.to_string();
        assert!(
            message.contains("refused")
                || message.contains("closed")
                || message.contains("in use for too long"),
            "the message does not say why: {message}"
        );
        assert!(!message.contains("outcome"), "{message}");
    }
    let commit = approval_core::store::Commit {
        writes: vec![approval_core::store::RecordWrite {
            name: approval_core::store::RecordName::new("probe"),
            value: Some(b"1".to_vec()),
        }],
        ..approval_core::store::Commit::default()
    };
    let error = store.commit(commit.clone()).await.expect_err("no server answers");
    assert!(matches!(error, StoreError::Unavailable { .. }), "nothing can be in doubt: {error:?}");

    tokio::task::block_in_place(|| cluster.start_again()).expect("it can be started again");
    assert!(store.load(id).await.expect("the server answers again").is_none());
    store.commit(commit).await.expect("and writes again");
    store.close().await.expect("it can be closed");

    // Nobody there from the beginning: an error that says so, at once.
    tokio::task::block_in_place(|| cluster.stop(Mode::Fast)).expect("it can be stopped");
    let error = PostgresStore::connect(cluster.url()).await.expect_err("no server answers");
    assert!(error.to_string().contains("the database cannot be reached"), "{error}");
}
