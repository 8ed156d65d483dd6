//! What the benchmarks share: the load, our side of it, bare straight-line code beside it, and the rows of the table.
//!
//! Every figure is a ratio of two measurements that were taken in turns in one process, so that whatever else the
//! machine does meets both.

pub mod bare_memory;
pub mod bare_postgres;
pub mod bare_sqlite;
pub mod filled;
pub mod load;
pub mod mode;
pub mod other;
pub mod ours;
pub mod pairs;
pub mod postgres;
pub mod processor;
pub mod resident;
pub mod sample;
pub mod sqlite;
pub mod statements_postgres;
pub mod table;
