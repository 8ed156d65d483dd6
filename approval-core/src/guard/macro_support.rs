//! What generated code calls. Hidden from the documentation, exempt from semantic versioning, and reached by
//! `#[guarded_action]` and `#[derive(RejectOptions)]` alone, as `approval_core::__macro`.
//!
//! A guarded function goes through these steps, in this order:
//!
//! 1. a `static` [`Spec`] holds what is the same for every call;
//! 2. [`manager`] and [`key`] evaluate the expressions of the attribute;
//! 3. [`bind`] links the parameters, by reference, and [`Arguments::of`] writes them down;
//! 4. [`authorize`] takes the [`Call`], asks, waits, and gives back an [`Authorized`] call;
//! 5. [`Authorized::edited`] hands over what approvers changed, and [`Authorized::begin`] spends the grant;
//! 6. [`Running::recheck`] compares what is about to run with what was approved, without another await before the body;
//! 7. [`Running::run`] runs the body, and [`Running::finish`] records how it ended. A [`Running`] that is dropped before
//!    records by itself: failed if the body never began or panicked, unknown if it was dropped half-way.
//!
//! Functions that are not async use the same steps under names that end in `_blocking`.

mod argument;
mod authorized;
mod definition;
mod editor;
mod failure;
mod input;
mod proof;
mod reject_options;
mod replay;
mod returned;
mod running;

pub use argument::{Argument, Arguments, Bound, bind};
pub use authorized::{
    Authorized, Begun, authorize, authorize_blocking, authorize_previewed, authorize_previewed_blocking,
};
pub use definition::{Definition, Escalation, Reminders, Requirement, RunWindow, Spec, Timeout};
pub use editor::{Edit, Editable, Editor, editor};
pub use failure::{FailsIf, ResultOfAny, ResultOfOk, failed_if};
pub use input::{Attached, Call, Key, attachments, key, manager, preview};
pub use proof::{Proof, names_action};
pub use reject_options::reject_option;
pub use replay::Replay;
pub use returned::{
    Ended, FromAny, FromDebug, FromDisplay, FromFuture, FromResult, IntoOutcome, Returned, ReturnsFuture,
};
pub use running::Running;

pub use super::{HasApprovalManager, Refusable, RejectOptions};
pub use crate::{
    approval_error::ApprovalError,
    model::{OnTimeout, Priority, RejectOption, Risk},
};
