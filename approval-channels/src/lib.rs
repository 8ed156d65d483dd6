//! Channels through which people are asked and heard, a feature each.
//!
//! - `terminal` (on by default): people at a terminal, or a script at the other end of a pipe.

#[cfg(feature = "terminal")]
pub mod terminal;
