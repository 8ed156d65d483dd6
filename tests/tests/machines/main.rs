//! Many machines on one PostgreSQL database, with real servers and real processes: servers are restarted and killed,
//! processes are killed, connections are cut, clocks are wrong. Nothing that was approved is lost, nothing runs twice.
//!
//! A few thousand waits; a hundred thousand when `APPROVALS_FULL` is set.

mod clocks;
mod common;
mod cut;
mod killed;
mod refused;
mod restarts;
mod standby;
