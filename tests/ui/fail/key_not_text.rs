use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[derive(serde::Serialize)]
struct Id(u64);

#[guarded_action(name = "payments.refund", manager = approvals, key = id)]
async fn refund(approvals: &ApprovalManager, id: Id) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
