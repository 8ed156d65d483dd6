//! The smallest guarded function. Try `cargo run --example hello`, and answer y or n.

use approval_channels::terminal::Terminal;
use approval_core::{ApprovalManager, Principal, guarded_action};

#[guarded_action(
    name = "mail.send",
    description = "Send a mail to {to}: {text}",
    approvers("user:ann@example.com"),
    manager = approvals
)]
async fn send_mail(approvals: &ApprovalManager, to: &str, text: &str) -> anyhow::Result<()> {
    println!("sent to {to}: {text}"); // Runs only if Ann said yes to exactly this call.
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let terminal = Terminal::from_env().acting_as(Principal::user("ann@example.com")?);
    let store = approval_store::from_env("memory:").await?;
    let approvals = ApprovalManager::builder().shared_store(store).notifier(terminal).build()?;
    send_mail(&approvals, "bob@example.com", "Hello, Bob!").await
}
