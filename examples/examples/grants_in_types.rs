//! Proof by type: `pay_out` demands a `Grant<Refund>`, which only the guard can make. Whoever forgets the approval does not
//! get past the compiler, however deep inside the program the money is moved. Try `cargo run --example grants_in_types`.

use approval_core::{ApprovalManager, Grant, GuardedAction, Principal, guarded_action, notify::HandlerReply};

/// Names the action in types. A `#[grant]` of this type in the function of another action does not compile.
struct Refund;

impl GuardedAction for Refund {
    const NAME: &'static str = "payments.refund";
}

/// The inner function. It cannot be called without a grant for a refund: there is no way to make one, and a grant cannot be
/// copied, nor be one for another action.
///
/// ```compile_fail
/// pay_out(&Grant::<Refund>::new(), 1_000); // no such function
/// ```
fn pay_out(grant: &Grant<Refund>, cents: u64) {
    let who: Vec<_> = grant.approvers().iter().map(Principal::as_str).collect();
    println!("paid out {cents} cents; approved by {}", who.join(", "));
}

#[guarded_action(
    name = "payments.refund",
    description = "Refund {cents} cents",
    approvers("user:ann@example.com"),
    manager = approvals
)]
async fn refund(
    approvals: &ApprovalManager,
    cents: u64,
    #[grant] grant: Grant<Refund>,
) -> anyhow::Result<()> {
    pay_out(&grant, cents);
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The shortest channel: a function that speaks for the people asked. Here it knows their answer.
    let approvals = ApprovalManager::builder()
        .shared_store(approval_store::from_env("memory:").await?)
        .handler(async |_notice| Ok(HandlerReply::Approve))
        .build()?;
    refund(&approvals, 1_000).await // The caller passes no grant.
}
