use std::pin::Pin;

use approval_core::{ApprovalError, ApprovalManager, guarded_action};

type Later = Pin<Box<dyn Future<Output = u64>>>;

fn refused(_: ApprovalError) -> Later {
    Box::pin(async { 0 })
}

#[guarded_action(name = "payments.refund", manager = approvals, refuse_with = refused)]
fn refund(approvals: &ApprovalManager, cents: u64) -> Later {
    Box::pin(async move { cents })
}

fn main() {}
