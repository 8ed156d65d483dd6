//! For those who build on `approval-core`.
//!
//! Agent developers test guarded functions without people: [`Scripted`] people, or [`ApproveAll`] and [`RejectAll`], cast
//! real votes through the real lifecycle; a [`FakeClock`] makes deadlines pass at once; a [`TestManager`] puts both together.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use approval_core::{Action, ApprovalError};
//! use approval_testkit::{RejectAll, TestManager};
//!
//! let manager = TestManager::new(RejectAll::new("not today"))?;
//! let call = Action::new("tables.drop")?.describe(|action| action.approvers(["user:ann@example.com"]))?;
//! let dropped: Result<(), ApprovalError> = manager.guard(call).run(async |_, _| Ok(())).await;
//! assert!(dropped.unwrap_err().to_string().contains("not today"));
//! # Ok(()) }
//! ```
//!
//! [`assert_binds_everything`] shows that an approval covers all of an argument.
//!
//! Those who write a store of their own run the [`store_suite`] over it. A [`FaultyStore`] fails where a test wants it to.

mod binding;
pub mod channel_suite;
mod clock;
mod faulty_store;
mod manager;
mod scripted;
pub mod store_suite;

pub use binding::assert_binds_everything;
pub use clock::{FakeClock, Moment};
pub use faulty_store::{Fault, FaultyStore};
pub use manager::{NeverHappened, TestManager};
pub use scripted::{ApproveAll, RefusedStep, RejectAll, Report, Scripted, UnusedStep};
