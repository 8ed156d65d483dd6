use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[derive(serde::Serialize)]
struct Amount(u64);

#[guarded_action(name = "payments.refund", manager = approvals, editable(amount))]
async fn refund(approvals: &ApprovalManager, amount: Amount) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
