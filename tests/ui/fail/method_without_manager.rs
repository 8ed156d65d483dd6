use approval_core::{ApprovalError, guarded_action};

struct Agent;

impl Agent {
    #[guarded_action(name = "payments.refund")]
    async fn refund(&self, cents: u64) -> Result<u64, ApprovalError> {
        Ok(cents)
    }
}

fn main() {}
