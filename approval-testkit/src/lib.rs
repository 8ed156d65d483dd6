//! For those who build on `approval-core`: what agent developers need to test guarded functions without people.

mod clock;

pub use clock::{FakeClock, Moment};
