use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = approvals, require(1, "user:ann@example.com"), require(2, "group:finance"), escalate(after = "10m", to("group:oncall")))]
async fn refund(approvals: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
