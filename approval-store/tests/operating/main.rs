//! What an operator of the store on PostgreSQL relies on: plans, roles, encryption. On real servers.
#![cfg(feature = "postgres")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test ends where something is not as it should be, and tells what the server did"
)]

mod archive;
mod clock;
mod forged;
mod plans;
mod roles;
mod sample;
mod silent;
mod tls;
