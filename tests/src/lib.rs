//! Shared by the tests.

pub mod repo;
