//! Durable stores for [`approval_core`].
//!
//! - `SqliteStore` (feature `sqlite`, on by default): one file, any number of processes on one machine.
//! - `PostgresStore` (feature `postgres`): one PostgreSQL database, any number of processes on any number of machines.
//!
//! [`connect`] takes whichever a URL names, and [`from_env`] the one that the environment variable `APPROVALS_STORE` names, so that
//! the same program runs on all of them:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use approval_core::ApprovalManager;
//! let store = approval_store::connect("sqlite:approvals.db").await?;
//! let manager = ApprovalManager::builder().shared_store(store).unattended().build()?;
//! # Ok(()) }
//! ```
//!
//! Each has a builder for its own settings:
//!
//! ```no_run
//! # #[cfg(feature = "postgres")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use approval_core::ApprovalManager;
//! use approval_store::PostgresStore;
//! let url = "postgres://agent:password@db.example.com/approvals?sslmode=verify-full";
//! let store = PostgresStore::builder(url).schema("team_1").pool_size(16).connect().await?;
//! let manager = ApprovalManager::builder().store(store).unattended().build()?;
//! # Ok(()) }
//! ```

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod change;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod closing;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod columns;
mod connect;
#[cfg(feature = "sqlite")]
mod group_commit;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use approval_core::model::address::{is_plain_path, is_secret_option, looks_like_address};
pub use connect::{STORE_VARIABLE, StoreUrl, connect, from_env};
#[cfg(feature = "postgres")]
pub use postgres::{ArchiveOptions, Archived, PostgresBuilder, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteBuilder, SqliteStore};
