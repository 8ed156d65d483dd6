use approval_core::guarded_action;

#[guarded_action(name = "payments.refund")]
struct Refund {
    cents: u64,
}

fn main() {}
