//! Reading single rows.

use approval_core::{
    clock::Timestamp,
    id::RequestId,
    model::EventLine,
    store::{Document, Record, RecordName, StoreError, Stored},
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::failure::failed;

const LOAD: &str = "SELECT version, document FROM requests WHERE id = ?1";
const FIND: &str = "SELECT version, document FROM requests WHERE key = ?1";
const HISTORY: &str = "SELECT seq, line FROM events WHERE request = ?1 ORDER BY seq";
const RECORD: &str = "SELECT version, value, updated_at FROM records WHERE name = ?1";

/// A moment as a column.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A moment from a column.
pub(super) fn moment(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros)
        .map_err(|e| StoreError::unreadable(format!("a time in the store cannot be read: {e}")))
}

/// A count from a column.
pub(super) fn count(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value)
        .map_err(|_| StoreError::unreadable(format!("a count in the store is negative: {value}")))
}

/// A count as a column.
pub(super) fn column(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Reads columns `version, document`.
pub(super) fn stored(row: &Row<'_>) -> rusqlite::Result<Result<Stored, StoreError>> {
    let version: i64 = row.get(0)?;
    let document = row.get_ref(1)?.as_blob()?;
    Ok(count(version).and_then(|version| {
        Ok(Stored { version, request: std::sync::Arc::clone(Document::decode(document)?.request()) })
    }))
}

pub(super) fn load(connection: &Connection, id: RequestId) -> Result<Option<Stored>, StoreError> {
    let fail = failed("a request could not be read");
    let mut statement = connection.prepare_cached(LOAD).map_err(&fail)?;
    statement.query_row([&id.as_bytes()[..]], stored).optional().map_err(&fail)?.transpose()
}

pub(super) fn find(connection: &Connection, key: &str) -> Result<Option<Stored>, StoreError> {
    let fail = failed("a request could not be looked for");
    let mut statement = connection.prepare_cached(FIND).map_err(&fail)?;
    statement.query_row([key], stored).optional().map_err(&fail)?.transpose()
}

pub(super) fn history(connection: &Connection, id: RequestId) -> Result<Vec<EventLine>, StoreError> {
    let fail = failed("a history could not be read");
    let mut statement = connection.prepare_cached(HISTORY).map_err(&fail)?;
    let lines = statement.query_map([&id.as_bytes()[..]], |row| {
        let (seq, text): (i64, String) = (row.get(0)?, row.get(1)?);
        Ok(count(seq).map(|seq| EventLine { seq, text: text.into() }))
    });
    lines.map_err(&fail)?.map(|line| line.map_err(&fail)?).collect()
}

pub(super) fn record(connection: &Connection, name: &RecordName) -> Result<Option<Record>, StoreError> {
    let fail = failed("a record could not be read");
    let mut statement = connection.prepare_cached(RECORD).map_err(&fail)?;
    let found = statement.query_row([name.as_str()], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, i64>(2)?))
    });
    let found = found.optional().map_err(&fail)?;
    found
        .map(|(version, value, at)| {
            Ok(Record { name: name.clone(), version: count(version)?, value, updated_at: moment(at)? })
        })
        .transpose()
}
