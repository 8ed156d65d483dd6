use approval_core::RejectOptions;

#[derive(RejectOptions)]
enum Reason {
    TooMuch,
    #[reject(name = "too_much")]
    FarTooMuch,
}

fn main() {}
