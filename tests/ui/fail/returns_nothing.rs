use approval_core::{ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = approvals)]
async fn refund(approvals: &ApprovalManager, cents: u64) {
    drop(cents);
}

fn main() {}
