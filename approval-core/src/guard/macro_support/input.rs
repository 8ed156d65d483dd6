//! What the attribute's expressions give, and one call as a whole.

use std::fmt::Display;

use super::Arguments;
use crate::{approval_error::ApprovalError, guard::AsManager, manager::ApprovalManager};

/// The manager that the attribute's expression gives.
///
/// # Errors
/// Where there is none.
pub fn manager<M: AsManager + ?Sized>(source: &M) -> Result<ApprovalManager, ApprovalError> {
    source.as_manager()
}

/// What `key = …` may give.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    label = "a key is text: this lacks `std::fmt::Display`",
    note = "name a field that identifies the call (`key = args.order_id`), or build a text (`key = format!(…)`)"
)]
pub trait Key: Display {}

#[diagnostic::do_not_recommend]
impl<T: Display + ?Sized> Key for T {}

/// The text of a key.
#[must_use]
pub fn key<K: Key + ?Sized>(key: &K) -> String {
    key.to_string()
}

/// One call of a guarded function, until it is decided.
#[derive(Debug)]
pub struct Call {
    pub(super) arguments: Arguments,
    pub(super) manager: Result<ApprovalManager, ApprovalError>,
    pub(super) key: Option<String>,
}

impl Call {
    /// A call with these arguments.
    #[must_use]
    pub const fn new(arguments: Arguments, manager: Result<ApprovalManager, ApprovalError>) -> Self {
        Self { arguments, manager, key: None }
    }

    /// The same call under a key of the caller's.
    #[must_use]
    pub fn key(self, key: String) -> Self {
        Self { key: Some(key), ..self }
    }
}
