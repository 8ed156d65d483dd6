//! Files that the command line names, apart from stores.

use std::path::PathBuf;

use approval_core::model::address::{NO_PATH, looks_like_address};
use clap::builder::{OsStringValueParser, TypedValueParser};

/// Reads the path of a file. The address of a database or a credential is none, however malformed: it may hold a password, which would become the
/// name of a file or a part of a message.
pub(crate) fn file() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|given| {
        if looks_like_address(&given.to_string_lossy()) {
            return Err(NO_PATH);
        }
        Ok(PathBuf::from(given))
    })
}
