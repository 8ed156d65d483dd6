//! Shared by the tests and the benchmarks.

pub mod bench;
pub mod examples;
pub mod repo;
