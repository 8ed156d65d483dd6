//! What a guarded function may return.

use crate::approval_error::ApprovalError;

/// A return type that can say "it was not run, because …".
///
/// `Result<T, E>` is one wherever `E: From<ApprovalError>`: `anyhow::Result<T>`, `Result<T, String>`, and your own error
/// type with one `From` implementation. For types of other crates name a function in the attribute: `refuse_with = path`.
#[diagnostic::on_unimplemented(
    message = "a guarded action cannot return `{Self}`: it has no way to say that the action was not run",
    label = "this return type cannot carry an `ApprovalError`",
    note = "return `Result<T, E>` where `E: From<ApprovalError>` (such as `anyhow::Result<T>` or `Result<T, String>`)",
    note = "or name a function in the attribute: `refuse_with = path`, a `fn(ApprovalError) -> {Self}`"
)]
pub trait Refusable {
    /// The value that says that the action was not run.
    fn refused(error: ApprovalError) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T, E: From<ApprovalError>> Refusable for Result<T, E> {
    fn refused(error: ApprovalError) -> Self {
        Err(error.into())
    }
}
