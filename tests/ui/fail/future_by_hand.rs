use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = approvals)]
fn refund(approvals: &ApprovalManager, cents: u64) -> impl Future<Output = Result<u64, ApprovalError>> {
    async move { Ok(cents) }
}

fn main() {}
