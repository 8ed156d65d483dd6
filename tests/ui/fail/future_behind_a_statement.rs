use std::pin::Pin;

use approval_core::{ApprovalError, ApprovalManager, guarded_action};

fn transfer(_: u64) {}

#[guarded_action(name = "payments.refund", manager = approvals)]
fn refund(approvals: &ApprovalManager, cents: u64) -> Pin<Box<dyn Future<Output = Result<u64, ApprovalError>> + '_>> {
    transfer(cents);
    Box::pin(async move { Ok(cents) })
}

fn main() {}
