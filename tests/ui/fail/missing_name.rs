use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(manager = approvals)]
async fn refund(approvals: &ApprovalManager) -> Result<(), ApprovalError> {
    Ok(())
}

fn main() {}
