//! Tables, and how older files become newer.

use approval_core::store::StoreError;
use rusqlite::Connection;

use super::failure::failed;

#[cfg(test)]
mod tests;

/// Marks the file as ours (`aprv`).
const APPLICATION_ID: i32 = 0x6170_7276;

/// Each step makes a file of the version before into one of its own; the first makes an empty file into version 1. A step
/// that was released is never changed again.
const MIGRATIONS: &[&str] =
    &[include_str!("schema/1.sql"), include_str!("schema/2.sql"), include_str!("schema/3.sql")];

/// Refuses what is no file of ours, before anything is done to it.
///
/// # Errors
/// [`StoreError::TooNew`] when a newer program wrote it; when it is another program's database, or none at all.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    found(connection, MIGRATIONS).map(drop)
}

/// Brings the file up to date.
///
/// # Errors
/// As [`check`]; when the file cannot be written.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    migrate_by(connection, MIGRATIONS)
}

fn version_after(steps: &[&str]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}

/// The version of the file; 0 for an empty one.
fn found(connection: &Connection, steps: &[&str]) -> Result<u32, StoreError> {
    let fail = failed("the store's file cannot be read");
    let pragma =
        |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(&fail);
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let empty: bool = connection
        .query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
        .map_err(&fail)?;
    if application != APPLICATION_ID && !(application == 0 && version == 0 && empty) {
        return Err(StoreError::unavailable(
            "the file is another program's SQLite database (give the store a file of its own)",
        ));
    }
    // A negative one is none of ours: too new as well.
    let (found, known) = (u32::try_from(version).unwrap_or(u32::MAX), version_after(steps));
    if found > known { Err(StoreError::TooNew { found, known }) } else { Ok(found) }
}

fn migrate_by(connection: &mut Connection, steps: &[&str]) -> Result<(), StoreError> {
    if found(connection, steps)? == version_after(steps) {
        return Ok(());
    }
    let fail = failed("the store's file cannot be brought up to date");
    // All steps or none: a process that is killed meanwhile leaves the file as it was. Looked at again under the lock, since
    // another process may be doing the same.
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(&fail)?;
    let done = found(&transaction, steps)? as usize;
    for step in steps.iter().skip(done) {
        transaction.execute_batch(step).map_err(&fail)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(&fail)?;
    transaction.pragma_update(None, "user_version", version_after(steps)).map_err(&fail)?;
    transaction.commit().map_err(&fail)
}
