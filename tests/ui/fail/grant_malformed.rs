use approval_core::{ApprovalError, ApprovalManager, Grant, guarded_action};

#[guarded_action(name = "payments.refund", manager = m)]
async fn with_arguments(m: &ApprovalManager, #[grant(once)] grant: Grant) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m)]
async fn under_cfg(m: &ApprovalManager, #[grant] #[cfg(all())] grant: Grant) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m)]
async fn without_name(m: &ApprovalManager, #[grant] _: Grant) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m)]
async fn of_another_type(m: &ApprovalManager, #[grant] grant: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
