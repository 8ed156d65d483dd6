use approval_core::{ApprovalError, ApprovalManager, Grant, guarded_action};

#[guarded_action(name = "payments.refund", manager = approvals)]
async fn refund(approvals: &ApprovalManager, #[grant] grant: Grant) -> Result<(), ApprovalError> {
    drop(grant);
    Ok(())
}

async fn forge(approvals: &ApprovalManager, grant: Grant) -> Result<(), ApprovalError> {
    refund(approvals, grant).await
}

fn main() {}
