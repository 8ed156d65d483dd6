use approval_core::RejectOptions;

#[derive(RejectOptions)]
enum Reason {
    #[reject(titel = "Too much")]
    TooMuch,
}

fn main() {}
