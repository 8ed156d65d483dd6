use approval_core::{ApprovalError, guarded_action};

trait Payments {
    #[guarded_action(name = "payments.refund")]
    async fn refund(&self, cents: u64) -> Result<u64, ApprovalError>;
}

fn main() {}
