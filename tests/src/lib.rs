//! Shared by the tests and the benchmarks.

pub mod bench;
pub mod crash;
pub mod examples;
pub mod machine;
pub mod matters;
pub mod peer;
pub mod postgres;
pub mod random;
pub mod repo;
pub mod trace;
