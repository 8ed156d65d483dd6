//! Whoever may connect to the database may notify, true or not.

use std::{sync::Arc, time::Duration};

use approval_core::store::{Change, ChangeListener, Commit, RecordName, RecordWrite, Store};
use approval_store::PostgresStore;
use approval_test_cluster::Cluster;
use tokio::{
    sync::mpsc::{self, UnboundedSender},
    time::timeout,
};

struct Hearing(UnboundedSender<RecordName>);

impl ChangeListener for Hearing {
    fn changed(&self, changes: &[Change]) {
        for change in changes {
            if let Change::Record(name) = change {
                self.0.send(name.clone()).unwrap_or_default();
            }
        }
    }
}

fn write(name: &str) -> Commit {
    let write = RecordWrite { name: RecordName::new(name), value: Some(b"1".to_vec()) };
    Commit { writes: vec![write], ..Commit::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_notification_hides_nothing() {
    let database = Cluster::shared().database().unwrap();
    let builder = PostgresStore::builder(database.socket_url()).poll_every(Duration::from_millis(100));
    let hearing = builder.connect().await.unwrap();
    let writing = PostgresStore::connect(database.socket_url()).await.unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    let listener: Arc<dyn ChangeListener> = Arc::new(Hearing(tell));
    hearing.subscribe(Arc::downgrade(&listener));
    let mut hears = async |name: &str| {
        let until_told = async { while told.recv().await != Some(RecordName::new(name)) {} };
        assert!(timeout(Duration::from_secs(30), until_told).await.is_ok(), "{name} was never heard of");
    };
    writing.commit(write("before")).await.unwrap();
    hears("before").await;
    let writers = database.psql("SELECT DISTINCT writer FROM approvals.changes").unwrap();
    // Of the next numbers: that nothing to speak of happened, by the writer and by a stranger.
    for (round, writer) in [&*writers, "00000000-0000-4000-8000-000000000000"].into_iter().enumerate() {
        let forged = format!(
            "SELECT count(pg_notify('approvals_approvals', number || ' {writer} 0')) FROM
                (SELECT last_value + steps AS number FROM approvals.batches, generate_series(1, 20) AS steps) AS next"
        );
        assert_eq!(database.psql(&forged).unwrap(), "20");
        // Whoever hears this has heard the forged ones.
        for step in 0..3 {
            let name = format!("round {round} step {step}");
            writing.commit(write(&name)).await.unwrap();
            hears(&name).await;
        }
    }
    for store in [hearing, writing] {
        store.close().await.unwrap();
    }
}
