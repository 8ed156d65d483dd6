use approval_core::RejectOptions;

#[derive(RejectOptions)]
enum Nothing {}

#[derive(RejectOptions)]
enum Generic<const N: usize> {
    TooMuch,
}

#[derive(RejectOptions)]
enum WithoutList {
    #[reject]
    TooMuch,
}

#[derive(RejectOptions)]
enum WithoutTitle {
    #[reject(title = "")]
    TooMuch,
}

#[derive(RejectOptions)]
#[reject]
enum OnTheEnum {
    TooMuch,
}

#[derive(RejectOptions)]
#[reject(title = "Too much")]
enum TitleOnTheEnum {
    TooMuch,
}

#[derive(RejectOptions)]
#[reject(crate = core)]
enum RelativePath {
    TooMuch,
}

#[derive(RejectOptions)]
enum Twice {
    #[reject(name = "too_much", name = "much")]
    TooMuch,
}

#[derive(RejectOptions)]
enum NotText {
    #[reject(title = 5)]
    TooMuch,
}

fn main() {}
