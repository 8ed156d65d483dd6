//! Recorded results, for `replay`.

use serde::{Serialize, de::DeserializeOwned};

use crate::model::{
    CanonicalJson,
    canonical::{EncodeError, to_canonical},
};

/// A return type whose successful value can be recorded and given back.
#[diagnostic::on_unimplemented(
    message = "the result `{Self}` cannot be recorded for `replay`",
    label = "`replay` needs `Result<T, E>` where `T` is `serde::Serialize` and `serde::de::DeserializeOwned`",
    note = "derive both for the value, or leave out `replay`: a second call under the same key then gets the error `AlreadyRan`"
)]
pub trait Replay: Sized {
    /// The value as it is recorded; nothing for an error.
    fn recorded(&self) -> Option<Result<CanonicalJson, EncodeError>>;

    /// The value that was recorded.
    ///
    /// # Errors
    /// When it does not have this type any more; the text says why.
    fn read(recorded: &CanonicalJson) -> Result<Self, String>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned, E> Replay for Result<T, E> {
    fn recorded(&self) -> Option<Result<CanonicalJson, EncodeError>> {
        self.as_ref().ok().map(to_canonical)
    }

    fn read(recorded: &CanonicalJson) -> Result<Self, String> {
        recorded.deserialize().map(Ok).map_err(|error| error.to_string())
    }
}
