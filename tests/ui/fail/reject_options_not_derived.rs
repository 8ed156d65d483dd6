use approval_core::{ApprovalError, ApprovalManager, guarded_action};

enum Reason {
    TooMuch,
}

#[guarded_action(name = "payments.refund", manager = approvals, reject_options = Reason)]
async fn refund(approvals: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
