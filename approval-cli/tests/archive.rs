//! `approvals store archive`, from the command line.
#![cfg(test)]

use std::sync::Arc;

use approval_core::{Action, ApprovalManager, Principal, store::Store};
use approval_store::PostgresStore;
use approval_test_cluster::{Cluster, Database};

/// What the command wrote, and its status.
fn archive(arguments: &[&str]) -> (u8, String, String) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let status =
        approval_cli::run([&["approvals", "store", "archive"], arguments].concat(), &mut out, &mut errors);
    (status, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
}

/// A rejected request and an open one.
async fn scene(database: &Database) {
    let store: Arc<dyn Store> = Arc::new(PostgresStore::connect(database.socket_url()).await.unwrap());
    let builder = ApprovalManager::builder().shared_store(Arc::clone(&store)).agent("mailer").unattended();
    let manager = builder.build().unwrap();
    let ann = Principal::new("user:ann@example.com").unwrap();
    for number in 0..2 {
        let action = Action::new("mail.send").unwrap();
        let action = action.describe(|action| action.approvers([ann.as_str()])).unwrap();
        let id = manager.request(action).await.unwrap().detach();
        if number == 0 {
            let seen = manager.get(id).await.unwrap();
            manager.decider("slack").reject(&seen, &ann, Some("no")).await.unwrap();
        }
    }
    manager.shutdown().await.unwrap();
    store.close().await.unwrap();
}

#[test]
fn old_requests_are_put_away() {
    let database = Cluster::shared().database().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(scene(&database));
    let url = database.socket_url();
    let nothing = archive(&[url, "--before", "2020-01-01"]);
    assert_eq!((nothing.0, nothing.2.as_str()), (0, ""));
    assert!(nothing.1.starts_with("0 requests put away"), "{}", nothing.1);
    let done = archive(&[url, "--before", "2999-01-01"]);
    assert_eq!(done.1, "1 requests put away; partitions made for 1 months\n", "{}", done.2);
    assert_eq!(database.psql("SELECT count(*) FROM approvals.requests_archive").unwrap().trim(), "1");
}

#[test]
fn other_stores_have_no_archive() {
    let (status, _, errors) = archive(&["sqlite:approvals.db", "--before", "2026-01-01"]);
    assert_eq!(status, 2);
    assert!(errors.contains("only a store on PostgreSQL"), "{errors}");
}
