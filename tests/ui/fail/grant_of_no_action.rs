use approval_core::{ApprovalError, ApprovalManager, Grant, guarded_action};

struct Refund;

#[guarded_action(name = "payments.refund", manager = m)]
async fn refund(m: &ApprovalManager, #[grant] grant: Grant<Refund>) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
