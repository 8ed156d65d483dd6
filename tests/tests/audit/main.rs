//! The audit trail from the outside: sealing, verifying, tampering, retention.
#![cfg(test)]

mod bytes;
mod common;
mod forging;
mod pruning;
mod sealing;
mod sources;
