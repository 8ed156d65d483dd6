//! A process that works on a store until it is killed, and what must be found in the store afterwards.
//!
//! The process (`crash_child`) says on its standard output what it is about to do and what was acknowledged to it, a line
//! each, without a buffer in between: what it said is known even though it was killed. A [`ledger::Ledger`] keeps that, and
//! so knows of every request one or two states in which it may be found.

pub mod bodies;
pub mod check;
pub mod child;
pub mod clock;
pub mod kill;
pub mod ledger;
pub mod plan;
