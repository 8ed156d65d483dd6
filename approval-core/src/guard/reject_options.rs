//! Reasons to choose from when rejecting, as an enum.

use crate::{approval_error::ApprovalError, model::RejectOption};

/// An enum whose variants people choose from when they reject; `#[derive(RejectOptions)]` writes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` offers no reasons to reject",
    label = "`reject_options` takes an enum that derives `RejectOptions`",
    note = "add `#[derive(approval_core::RejectOptions)]` to `{Self}`"
)]
pub trait RejectOptions: Sized {
    /// All reasons, in the order in which people see them.
    fn options() -> Vec<RejectOption>;

    /// The stable name of this reason.
    fn name(&self) -> &'static str;

    /// The reason of that name.
    fn from_name(name: &str) -> Option<Self>;
}

impl ApprovalError {
    /// The reason that people chose when they rejected, as the enum that offered it. `None` when no person rejected, no person
    /// chose, or the reason is none of this enum's.
    #[must_use]
    pub fn reject_reason<T: RejectOptions>(&self) -> Option<T> {
        T::from_name(self.decision()?.option.as_deref()?)
    }
}
