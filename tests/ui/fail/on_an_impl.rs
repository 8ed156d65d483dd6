use approval_core::guarded_action;

struct Agent;

#[guarded_action(name = "payments.refund")]
impl Agent {
    fn refund(&self) {}
}

fn main() {}
