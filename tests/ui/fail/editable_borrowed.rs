use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = approvals, editable(note))]
async fn refund(approvals: &ApprovalManager, note: &str) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
