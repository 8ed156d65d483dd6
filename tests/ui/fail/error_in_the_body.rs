use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = approvals)]
async fn refund(approvals: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    let doubled: u64 = cents.to_string();
    Ok(cent)
}

fn main() {}
