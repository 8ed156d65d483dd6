//! Human approval for the actions of AI agents.
//!
//! Put [`#[guarded_action]`](macro@guarded_action) on a function. A call of it waits until people decided; the body runs only
//! with a single-use grant that is bound to exactly what they saw: this agent, this action, these arguments. Whatever goes
//! wrong on the way (no person answers, the store fails, an argument changes while people think) means that the body does not run.
//!
//! ```
//! use approval_core::{ApprovalError, ApprovalManager, guarded_action, notify::HandlerReply};
//!
//! #[guarded_action(
//!     name = "payments.refund",
//!     description = "Refund {cents} cents to {customer}",
//!     risk = "high",
//!     approvers("user:ann@example.com", "user:bob@example.com"),
//!     manager = approvals
//! )]
//! async fn refund(approvals: &ApprovalManager, customer: &str, cents: u64) -> Result<String, ApprovalError> {
//!     Ok(format!("refunded {cents} cents to {customer}")) // Only after a yes to this very call.
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The shortest channel: a function that speaks for the people who are asked. A real one shows them the request.
//! let approvals = ApprovalManager::builder()
//!     .handler(async |notice| {
//!         let asked = notice.request.revision.arguments.to_value().unwrap_or_default();
//!         Ok(match asked["cents"].as_u64() {
//!             Some(..=5_000) => HandlerReply::Approve,
//!             _ => HandlerReply::Reject("too much".to_owned()),
//!         })
//!     })
//!     .build()?;
//!
//! assert_eq!(refund(&approvals, "acme", 1_200).await?, "refunded 1200 cents to acme");
//!
//! let refused = refund(&approvals, "acme", 90_000).await.unwrap_err();
//! assert!(matches!(refused, ApprovalError::Rejected(_)));
//! assert!(refused.to_string().ends_with("'too much'; nothing was run"));
//! # Ok(()) }
//! ```
//!
//! # How it fits together
//!
//! - An [`ApprovalManager`] opens requests, tells people, waits, and hands out grants. It is cheap to clone; its
//!   [builder](ApprovalManager::builder) has a default for everything but the way to reach people.
//! - A [`Store`](store::Store) keeps the requests. [`MemoryStore`](store::MemoryStore) is here; `SqliteStore`, with which a
//!   request outlives the process, is in the crate `approval-store`. With a `key` the same call finds its request again: a
//!   process that is killed while people think goes on where it was.
//! - A [`Notifier`](notify::Notifier) is a channel to people: the terminal is in the crate `approval-channels`, and
//!   [`handler`](manager::ManagerBuilder::handler) makes one of a function.
//! - A [`Policy`](policy::Policy) says what may run without asking, what is asked and what is forbidden. Without one, every
//!   guarded action asks. What is allowed without asking leaves a line in the journal, or a request
//!   that the policy approved where it has a key, under which it runs once.
//! - A [`Directory`](directory::Directory) knows who is in which group, and who may stand in for whom.
//! - The [`audit`] trail is what all of this leaves behind, sealed so that no one changes it unnoticed.
//! - A [`transfer`] moves everything from one store to another.
//!
//! # Other ways in
//!
//! - Tools as data, without the attribute: [`ApprovalManager::guard`]; or step by step: [`ApprovalManager::request`],
//!   [`Approved::begin`], [`Execution::succeeded`].
//! - A question with a typed answer: [`ApprovalManager::ask`].
//! - Not waiting: `mode = "suspend"` returns [`ApprovalError::Pending`] at once, and the same call later runs once;
//!   [`ApprovalManager::attach`] waits for any request from any process; [`ApprovalManager::on_approved`] runs what was
//!   approved meanwhile.
//! - Proof by type: a parameter `#[grant] grant: Grant<Refund>` is filled in by the guard, and a [`Grant`] can be made by
//!   no one else. [`GuardedAction`] ties `Refund` to the action whose approval it proves.
//! - Files that people look at before they decide, bound like the arguments: [`Action::attach`].
//! - What a call would do, worked out before people are asked: [`ActionSpec::preview`].
//! - Calls of usual kinds in a line, which channels draw as such: [`Action::send_email`], [`Action::purchase`] and their
//!   like; see [`model::ActionKind`].
//! - For the language model: [`ApprovalError::for_model`] says what happened and whether to try again.
//! - Who works, in which run, on whose behalf and why: [`Context`].
//! - Agents hold a [`Requester`], which cannot decide; channels hold a [`Decider`](notify::Decider).
//!
//! # What is promised
//!
//! At most one decision for each request, and at most one run for each grant, whatever crashes. Votes, grants and the body
//! are bound to one digest of the arguments. Nothing is approved without votes, but for an explicit rule on timeout for low
//! risks. Every change is a line in the hash-chained history of its request, written in the same transaction. The list of
//! invariants with their tests is in `ARCHITECTURE.md` of the repository, and what is *not* promised in `SECURITY.md`.

#![deny(clippy::wildcard_enum_match_arm)]

mod approval_error;
pub mod audit;
pub mod checked_file;
pub mod clock;
pub mod directory;
mod error;
#[cfg(feature = "file")]
pub mod file;
pub mod guard;
pub mod id;
pub mod lifecycle;
pub mod manager;
pub mod model;
pub mod notify;
pub mod policy;
pub mod store;
#[cfg(feature = "file")]
pub mod suggest;
mod sync;
pub mod transfer;
#[cfg(feature = "file")]
pub mod yaml;

pub use approval_error::{About, ApprovalError, Ended, MODEL_TEXT_LIMIT, StopReason};
pub use clock::{Clock, SystemClock};
pub use error::{Internal, Invalid};
pub use guard::{AsManager, HasApprovalManager, Refusable, RejectOptions, ambient, set_ambient};
pub use id::RequestId;
pub use manager::{
    Action, ActionSpec, Answer, ApprovalManager, Approved, BuildError, Context, Execution, Grant,
    GuardedAction, PendingApproval, Requester, Runner,
};
pub use model::{Money, Principal, Priority, Risk};

#[doc = include_str!("guard/guarded_action.md")]
pub use approval_macros::guarded_action;

#[doc = include_str!("guard/reject_options.md")]
pub use approval_macros::RejectOptions;

#[doc(hidden)]
pub mod __macro {
    //! See `guard/macro_support.rs`.

    pub use crate::guard::macro_support::*;
}
