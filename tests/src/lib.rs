//! Shared by the tests.

pub mod examples;
pub mod repo;
