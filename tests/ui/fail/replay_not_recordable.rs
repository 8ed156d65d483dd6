use approval_core::{ApprovalError, ApprovalManager, guarded_action};

struct Receipt;

#[guarded_action(name = "payments.refund", manager = approvals, replay)]
async fn refund(approvals: &ApprovalManager, cents: u64) -> Result<Receipt, ApprovalError> {
    drop(cents);
    Ok(Receipt)
}

fn main() {}
