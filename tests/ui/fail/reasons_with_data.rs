use approval_core::RejectOptions;

#[derive(RejectOptions)]
enum Reason {
    TooMuch(u64),
    WrongCustomer { customer: String },
}

fn main() {}
