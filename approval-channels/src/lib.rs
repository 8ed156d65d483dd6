//! Channels through which people are asked and heard.

#[cfg(feature = "terminal")]
pub mod terminal;
