//! Rows as values.

use approval_core::store::{Record, RecordName, StoreError};
use tokio_postgres::Row;
use uuid::Uuid;

use super::reader::Fault;
use crate::columns::{Raw, RawNotice, count, moment};

/// Columns `id, version, document`.
pub(super) fn raw(row: &Row) -> Result<Raw, tokio_postgres::Error> {
    let id: Uuid = row.try_get(0)?;
    // Empty if its partition of the archive is not there: that request cannot be read, and others can.
    let document: Option<Vec<u8>> = row.try_get(2)?;
    Ok(Raw { id: id.as_bytes().to_vec(), version: row.try_get(1)?, document: document.unwrap_or_default() })
}

/// Columns `name, version, value, updated_at`.
pub(super) fn record(row: &Row) -> Result<Record, Fault> {
    let name = String::from_utf8(row.try_get(0)?)
        .map_err(|_| StoreError::unreadable("the name of a record in the store is no text"))?;
    Ok(Record {
        name: RecordName::new(name),
        version: count(row.try_get(1)?)?,
        value: row.try_get(2)?,
        updated_at: moment(row.try_get(3)?)?,
    })
}

/// Columns `body, delivery`, from this one on.
pub(super) fn notice(row: &Row, first: usize) -> Result<RawNotice, tokio_postgres::Error> {
    Ok(RawNotice { body: row.try_get(first)?, delivery: row.try_get(first.saturating_add(1))? })
}
