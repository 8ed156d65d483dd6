use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = approvals, description = "With {token}", redact(token))]
async fn refund(approvals: &ApprovalManager, token: String) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
