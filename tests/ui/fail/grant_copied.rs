use approval_core::{ApprovalError, ApprovalManager, Grant, guarded_action};

fn bank(_: Grant) {}

#[guarded_action(name = "payments.refund", manager = approvals)]
async fn refund(approvals: &ApprovalManager, #[grant] grant: Grant) -> Result<(), ApprovalError> {
    bank(grant.clone());
    bank(grant);
    Ok(())
}

fn main() {}
