use approval_core::{ApprovalError, guarded_action};

struct State;

#[guarded_action(name = "payments.refund", manager = state)]
async fn refund(state: &State, cents: u64) -> Result<u64, ApprovalError> {
    Ok(cents)
}

fn main() {}
