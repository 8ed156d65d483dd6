use approval_core::{ApprovalError, ApprovalManager, guarded_action};

fn is_large(value: &u64) -> u8 {
    0
}

#[guarded_action(name = "payments.refund", manager = approvals, failed_if = |value| *value > 3)]
async fn by_closure(approvals: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = approvals, failed_if = is_large)]
async fn by_number(approvals: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
