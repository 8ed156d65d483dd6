use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = approvals, description = "With {extra}")]
async fn refund(approvals: &ApprovalManager, #[cfg(all())] extra: u8) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
