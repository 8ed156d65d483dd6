use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[derive(serde::Serialize)]
struct Args {
    customer: String,
}

#[guarded_action(name = "payments.refund", manager = approvals, description = "To {args.custmer}")]
async fn refund(approvals: &ApprovalManager, args: Args) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
