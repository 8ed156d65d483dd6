use approval_core::{ApprovalError, ApprovalManager, guarded_action};

#[guarded_action(name = "a", manager = approvals, run_window = "mon-fri 09:00-17:00")]
async fn no_zone(approvals: &ApprovalManager) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "b", manager = approvals, run_window = "weekdays 09:00-17:00 UTC")]
async fn no_days(approvals: &ApprovalManager) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "c", manager = approvals, run_window = "mon 9-17 UTC")]
async fn no_hours(approvals: &ApprovalManager) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "d", manager = approvals, run_window("mon 09:00-17:00 UTC"))]
async fn a_list(approvals: &ApprovalManager) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
