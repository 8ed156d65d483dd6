use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = m, escalate(after = "10m"))]
async fn f1(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, escalate(after = "10m", to()))]
async fn f2(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, escalate(after = "10m", to = "group:oncall"))]
async fn f3(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, escalate(after = "10m", to("group:oncall"), requirement = 3))]
async fn f4(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, escalate("10m", to("group:oncall")))]
async fn f5(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, escalate(delay = "10m", to("group:oncall")))]
async fn f6(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, escalate(after = 10, to("group:oncall")))]
async fn f7(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, escalate(after = "2h", to("group:oncall")))]
async fn f8(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, escalate(after = "10m", to("group:oncall"), priority = "urgent"))]
async fn f9(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
