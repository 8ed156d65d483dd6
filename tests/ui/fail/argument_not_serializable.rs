use approval_core::{ApprovalError, ApprovalManager, guarded_action};

struct Client;

#[guarded_action(name = "payments.refund", manager = approvals)]
async fn refund(approvals: &ApprovalManager, client: &Client, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
