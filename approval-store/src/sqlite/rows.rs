//! Reading single rows.

use std::sync::Arc;

use approval_core::{
    id::RequestId,
    model::EventLine,
    store::{Record, RecordName, StoreError},
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::failure::failed;
pub(super) use crate::columns::{Raw, column, count, limit, micros, moment, request_id};

const LOAD: &str = "SELECT id, version, document FROM requests WHERE id = ?1";
const FIND: &str = "SELECT id, version, document FROM requests WHERE key = ?1";
const HISTORY: &str = "SELECT seq, line FROM events WHERE request = ?1 ORDER BY seq";
const RECORD: &str = "SELECT version, value, updated_at FROM records WHERE name = ?1";

/// Reads columns `id, version, document`.
pub(super) fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(Raw { id: row.get(0)?, version: row.get(1)?, document: row.get(2)? })
}

pub(super) fn load(connection: &Connection, id: RequestId) -> Result<Option<Raw>, StoreError> {
    let fail = failed("a request could not be read");
    let mut statement = connection.prepare_cached(LOAD).map_err(&fail)?;
    statement.query_row([&id.as_bytes()[..]], raw).optional().map_err(&fail)
}

pub(super) fn find(connection: &Connection, key: &str) -> Result<Option<Raw>, StoreError> {
    let fail = failed("a request could not be looked for");
    let mut statement = connection.prepare_cached(FIND).map_err(&fail)?;
    statement.query_row([key], raw).optional().map_err(&fail)
}

pub(super) fn history(connection: &Connection, id: RequestId) -> Result<Vec<EventLine>, StoreError> {
    let fail = failed("a history could not be read");
    let mut statement = connection.prepare_cached(HISTORY).map_err(&fail)?;
    let lines = statement.query_map([&id.as_bytes()[..]], |row| {
        let text: Arc<str> = row.get_ref(1)?.as_str()?.into();
        Ok(count(row.get(0)?).map(|seq| EventLine { seq, text }))
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
