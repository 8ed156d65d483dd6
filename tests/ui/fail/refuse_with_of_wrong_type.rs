use approval_core::{ApprovalError, ApprovalManager, guarded_action};

enum BankError {}

fn refused(error: ApprovalError) -> String {
    error.to_string()
}

#[guarded_action(name = "payments.refund", manager = approvals, refuse_with = refused)]
async fn refund(approvals: &ApprovalManager, cents: u64) -> Result<u64, BankError> {
    Ok(cents)
}

fn main() {}
