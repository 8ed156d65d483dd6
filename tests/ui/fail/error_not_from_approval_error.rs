use approval_core::{ApprovalManager, guarded_action};

enum BankError {}

#[guarded_action(name = "payments.refund", manager = approvals)]
async fn refund(approvals: &ApprovalManager, cents: u64) -> Result<u64, BankError> {
    Ok(cents)
}

fn main() {}
