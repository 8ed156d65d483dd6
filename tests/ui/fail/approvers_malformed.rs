use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = m, approvers(user:ann@example.com))]
async fn f1(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, approvers("user:"))]
async fn f2(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, approvers("group:"))]
async fn f3(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, approvers("user:ann bob"))]
async fn f4(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, approvers("agnt:x"))]
async fn f5(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, approvers("user:ann@example.com", require(2, "group:finance")))]
async fn f7(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, approver = "user:ann@example.com")]
async fn f8(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, approvers(require))]
async fn f9(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
