use approval_core::RejectOptions;

#[derive(RejectOptions)]
enum Reason {
    #[reject(name = "Too much")]
    TooMuch,
}

fn main() {}
