//! Human approval for the actions of AI agents.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod clock;
mod error;
pub mod id;
pub mod lifecycle;
pub mod model;
pub mod store;

pub use clock::{Clock, SystemClock};
pub use error::Invalid;
pub use model::{Money, Principal, Priority, Risk};
