//! Human approval for the actions of AI agents.

#![deny(clippy::wildcard_enum_match_arm)]

mod approval_error;
pub mod clock;
pub mod directory;
mod error;
pub mod guard;
pub mod id;
pub mod lifecycle;
pub mod manager;
pub mod model;
pub mod notify;
pub mod policy;
pub mod store;
mod sync;

pub use approval_error::{About, ApprovalError, Ended, MODEL_TEXT_LIMIT, StopReason};
pub use approval_macros::{RejectOptions, guarded_action};
pub use clock::{Clock, SystemClock};
pub use error::Invalid;
pub use guard::{AsManager, HasApprovalManager, Refusable, RejectOptions, ambient, set_ambient};
pub use id::RequestId;
pub use manager::{
    Action, ActionSpec, Answer, ApprovalManager, Approved, BuildError, Context, Execution, Grant,
    PendingApproval, Requester,
};
pub use model::{Money, Principal, Priority, Risk};

#[doc(hidden)]
pub mod __macro {
    //! See `guard/macro_support.rs`.

    pub use crate::guard::macro_support::*;
}
