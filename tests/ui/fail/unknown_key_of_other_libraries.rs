use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = m, deadline = "5m")]
async fn f4(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, require_approval)]
async fn f5(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
