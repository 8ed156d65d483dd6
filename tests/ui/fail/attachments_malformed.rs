use approval_core::{ApprovalError, ApprovalManager, guarded_action, model::Attachment};

async fn invoice(_id: u64) -> Vec<Attachment> {
    Vec::new()
}

#[guarded_action(name = "mail.send", manager = approvals, attachments = path)]
async fn path(approvals: &ApprovalManager, path: String) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "mail.send", manager = approvals, attachments = invoice(id))]
async fn not_awaited(approvals: &ApprovalManager, id: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "mail.send", manager = approvals, attachments(id))]
async fn list(approvals: &ApprovalManager, id: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "mail.send", manager = approvals, attachments = )]
async fn missing(approvals: &ApprovalManager, id: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "mail.send", manager = approvals, attachments = self.files, attachments = id)]
async fn no_self(approvals: &ApprovalManager, id: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

#[guarded_action(name = "mail.send", manager = approvals, attachment = id)]
async fn misspelt(approvals: &ApprovalManager, id: u64) -> Result<u64, ApprovalError> {
    Ok(0)
}

fn main() {}
