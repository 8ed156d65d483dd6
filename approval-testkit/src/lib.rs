//! For those who build on `approval-core`: what agent developers need to test guarded functions without people, and the
//! suite that every store must pass.

mod clock;
mod faulty_store;
pub mod store_suite;

pub use clock::{FakeClock, Moment};
pub use faulty_store::{Fault, FaultyStore};
