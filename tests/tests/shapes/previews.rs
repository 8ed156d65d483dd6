//! The keys `preview` and `preview_timeout`.

use std::{io, rc::Rc};

use approval_core::{ApprovalError, ApprovalManager, clock::Span, guarded_action};
use async_trait::async_trait;
use tokio::sync::Notify;

use crate::support::{approving, editing, rejecting, requests};

async fn count(table: &str) -> io::Result<String> {
    tokio::task::yield_now().await;
    match table {
        "missing" => Err(io::Error::other("there is no such table")),
        table => Ok(format!("47 rows of {table} will be deleted")),
    }
}

#[guarded_action(name = "rows.delete", manager = approvals, editable(table), preview = count(&table).await)]
async fn delete(approvals: &ApprovalManager, table: String) -> Result<String, ApprovalError> {
    Ok(table)
}

#[guarded_action(name = "rows.drop", manager = approvals, preview = count(table).await)]
fn delete_blocking(approvals: &ApprovalManager, table: &str) -> anyhow::Result<String> {
    Ok(table.to_owned())
}

#[guarded_action(name = "rows.note", manager = approvals, preview = note)]
async fn noted(approvals: &ApprovalManager, note: String) -> Result<String, ApprovalError> {
    Ok(note)
}

/// The preview that never ends has begun.
static BEGUN: Notify = Notify::const_new();

#[guarded_action(
    name = "rows.slow", manager = approvals, preview_timeout = "1s 500ms",
    preview = { BEGUN.notify_one(); std::future::pending::<&str>().await }
)]
async fn slow(approvals: &ApprovalManager) -> Result<(), ApprovalError> {
    Ok(())
}

/// Whose future is not sent anywhere.
#[guarded_action(name = "rows.local", manager = approvals, skip(local), preview = format!("{local}"))]
async fn local(approvals: &ApprovalManager, local: Rc<u8>) -> Result<u8, ApprovalError> {
    Ok(*local)
}

struct Agent {
    approvals: ApprovalManager,
    deleted: Vec<String>,
}

impl Agent {
    async fn would(&self, table: &str) -> String {
        format!("{} are deleted, and {} would be", self.deleted.len(), count(table).await.unwrap())
    }

    #[guarded_action(name = "rows.delete", manager = self.approvals, preview = self.would(&table).await)]
    async fn delete(&mut self, table: String) -> Result<(), ApprovalError> {
        self.deleted.push(table);
        Ok(())
    }
}

#[async_trait]
trait Deletes {
    async fn remove(&mut self, table: String) -> Result<(), ApprovalError>;
}

#[async_trait]
impl Deletes for Agent {
    #[guarded_action(
        name = "rows.delete", manager = self.approvals,
        preview = format!("in a trait: {}", self.would(&table).await)
    )]
    async fn remove(&mut self, table: String) -> Result<(), ApprovalError> {
        self.deleted.push(table);
        Ok(())
    }
}

/// What people were told.
async fn previews(manager: &ApprovalManager) -> Vec<String> {
    let requests = requests(manager).await;
    requests.iter().map(|one| one.preview().unwrap().in_words(one.revision.number)).collect()
}

#[tokio::test]
async fn people_are_told_what_the_parameters_would_do() {
    let manager = approving();
    assert_eq!(delete(&manager, "orders".into()).await.unwrap(), "orders");
    assert_eq!(previews(&manager).await, ["47 rows of orders will be deleted"]);

    let manager = rejecting("no");
    assert!(delete(&manager, "missing".into()).await.is_err());
    assert_eq!(previews(&manager).await, ["preview failed: there is no such table"]);

    let manager = approving();
    assert_eq!(noted(&manager, "as it is".into()).await.unwrap(), "as it is");
    assert_eq!(previews(&manager).await, ["as it is"]);
    let manager = approving();
    assert_eq!(local(&manager, Rc::new(9)).await.unwrap(), 9);
    assert_eq!(previews(&manager).await, ["9"]);
}

#[tokio::test]
async fn after_an_edit_it_is_of_the_arguments_before() {
    let manager = editing([("table", "customers")]);
    assert_eq!(delete(&manager, "orders".into()).await.unwrap(), "customers");
    let expected = "47 rows of orders will be deleted (this preview is of the arguments before the edit)";
    assert_eq!(previews(&manager).await, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_is_not_async_awaits_it_too() {
    let manager = approving();
    assert_eq!(delete_blocking(&manager, "orders").unwrap(), "orders");
    assert_eq!(previews(&manager).await, ["47 rows of orders will be deleted"]);
}

#[tokio::test]
async fn how_long_it_may_take_can_be_said() {
    let manager = approving();
    let call = async { slow(&manager).await.unwrap() };
    let time = async {
        BEGUN.notified().await;
        manager.advance(Span::from_millis(1_500)).await;
    };
    tokio::join!(call, time);
    assert_eq!(previews(&manager).await, ["preview failed: it took longer than 1s 500ms"]);
}

#[tokio::test]
async fn it_may_look_at_self() {
    let manager = approving();
    let mut agent = Agent { approvals: ApprovalManager::clone(&manager), deleted: Vec::new() };
    agent.delete("orders".into()).await.unwrap();
    assert_eq!(previews(&manager).await, ["0 are deleted, and 47 rows of orders will be deleted would be"]);
    agent.remove("customers".into()).await.unwrap();
    assert_eq!(agent.deleted, ["orders", "customers"]);
    let told = previews(&manager).await;
    let expected = "in a trait: 1 are deleted, and 47 rows of customers will be deleted would be";
    assert!(told.contains(&expected.to_owned()), "{told:?}");
}
