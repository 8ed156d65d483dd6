use approval_core::{ApprovalError, guarded_action};

#[guarded_action(name = "payments.refund", manager = self.approvals)]
async fn refund(cents: u64) -> Result<u64, ApprovalError> {
    Ok(cents)
}

fn main() {}
