use approval_core::RejectOptions;

#[derive(RejectOptions)]
struct Reason;

fn main() {}
