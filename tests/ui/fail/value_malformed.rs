use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "payments.refund", manager = m, version = 0)]
async fn f1(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, version = "2")]
async fn f2(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, veto = 0)]
async fn f3(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, manager2 = m)]
async fn f4(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, key =)]
async fn f5(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, key)]
async fn f6(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, "low")]
async fn f7(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, idempotent, idempotent)]
async fn f8(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, reject_options = "Reason")]
async fn f9(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, priority = "urgent")]
async fn f10(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, on_timeout = "accept")]
async fn f11(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, mode = "sleep")]
async fn f12(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "payments.refund", manager = m, risk = high)]
async fn f13(m: &ApprovalManager, cents: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
