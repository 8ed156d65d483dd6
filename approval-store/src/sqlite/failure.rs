//! What SQLite says, as an error of the store.

use std::path::PathBuf;

use approval_core::store::StoreError;
use rusqlite::ErrorCode;

/// An error of SQLite while doing `what`.
pub(super) fn failed(what: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| {
        let hint = error.sqlite_error_code().map_or("", hint);
        StoreError::caused_by(format!("{what}{hint}"), error)
    }
}

/// The same where a file is opened: what SQLite says then repeats the path, which may not be known to be harmless.
pub(super) fn failed_to_open(what: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| {
        failed(what)(match error {
            rusqlite::Error::SqliteFailure(code, _) => rusqlite::Error::SqliteFailure(code, None),
            rusqlite::Error::InvalidPath(_) => rusqlite::Error::InvalidPath(PathBuf::new()),
            other => other,
        })
    }
}

/// What to do about it.
const fn hint(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::DiskFull => " (make room on the disk)",
        ErrorCode::ReadOnly => " (the file or its directory is read-only)",
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            " (another program holds the file locked; end it, or wait longer with `busy_timeout`)"
        }
        ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => {
            " (the file is no SQLite database, or is damaged; restore a copy)"
        }
        ErrorCode::CannotOpen => " (look at the path, and whether its directory exists and may be written)",
        ErrorCode::TooBig => " (a text or document is longer than a database takes)",
        _ => "",
    }
}

/// Whether another connection is in the way for the moment.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
