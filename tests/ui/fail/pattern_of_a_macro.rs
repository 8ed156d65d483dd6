use approval_core::{ApprovalError, ApprovalManager, guarded_action};

macro_rules! pattern {
    ($name:ident) => {
        $name
    };
}

#[guarded_action(name = "payments.refund", manager = approvals)]
async fn refund(approvals: &ApprovalManager, pattern!(cents): u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
