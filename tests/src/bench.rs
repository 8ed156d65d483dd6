//! What the benchmarks share: the load, our side of it, bare straight-line code beside it, and the rows of the table.
//!
//! Every figure is a ratio of two measurements that were taken in turns in one process, so that whatever else the
//! machine does meets both.

pub mod bare_memory;
pub mod bare_sqlite;
pub mod load;
pub mod mode;
pub mod ours;
pub mod pairs;
pub mod processor;
pub mod resident;
pub mod sample;
pub mod sqlite;
pub mod table;
