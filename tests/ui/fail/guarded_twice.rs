use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = approvals)]
#[guarded_action(name = "payments.other", manager = approvals)]
async fn refund(approvals: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(cents)
}

fn main() {}
