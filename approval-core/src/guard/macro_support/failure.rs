//! Values that tell of a failure though they are no error: for `failed_if`.
//!
//! As in [`super::Returned`], the kind of type is found by method lookup: the value inside an `Ok` first, then any other.

use super::{Ended, IntoOutcome, Returned};

/// First choice.
pub trait ResultOfOk {
    /// A reference to the value.
    type Value;

    /// The value inside `Ok`; nothing for an error.
    fn result(&self) -> Option<Self::Value>;
}

impl<'a, T, E> ResultOfOk for &Returned<'a, Result<T, E>> {
    type Value = &'a T;

    fn result(&self) -> Option<&'a T> {
        self.0.as_ref().ok()
    }
}

/// Last choice.
pub trait ResultOfAny {
    /// A reference to the value.
    type Value;

    /// The value itself.
    fn result(&self) -> Option<Self::Value>;
}

impl<'a, T> ResultOfAny for Returned<'a, T> {
    type Value = &'a T;

    fn result(&self) -> Option<&'a T> {
        Some(self.0)
    }
}

/// What the function of `failed_if` gives back.
#[diagnostic::on_unimplemented(
    message = "the function of `failed_if` gives back `{Self}`, which does not say whether the body failed",
    label = "expected `bool`, or an `Option<String>` with the reason"
)]
pub trait FailsIf {
    /// Why it failed, if it did.
    fn why(self) -> Option<String>;
}

impl FailsIf for bool {
    fn why(self) -> Option<String> {
        self.then(|| "the result says that it failed".to_owned())
    }
}

impl FailsIf for Option<String> {
    fn why(self) -> Option<String> {
        self
    }
}

impl FailsIf for Option<&str> {
    fn why(self) -> Option<String> {
        self.map(str::to_owned)
    }
}

/// How a body ended whose value was looked at.
pub fn failed_if(outcome: impl IntoOutcome, look: Option<impl FailsIf>) -> Ended {
    match (outcome.into_outcome(), look.and_then(FailsIf::why)) {
        (Ended::Succeeded, Some(why)) => Ended::Failed(why),
        (ended, _) => ended,
    }
}
