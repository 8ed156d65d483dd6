//! Where a guarded function finds its manager.

use std::sync::Arc;

use crate::{
    approval_error::ApprovalError,
    manager::ApprovalManager,
    sync::{Mutex, lock},
};

/// Implemented by types whose guarded methods use their own manager.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which approval manager its guarded methods use",
    label = "this method has no `manager = …`, so its type is asked",
    note = "implement `HasApprovalManager` for it, or write `manager = …` in the attribute"
)]
pub trait HasApprovalManager {
    /// The manager.
    fn approval_manager(&self) -> &ApprovalManager;
}

/// What `manager = …` may evaluate to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no approval manager",
    label = "`manager = …` must give one",
    note = "`manager = …` takes an `ApprovalManager`, a reference or `Arc` of one, an `Option` of one, or `approval_core::ambient()`"
)]
pub trait AsManager {
    /// The manager.
    ///
    /// # Errors
    /// [`ApprovalError::NoManager`] when there is none.
    fn as_manager(&self) -> Result<ApprovalManager, ApprovalError>;
}

impl AsManager for ApprovalManager {
    fn as_manager(&self) -> Result<ApprovalManager, ApprovalError> {
        Ok(self.clone())
    }
}

impl<T: AsManager + ?Sized> AsManager for &T {
    fn as_manager(&self) -> Result<ApprovalManager, ApprovalError> {
        (**self).as_manager()
    }
}

impl<T: AsManager + ?Sized> AsManager for &mut T {
    fn as_manager(&self) -> Result<ApprovalManager, ApprovalError> {
        (**self).as_manager()
    }
}

impl<T: AsManager + ?Sized> AsManager for Arc<T> {
    fn as_manager(&self) -> Result<ApprovalManager, ApprovalError> {
        (**self).as_manager()
    }
}

impl<T: AsManager> AsManager for Option<T> {
    fn as_manager(&self) -> Result<ApprovalManager, ApprovalError> {
        let none = || ApprovalError::NoManager("the expression after `manager =` gave None".into());
        self.as_ref().ok_or_else(none)?.as_manager()
    }
}

impl<T: AsManager> AsManager for Result<T, ApprovalError> {
    fn as_manager(&self) -> Result<ApprovalManager, ApprovalError> {
        self.as_ref().map_err(Clone::clone)?.as_manager()
    }
}

static AMBIENT: Mutex<Option<ApprovalManager>> = Mutex::new(None);

/// Makes `manager` the one that [`ambient`] gives in this process. Returns the one before.
#[expect(clippy::must_use_candidate, reason = "the manager before is rarely wanted")]
pub fn set_ambient(manager: Option<ApprovalManager>) -> Option<ApprovalManager> {
    std::mem::replace(&mut *lock(&AMBIENT), manager)
}

/// The manager of this process, for guarded functions that spell it out: `manager = approval_core::ambient()`.
///
/// # Errors
/// [`ApprovalError::NoManager`] when [`set_ambient`] was not called.
pub fn ambient() -> Result<ApprovalManager, ApprovalError> {
    lock(&AMBIENT).clone().ok_or_else(|| {
        ApprovalError::NoManager("call approval_core::set_ambient(Some(manager)) first".into())
    })
}
