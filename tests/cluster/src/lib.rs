//! Throwaway PostgreSQL clusters for tests and benchmarks: real servers of Debian's package, each in temporary
//! directories of its own, stopped and removed when the last handle is dropped or the process ends by whatever
//! means. Nothing of a server that may already run on the machine is used or touched.
//!
//! Everything blocks, for at most a minute (SQL for as long as it takes), and may be called from asynchronous
//! tests too.
//!
//! ```
//! use approval_test_cluster::Cluster;
//!
//! // One server for all tests of a process, and for each test a database of its own.
//! let database = Cluster::shared().database()?;
//! database.psql("create table matter (id int)")?;
//! assert_eq!(database.psql("select count(*) from matter")?, "0");
//! // A program connects to `database.url()` or `database.socket_url()`.
//! # Ok::<(), approval_test_cluster::Error>(())
//! ```
//!
//! Tests that stop or kill the server, or that need it durable, start their own:
//!
//! ```
//! use approval_test_cluster::{Cluster, Mode, Settings};
//!
//! let cluster = Cluster::start(Settings::default().durable(true))?;
//! cluster.psql("create table matter as select 1 as id")?;
//! cluster.restart(Mode::Immediate)?;
//! assert_eq!(cluster.psql("select id from matter")?, "1");
//! # Ok::<(), approval_test_cluster::Error>(())
//! ```

mod cluster;
mod database;
mod error;
mod installation;
mod poll;
mod server;
mod settings;
mod standby;
mod tls;
mod watchdog;

pub use cluster::Cluster;
pub use database::Database;
pub use error::Error;
pub use server::Mode;
pub use settings::Settings;
pub use standby::Standby;
