//! The key `attachments`.

use std::io;

use approval_core::{
    ApprovalError, ApprovalManager, Grant, GuardedAction, guarded_action, model::Attachment,
};
use async_trait::async_trait;

use crate::support::{approving, editing, requests};

struct Mail;

impl GuardedAction for Mail {
    const NAME: &'static str = "mail.send";
}

struct Read;

impl GuardedAction for Read {
    const NAME: &'static str = "mail.read";
}

fn invoice(number: u32) -> Result<Attachment, approval_core::Invalid> {
    Attachment::text(&format!("invoice-{number}.txt"), "12.50 USD")
}

async fn read(name: &str) -> io::Result<Vec<Attachment>> {
    tokio::task::yield_now().await;
    match name {
        "missing" => Err(io::Error::other("there is no such file")),
        name => Ok(vec![Attachment::text(name, "read").map_err(io::Error::other)?]),
    }
}

/// What the body finds attached.
fn found<A>(grant: &Grant<A>) -> Vec<String> {
    grant.request().attachments().iter().map(|one| one.name().to_owned()).collect()
}

#[guarded_action(name = "mail.send", manager = approvals, editable(number), attachments = invoice(number))]
async fn send(
    approvals: &ApprovalManager,
    number: u32,
    #[grant] grant: Grant<Mail>,
) -> Result<(u32, Vec<String>), ApprovalError> {
    Ok((number, found(&grant)))
}

#[guarded_action(name = "mail.read", manager = approvals, attachments = [read(&name).await, read("more").await])]
async fn send_file(
    approvals: &ApprovalManager,
    name: String,
    #[grant] grant: Grant<Read>,
) -> anyhow::Result<Vec<String>> {
    Ok(found(&grant))
}

#[guarded_action(name = "mail.pass", manager = approvals, skip(files), attachments = files)]
fn send_given(
    approvals: &ApprovalManager,
    files: Vec<Attachment>,
    #[grant] grant: Grant,
) -> Result<Vec<String>, ApprovalError> {
    assert_eq!(files.len(), 1, "they are looked at, not taken");
    Ok(found(&grant))
}

struct Agent {
    approvals: ApprovalManager,
    signature: Attachment,
}

#[async_trait]
trait Send {
    async fn send(&mut self, number: u32) -> Result<u32, ApprovalError>;
}

#[async_trait]
impl Send for Agent {
    #[guarded_action(name = "mail.send", manager = self.approvals, attachments = &self.signature)]
    async fn send(&mut self, number: u32) -> Result<u32, ApprovalError> {
        self.signature = invoice(number)?;
        Ok(number)
    }
}

async fn attached(manager: &ApprovalManager) -> Vec<String> {
    let requests = requests(manager).await;
    requests.iter().flat_map(|one| one.attachments()).map(|one| one.name().to_owned()).collect()
}

#[tokio::test]
async fn they_are_made_of_the_parameters_and_handed_to_the_body() {
    let manager = approving();
    assert_eq!(send(&manager, 7).await.unwrap(), (7, vec!["invoice-7.txt".to_owned()]));
    assert_eq!(send_file(&manager, "a.txt".into()).await.unwrap(), ["a.txt", "more"]);
}

#[tokio::test]
async fn after_an_edit_they_are_what_people_saw() {
    let manager = editing([("number", 8)]);
    assert_eq!(send(&manager, 7).await.unwrap(), (8, vec!["invoice-7.txt".to_owned()]));
}

#[tokio::test]
async fn if_they_cannot_be_made_nobody_is_asked_and_nothing_runs() {
    let manager = approving();
    let refused = send_file(&manager, "missing".into()).await.unwrap_err().to_string();
    assert_eq!(
        refused,
        "attachments of the action \"mail.read\" could not be made: there is no such file; nothing was run"
    );
    let large = (0..4).map(|n| Attachment::from_bytes(&n.to_string(), "image/png", vec![0; 60_000]).unwrap());
    let refused = tokio::task::spawn_blocking({
        let (manager, large) = (ApprovalManager::clone(&manager), large.collect());
        move || send_given(&manager, large).unwrap_err().to_string()
    });
    let refused = refused.await.unwrap();
    assert!(refused.contains("196608 bytes"), "{refused}");
    assert!(requests(&manager).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_is_not_async_has_them_too() {
    let manager = approving();
    assert_eq!(send_given(&manager, vec![invoice(1).unwrap()]).unwrap(), ["invoice-1.txt"]);
}

#[tokio::test]
async fn they_may_come_from_self() {
    let manager = approving();
    let mut agent = Agent { approvals: ApprovalManager::clone(&manager), signature: invoice(0).unwrap() };
    assert_eq!(agent.send(9).await.unwrap(), 9);
    assert_eq!(agent.signature, invoice(9).unwrap());
    assert_eq!(attached(&manager).await, ["invoice-0.txt"]);
}
