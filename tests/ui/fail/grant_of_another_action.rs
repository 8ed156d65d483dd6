use approval_core::{ApprovalError, ApprovalManager, Grant, GuardedAction, guarded_action};

struct Refund;

impl GuardedAction for Refund {
    const NAME: &'static str = "payments.refund";
}

#[guarded_action(name = "payments.pay", manager = m)]
async fn of_another_name(m: &ApprovalManager, #[grant] grant: Grant<Refund>) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", version = 2, manager = m)]
async fn of_another_version(m: &ApprovalManager, #[grant] grant: Grant<Refund>) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
