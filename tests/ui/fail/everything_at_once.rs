use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(
    nam = "payments.refund",
    risk = "severe",
    timeout = "15",
    approvers("agent:worker-3"),
    editable(amount),
    manager = approvals,
)]
const fn refund(approvals: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(cents)
}

fn main() {}
