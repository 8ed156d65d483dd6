use approval_core::{ApprovalError, ApprovalManager, guarded_action};

async fn count(_table: &str) -> u64 {
    47
}

#[guarded_action(name = "rows.delete", manager = approvals, preview = count(&table).await)]
async fn number(approvals: &ApprovalManager, table: String) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "rows.delete", manager = approvals, preview = count(&table))]
async fn not_awaited(approvals: &ApprovalManager, table: String) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "rows.delete", manager = approvals, preview(table))]
async fn list(approvals: &ApprovalManager, table: String) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "rows.delete", manager = approvals, preview = , preview_timeout = "0s")]
async fn missing(approvals: &ApprovalManager, table: String) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "rows.delete", manager = approvals, preview = self.count(), previw = table)]
async fn no_self(approvals: &ApprovalManager, table: String) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "rows.delete", manager = approvals, preview_timeout = "5s")]
async fn nothing_to_limit(approvals: &ApprovalManager, table: String) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
