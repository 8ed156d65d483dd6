//! Durable stores for [`approval_core`].
//!
//! - `SqliteStore` (feature `sqlite`, on by default): one file, any number of processes on one machine.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use approval_core::ApprovalManager;
//! use approval_store::SqliteStore;
//! let manager = ApprovalManager::builder().store(SqliteStore::open("approvals.db")?).unattended().build()?;
//! # Ok(()) }
//! ```

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod change;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod columns;
#[cfg(feature = "sqlite")]
mod group_commit;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "postgres")]
pub use postgres::{PostgresBuilder, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteBuilder, SqliteStore};
