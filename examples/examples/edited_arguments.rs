//! An approver may change an argument and approve the result; then the changed call runs, and nothing else. Try
//! `cargo run --example edited_arguments`, and answer `edit cents=1200`.

use approval_channels::terminal::Terminal;
use approval_core::{ApprovalManager, Grant, GuardedAction, Principal, guarded_action};

/// Names the action in types: the grant below is one for refunds.
struct Refund;

impl GuardedAction for Refund {
    const NAME: &'static str = "payments.refund";
}

#[guarded_action(
    name = "payments.refund",
    description = "Refund {cents} cents to {customer}",
    cost = "{cents} / 100 EUR",
    approvers("user:ann@example.com"),
    editable(cents),
    manager = approvals
)]
async fn refund(
    approvals: &ApprovalManager,
    customer: &str,
    cents: u64,
    #[grant] grant: Grant<Refund>, // Filled in by the guard; callers do not pass it.
) -> anyhow::Result<u64> {
    let who = grant.approvers().first().map_or("nobody", Principal::as_str);
    let how = if grant.edited() { "changed and approved" } else { "approved" };
    println!("refunding {cents} cents to {customer}; {how} by {who}");
    for (person, note) in grant.notes() {
        println!("{person} notes: {note}");
    }
    Ok(cents)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let terminal = Terminal::from_env().acting_as(Principal::user("ann@example.com")?);
    let store = approval_store::from_env("memory:").await?;
    let approvals = ApprovalManager::builder().shared_store(store).notifier(terminal).build()?;
    let refunded = refund(&approvals, "acme", 5_000).await?;
    println!("asked for 5000 cents, refunded {refunded}");
    Ok(())
}
