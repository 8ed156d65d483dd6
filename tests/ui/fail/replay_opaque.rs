use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = approvals, replay)]
async fn refund(approvals: &ApprovalManager, cents: u64) -> Result<impl std::fmt::Display, ApprovalError> {
    Ok(cents)
}

fn main() {}
