use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[derive(serde::Serialize)]
struct Args {
    note: String,
}

#[guarded_action(name = "payments.refund", manager = approvals, editable(args.note), skip(args))]
async fn refund(approvals: &ApprovalManager, args: Args) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
