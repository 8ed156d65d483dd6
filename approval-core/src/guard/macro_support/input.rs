//! What the attribute's expressions give, and one call as a whole.

use std::fmt::Display;

use super::Arguments;
use crate::{
    approval_error::ApprovalError,
    guard::AsManager,
    manager::ApprovalManager,
    model::{Attachment, ToAttachments, ToPreview},
};

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

/// What is attached, or why it could not be made.
pub type Attached = Result<Vec<Attachment>, String>;

/// What `attachments = …` gives.
///
/// # Errors
/// Why there are none although there should be.
pub fn attachments<T: ToAttachments + ?Sized>(given: &T) -> Attached {
    given.to_attachments()
}

/// What `preview = …` gives.
///
/// # Errors
/// Why it could not be worked out.
pub fn preview<T: ToPreview + ?Sized>(given: &T) -> Result<String, String> {
    given.to_preview()
}

/// One call of a guarded function, until it is decided.
#[derive(Debug)]
pub struct Call {
    pub(super) arguments: Arguments,
    pub(super) manager: Result<ApprovalManager, ApprovalError>,
    pub(super) attachments: Option<Attached>,
    pub(super) key: Option<String>,
}

impl Call {
    /// A call with these arguments.
    #[must_use]
    pub const fn new(arguments: Arguments, manager: Result<ApprovalManager, ApprovalError>) -> Self {
        Self { arguments, manager, attachments: None, key: None }
    }

    /// The same call under a key of the caller's.
    #[must_use]
    pub fn key(self, key: String) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The same call with what is attached.
    #[must_use]
    pub fn attachments(self, attachments: Attached) -> Self {
        Self { attachments: Some(attachments), ..self }
    }
}
