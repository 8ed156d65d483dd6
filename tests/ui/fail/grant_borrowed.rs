use approval_core::{ApprovalError, ApprovalManager, Grant, guarded_action};

#[guarded_action(name = "payments.refund", manager = approvals)]
async fn refund(approvals: &ApprovalManager, #[grant] grant: &Grant) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
