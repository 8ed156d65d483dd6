//! A store of one's own: everything in one JSON file, which is written whole for each change. Enough for one process and
//! some hundred requests, and small enough to see what a store has to do. At the end it runs the suite that every store
//! must pass. Try `cargo run --example custom_store`.

mod json_store;
mod state;

use std::sync::Arc;

use approval_core::{
    ApprovalManager, Clock, SystemClock, guarded_action,
    notify::HandlerReply,
    store::{Query, Store},
};
use approval_testkit::store_suite::{BoxError, CASES, StoreFactory, StoreHome, Verdict};
use async_trait::async_trait;
use tokio::{runtime::Handle, task::JoinSet};

use crate::json_store::JsonStore;

/// Tells the suite how this store is opened. In a crate of your own, let `store_conformance!(Folder)` make a test of each
/// case.
struct Folder;

#[async_trait]
impl StoreFactory for Folder {
    async fn home(&self) -> Result<Box<dyn StoreHome>, BoxError> {
        Ok(Box::new(Home(tempfile::tempdir()?)))
    }
}

/// Where the store of one case lives.
struct Home(tempfile::TempDir);

#[async_trait]
impl StoreHome for Home {
    async fn open(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, BoxError> {
        Ok(Arc::new(JsonStore::open(self.0.path().join("store.json"), clock)?))
    }

    /// What it wrote is found again. It is not made for several processes at once (`shared`).
    fn survives(&self) -> bool {
        true
    }
}

#[guarded_action(
    name = "mail.send",
    description = "Send a mail to {to}",
    approvers("user:ann@example.com"),
    manager = approvals
)]
async fn send_mail(approvals: &ApprovalManager, to: &str) -> anyhow::Result<()> {
    println!("sent to {to}");
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("approvals.json");
    let approvals = ApprovalManager::builder()
        .store(JsonStore::open(&path, Arc::new(SystemClock))?)
        .handler(async |_notice| Ok(HandlerReply::Approve))
        .build()?;
    send_mail(&approvals, "bob@example.com").await?;
    approvals.shutdown().await?;

    // As another process would find it.
    let again = JsonStore::open(&path, Arc::new(SystemClock))?;
    for stored in again.list(&Query::default()).await?.items {
        let lines = again.history(stored.request.id).await?.len();
        println!(
            "in the file: {} {}, {lines} lines of history",
            stored.request.action.name,
            stored.request.status.as_str()
        );
    }

    // Side by side, since each case waits mostly for the disk.
    let mut cases = JoinSet::new();
    for case in CASES {
        cases.spawn_blocking(|| Handle::current().block_on(case.run(&Folder)));
    }
    let (mut kept, mut left_out) = (0, 0);
    while let Some(verdict) = cases.join_next().await {
        match verdict?? {
            Verdict::Passed => kept += 1,
            Verdict::NotApplicable => left_out += 1,
        }
    }
    println!("promises of the suite kept: {kept}, not applicable: {left_out}, broken: 0");
    Ok(())
}
