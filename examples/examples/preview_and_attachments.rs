//! What people need to see before they say yes: a preview of what a call would do, files that come along, and the fields of
//! a kind that they know. Try `cargo run --example preview_and_attachments`, and answer y or n, twice.

use std::collections::BTreeMap;

use approval_channels::terminal::Terminal;
use approval_core::{
    Action, ApprovalError, ApprovalManager, Grant, GuardedAction, Principal, guarded_action,
    model::{Attachment, DeleteData, SendEmail},
};
use serde_json::Value;

/// Stands for a database: rows of each customer.
struct Database(BTreeMap<&'static str, u64>);

impl Database {
    /// Counts, and changes nothing. A failure would be shown to people, who would be asked all the same.
    async fn would_delete(&self, data: &DeleteData) -> Result<String, String> {
        tokio::task::yield_now().await; // A real one would wait for its answer here.
        let id = &*data.resource_id;
        let rows = self.0.get(id).ok_or_else(|| format!("there is no {} {id}", data.resource_type))?;
        Ok(format!("{rows} rows will be deleted"))
    }
}

/// What the customer wrote. If it could not be read, the call would be refused.
fn letter(id: &str) -> Result<Attachment, approval_core::Invalid> {
    Attachment::text("letter.txt", &format!("Please forget me.\nYours, {id}"))
}

/// Names the action in types: the grant below is one for this action.
struct DeleteCustomer;

impl GuardedAction for DeleteCustomer {
    const NAME: &'static str = "customers.delete";
}

#[guarded_action(
    name = "customers.delete",
    kind = "delete_data", // With these fields people see what is deleted, and the warning, before everything else.
    risk = "high",
    approvers("user:ann@example.com"),
    manager = approvals,
    skip(database),
    preview = database.would_delete(&data).await,
    attachments = letter(&data.resource_id)
)]
async fn delete(
    approvals: &ApprovalManager,
    database: &Database,
    data: DeleteData,
    #[grant] grant: Grant<DeleteCustomer>,
) -> anyhow::Result<()> {
    // The attachments are part of what was approved, so these are the bytes that Ann saw.
    for attachment in grant.request().attachments() {
        println!("filed {}", attachment.name());
    }
    println!("deleted {} rows of {}", database.0.get(&*data.resource_id).unwrap_or(&0), data.resource_id);
    Ok(())
}

/// The same without the macro, and in a line for what is usual.
fn farewell() -> Result<Action, approval_core::Invalid> {
    let email = SendEmail {
        to: vec!["cust-9@example.com".to_owned()],
        subject: "Farewell".to_owned(),
        preview: "We have forgotten you.".to_owned(),
        attachments: vec!["receipt.pdf".to_owned()],
    };
    Action::send_email(email)?
        // What is large lies elsewhere. With a digest, people and the body could tell whether it is still the same.
        .attach(Attachment::at("receipt.pdf", "application/pdf", "https://files.example.com/receipt-9.pdf"))?
        .describe(|action| {
            let preview = async |email: Value| {
                let receivers = email.get("to").and_then(Value::as_array).map_or(0, Vec::len);
                format!("receivers: {receivers}, and none can be called back")
            };
            action.preview(preview).approvers(["user:ann@example.com"])
        })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let terminal = Terminal::from_env().acting_as(Principal::user("ann@example.com")?);
    let store = approval_store::from_env("memory:").await?;
    let approvals = ApprovalManager::builder().shared_store(store).notifier(terminal).build()?;
    let database = Database(BTreeMap::from([("cust-9", 47)]));

    let data = DeleteData {
        resource_type: "customer".to_owned(),
        resource_id: "cust-9".to_owned(),
        warning: Some("There is no backup.".to_owned()),
    };
    delete(&approvals, &database, data).await?;

    let sent: Result<String, ApprovalError> =
        approvals.guard(farewell()?).run(async |email, _grant| Ok(format!("sent: {email}"))).await;
    println!("{}", sent.unwrap_or_else(|refused| refused.to_string()));
    approvals.shutdown().await?;
    Ok(())
}
