//! What SQLite says, as an error of the store.

use approval_core::store::StoreError;

/// An error of SQLite while doing `what`.
pub(super) fn failed(what: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| {
        let hint = match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => " (make room on the disk)",
            Some(rusqlite::ErrorCode::ReadOnly) => " (the file or its directory is read-only)",
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                " (another program holds the file locked)"
            }
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                " (the file is no SQLite database, or is damaged; restore a copy)"
            }
            Some(rusqlite::ErrorCode::CannotOpen) => {
                " (look at the path, and whether its directory exists and may be written)"
            }
            _ => "",
        };
        StoreError::caused_by(format!("{what}{hint}"), error)
    }
}
