//! Listing named records.

use approval_core::store::{Record, RecordName, StoreError};
use rusqlite::{Connection, params};

use super::{
    failure::failed,
    rows::{count, moment},
};

/// From a name on, that one included or not. Where the prefix ends is seen while reading: an operator or function of SQL
/// would take some characters for something else.
const FROM: &str = "SELECT name, version, value, updated_at FROM records WHERE name >= ?1 ORDER BY name";
const AFTER: &str = "SELECT name, version, value, updated_at FROM records WHERE name > ?1 ORDER BY name";

pub(super) fn records(
    connection: &Connection,
    prefix: &str,
    after: Option<&RecordName>,
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let fail = failed("records could not be listed");
    let (text, from) = match after.map(RecordName::as_str) {
        Some(after) if after >= prefix => (AFTER, after),
        _ => (FROM, prefix),
    };
    let mut statement = connection.prepare_cached(text).map_err(&fail)?;
    let mut rows = statement.query(params![from]).map_err(&fail)?;
    let mut records = Vec::new();
    while records.len() < limit
        && let Some(row) = rows.next().map_err(&fail)?
    {
        let name: String = row.get(0).map_err(&fail)?;
        if !name.starts_with(prefix) {
            break;
        }
        records.push(Record {
            name: RecordName::new(name),
            version: count(row.get(1).map_err(&fail)?)?,
            value: row.get(2).map_err(&fail)?,
            updated_at: moment(row.get(3).map_err(&fail)?)?,
        });
    }
    Ok(records)
}
