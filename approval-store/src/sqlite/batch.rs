//! The writer's open transaction, as the work inside it sees it.

use std::collections::HashMap;

use approval_core::store::{Change, RecordName, StoreError, StoreTime};
use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::{failure::failed, rows};

const RECORD_VERSION: &str = "SELECT version FROM records WHERE name = ?1";

/// One transaction of the writer.
pub(super) struct Batch<'a> {
    connection: &'a Connection,
    /// The store's time.
    pub(super) time: &'a StoreTime,
    /// Versions of records read or written in this transaction: many changes are bound to the same few.
    records: HashMap<RecordName, Option<u64>>,
    /// What listeners are notified of once it is durable.
    pub(super) changes: Vec<Change>,
    /// Called at named points, for tests that kill the process there.
    pub(super) failpoint: &'a (dyn Fn(&'static str) + Send + Sync),
}

impl<'a> Batch<'a> {
    /// Work in the transaction that is open on `connection`.
    pub(super) fn new(
        connection: &'a Connection,
        time: &'a StoreTime,
        changes: Vec<Change>,
        failpoint: &'a (dyn Fn(&'static str) + Send + Sync),
    ) -> Self {
        Self { connection, time, records: HashMap::new(), changes, failpoint }
    }

    /// The connection, for reading.
    pub(super) const fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// A statement, prepared once for the life of the connection.
    pub(super) fn statement(
        &self,
        sql: &'static str,
        fail: impl Fn(rusqlite::Error) -> StoreError,
    ) -> Result<CachedStatement<'a>, StoreError> {
        self.connection.prepare_cached(sql).map_err(fail)
    }

    /// The version of a record at this point of the transaction.
    pub(super) fn record_version(&mut self, name: &RecordName) -> Result<Option<u64>, StoreError> {
        if let Some(known) = self.records.get(name) {
            return Ok(*known);
        }
        let fail = failed("a record could not be read");
        let mut statement = self.statement(RECORD_VERSION, &fail)?;
        let found: Option<i64> =
            statement.query_row([name.as_str()], |row| row.get(0)).optional().map_err(&fail)?;
        let version = found.map(rows::count).transpose()?;
        self.records.insert(name.clone(), version);
        Ok(version)
    }

    /// Notes that a record now has this version.
    pub(super) fn note_record(&mut self, name: &RecordName, version: Option<u64>) {
        self.records.insert(name.clone(), version);
    }
}
