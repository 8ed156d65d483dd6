use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = approvals)]
async fn refund(approvals: &ApprovalManager, cents: u64) -> Result<impl Future<Output = u64>, ApprovalError> {
    Ok(std::future::ready(cents))
}

fn main() {}
