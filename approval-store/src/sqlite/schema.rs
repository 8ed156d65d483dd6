//! Tables, and how older files become newer.

use approval_core::store::StoreError;
use rusqlite::Connection;

use super::failure::failed;

/// Marks the file as ours (`aprv`).
const APPLICATION_ID: i32 = 0x6170_7276;

/// Each step makes a file of the version before into one of its own; the first makes an empty file into version 1.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// The version that this program writes.
fn known() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Brings the file up to date.
///
/// # Errors
/// [`StoreError::TooNew`] when a newer program wrote it; when it is another program's database.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let fail = failed("the store's file cannot be brought up to date");
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(&fail)?;
    let pragma =
        |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(&fail);
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    let empty: bool = transaction
        .query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
        .map_err(&fail)?;
    if application != APPLICATION_ID && !(application == 0 && version == 0 && empty) {
        return Err(StoreError::unavailable(
            "the file is another program's SQLite database (give the store a file of its own)",
        ));
    }
    if found > known() {
        return Err(StoreError::TooNew { found, known: known() });
    }
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    for step in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(step).map_err(&fail)?;
    }
    if found < known() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(&fail)?;
        transaction.pragma_update(None, "user_version", known()).map_err(&fail)?;
    }
    transaction.commit().map_err(&fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file as version `version` of this program left it.
    fn older(version: usize) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for step in MIGRATIONS.iter().take(version) {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        connection.pragma_update(None, "user_version", i64::try_from(version).unwrap()).unwrap();
        connection
    }

    fn tables(connection: &Connection) -> Vec<String> {
        let mut statement = connection
            .prepare(
                "SELECT coalesce(sql, name) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
            )
            .unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn every_older_file_becomes_the_same_as_a_new_one_and_keeps_its_rows() {
        let mut new = Connection::open_in_memory().unwrap();
        migrate(&mut new).unwrap();
        for version in 1..MIGRATIONS.len() {
            let mut old = older(version);
            old.execute("INSERT INTO records VALUES ('halt', 3, x'00', 0, 7)", []).unwrap();
            migrate(&mut old).unwrap();
            assert_eq!(tables(&old), tables(&new), "from version {version}");
            let kept: i64 = old
                .query_row("SELECT version FROM records WHERE name = 'halt'", [], |row| row.get(0))
                .unwrap();
            assert_eq!(kept, 3);
        }
    }

    #[test]
    fn a_newer_file_is_refused_and_left_alone() {
        let mut newer = older(MIGRATIONS.len());
        let version = i64::from(known()) + 1;
        newer.pragma_update(None, "user_version", version).unwrap();
        let error = migrate(&mut newer).unwrap_err();
        assert!(matches!(error, StoreError::TooNew { found, known } if found == known + 1), "{error}");
        let found: i64 = newer.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(found, version);
    }

    #[test]
    fn another_programs_database_is_refused() {
        let mut other = Connection::open_in_memory().unwrap();
        other.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
        assert!(migrate(&mut other).unwrap_err().to_string().contains("another program"));
        assert_eq!(tables(&other), ["CREATE TABLE bookmarks (url TEXT)"]);
    }
}
