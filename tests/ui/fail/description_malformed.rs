use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = m, description = "")]
async fn f1(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, description = "Refund {}")]
async fn f2(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, description = "Refund {self.cents}")]
async fn f3(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, description = "Refund {cents + 1}")]
async fn f4(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, description = "Refund }")]
async fn f5(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, description = "Refund {cents}", skip(cents))]
async fn f6(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, description = "Refund {cents}")]
async fn f7(m: &ApprovalManager) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
