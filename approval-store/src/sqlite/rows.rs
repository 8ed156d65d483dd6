//! Reading single rows.

use std::sync::Arc;

use approval_core::{
    clock::Timestamp,
    id::RequestId,
    model::EventLine,
    store::{Document, Record, RecordName, StoreError, Stored},
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::failure::failed;

const LOAD: &str = "SELECT id, version, document FROM requests WHERE id = ?1";
const FIND: &str = "SELECT id, version, document FROM requests WHERE key = ?1";
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

/// A limit as a column.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A request's row, read and not decoded.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) id: Vec<u8>,
    version: i64,
    document: Vec<u8>,
}

impl Raw {
    /// Reads columns `id, version, document`.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: row.get(0)?, version: row.get(1)?, document: row.get(2)? })
    }

    /// Whether it is of this version.
    pub(super) fn is_version(&self, version: u64) -> bool {
        self.version == column(version)
    }

    /// The request.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], which names the request.
    pub(super) fn decode(self) -> Result<Stored, StoreError> {
        let unreadable = |error: StoreError| match error {
            StoreError::Unreadable { message } => {
                StoreError::unreadable(format!("request {}: {message}", shown(&self.id)))
            }
            other => other,
        };
        let version = count(self.version).map_err(unreadable)?;
        let document = Document::decode(&self.document).map_err(unreadable)?;
        if document.request().id.as_bytes()[..] != self.id[..] {
            return Err(StoreError::unreadable(format!(
                "request {}: its document is the one of request {}",
                shown(&self.id),
                document.request().id
            )));
        }
        Ok(Stored { version, request: Arc::clone(document.request()) })
    }
}

/// An id in a message, even if it is none.
pub(super) fn shown(id: &[u8]) -> String {
    uuid::Uuid::from_slice(id).map_or_else(|_| format!("{id:02x?}"), |id| id.to_string())
}

/// An id from a column.
pub(super) fn request_id(id: &[u8]) -> Result<RequestId, StoreError> {
    uuid::Uuid::from_slice(id)
        .map(RequestId::from_uuid)
        .map_err(|e| StoreError::unreadable(format!("the id {} in the store cannot be read: {e}", shown(id))))
}

pub(super) fn load(connection: &Connection, id: RequestId) -> Result<Option<Raw>, StoreError> {
    let fail = failed("a request could not be read");
    let mut statement = connection.prepare_cached(LOAD).map_err(&fail)?;
    statement.query_row([&id.as_bytes()[..]], Raw::read).optional().map_err(&fail)
}

pub(super) fn find(connection: &Connection, key: &str) -> Result<Option<Raw>, StoreError> {
    let fail = failed("a request could not be looked for");
    let mut statement = connection.prepare_cached(FIND).map_err(&fail)?;
    statement.query_row([key], Raw::read).optional().map_err(&fail)
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
