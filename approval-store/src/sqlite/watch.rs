//! What other processes wrote on the same file.

use approval_core::store::{Change, RecordName, StoreError};
use rusqlite::Connection;

use super::{failure::failed, rows::request_id};

const DATA_VERSION: &str = "PRAGMA data_version";
const LAST_EVENT: &str = "SELECT coalesce(max(number), 0) FROM events";
const LAST_RECORD: &str = "SELECT coalesce(max(number), 0) FROM record_log";
/// `NOT INDEXED` leaves the way by the number alone: SQLite would go through the whole index by request, which is in the order
/// that `DISTINCT` wants.
const EVENTS_AFTER: &str =
    "SELECT DISTINCT request FROM events NOT INDEXED WHERE number > ?1 AND request <> x''";
const RECORDS_AFTER: &str = "SELECT number, name FROM record_log WHERE number > ?1 ORDER BY number";
/// How many writes of records are remembered, at least.
const REMEMBERED: i64 = 4096;
const FORGET: &str = "DELETE FROM record_log WHERE number <= ?1";

/// How much of the file this process knows of. All by the connection that writes, whose own changes SQLite does not count
/// as changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// SQLite's own count of changes by other connections: one look at shared memory tells whether there were any.
    data_version: i64,
    event: i64,
    record: i64,
}

impl Seen {
    /// Everything that is there. In a transaction, or it may be more than one moment.
    pub(super) fn all(connection: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            data_version: number(connection, DATA_VERSION)?,
            event: number(connection, LAST_EVENT)?,
            record: number(connection, LAST_RECORD)?,
        })
    }

    /// Whether others have written since.
    pub(super) fn is_outdated(&self, connection: &Connection) -> Result<bool, StoreError> {
        Ok(number(connection, DATA_VERSION)? != self.data_version)
    }

    /// What others wrote since.
    pub(super) fn changes(&self, connection: &Connection) -> Result<Vec<Change>, StoreError> {
        let fail = failed("the changes of other processes could not be read");
        // Any of their changes may be to the outbox, which keeps no log.
        let mut changes = vec![Change::Notices];
        let mut statement = connection.prepare_cached(EVENTS_AFTER).map_err(&fail)?;
        let mut rows = statement.query([self.event]).map_err(&fail)?;
        while let Some(row) = rows.next().map_err(&fail)? {
            let id = row.get_ref(0).map_err(&fail)?;
            let id = request_id(id.as_blob().map_err(|e| fail(e.into()))?)?;
            changes.push(Change::Request { id, stored: None });
        }
        let mut statement = connection.prepare_cached(RECORDS_AFTER).map_err(&fail)?;
        let mut rows = statement.query([self.record]).map_err(&fail)?;
        let mut expected = self.record.saturating_add(1);
        while let Some(row) = rows.next().map_err(&fail)? {
            if row.get::<_, i64>(0).map_err(&fail)? != expected {
                // It was forgotten before this process looked.
                return Ok(vec![Change::Everything]);
            }
            expected = expected.saturating_add(1);
            changes.push(Change::Record(RecordName::new(row.get::<_, String>(1).map_err(&fail)?)));
        }
        Ok(changes)
    }

    /// Forgets old writes of records, from time to time. In a transaction that writes.
    pub(super) fn forget(&self, connection: &Connection, now: &Self) -> Result<(), StoreError> {
        if now.record / REMEMBERED == self.record / REMEMBERED {
            return Ok(());
        }
        let fail = failed("old writes of records could not be forgotten");
        let mut statement = connection.prepare_cached(FORGET).map_err(&fail)?;
        statement.execute([now.record.saturating_sub(REMEMBERED)]).map_err(&fail)?;
        Ok(())
    }
}

fn number(connection: &Connection, text: &'static str) -> Result<i64, StoreError> {
    let fail = failed("the store's file cannot be read");
    let mut statement = connection.prepare_cached(text).map_err(&fail)?;
    statement.query_row([], |row| row.get(0)).map_err(&fail)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn what_others_wrote_is_found_without_reading_all_that_was_ever_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("approvals.db");
        drop(crate::SqliteStore::open(&file).unwrap());
        let connection = Connection::open(&file).unwrap();
        for text in [EVENTS_AFTER, RECORDS_AFTER, FORGET] {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
            let plan: Vec<String> =
                statement.query_map([0], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
            assert!(plan[0].contains("USING INTEGER PRIMARY KEY (rowid"), "{text}: {plan:?}");
        }
    }
}
