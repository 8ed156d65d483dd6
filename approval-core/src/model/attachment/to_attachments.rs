//! What `attachments = …` may give.

use std::fmt::Display;

use super::Attachment;

/// What [`Action::attach`](crate::Action::attach) takes, and what the key `attachments` of
/// [`guarded_action`](macro@crate::guarded_action) may give: one attachment, several, perhaps one, or the result of trying
/// to make them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be attached to a request",
    label = "this is no `Attachment`, and no collection of them",
    note = "make one with `Attachment::text(name, text)`, `Attachment::from_bytes(name, media_type, bytes)` or `Attachment::at(name, media_type, address)`; a `Result`, `Option`, `Vec`, array or slice of them is taken too",
    note = "an `async` function must be awaited: add `.await`"
)]
pub trait ToAttachments {
    /// The attachments.
    ///
    /// # Errors
    /// Why there are none although there should be; the call is refused then.
    fn to_attachments(&self) -> Result<Vec<Attachment>, String>;
}

impl ToAttachments for Attachment {
    fn to_attachments(&self) -> Result<Vec<Attachment>, String> {
        Ok(vec![self.clone()])
    }
}

impl<T: ToAttachments> ToAttachments for [T] {
    fn to_attachments(&self) -> Result<Vec<Attachment>, String> {
        let mut all = Vec::with_capacity(self.len());
        for one in self {
            all.extend(one.to_attachments()?);
        }
        Ok(all)
    }
}

impl<T: ToAttachments, const N: usize> ToAttachments for [T; N] {
    fn to_attachments(&self) -> Result<Vec<Attachment>, String> {
        self.as_slice().to_attachments()
    }
}

impl<T: ToAttachments> ToAttachments for Vec<T> {
    fn to_attachments(&self) -> Result<Vec<Attachment>, String> {
        self.as_slice().to_attachments()
    }
}

impl<T: ToAttachments> ToAttachments for Option<T> {
    fn to_attachments(&self) -> Result<Vec<Attachment>, String> {
        self.as_ref().map_or_else(|| Ok(Vec::new()), ToAttachments::to_attachments)
    }
}

impl<T: ToAttachments, E: Display> ToAttachments for Result<T, E> {
    fn to_attachments(&self) -> Result<Vec<Attachment>, String> {
        self.as_ref().map_err(ToString::to_string)?.to_attachments()
    }
}

impl<T: ToAttachments + ?Sized> ToAttachments for &T {
    fn to_attachments(&self) -> Result<Vec<Attachment>, String> {
        (**self).to_attachments()
    }
}
