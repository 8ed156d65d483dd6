//! What must happen by itself.

use approval_core::{
    clock::Timestamp,
    store::{Due, StoreError},
};
use rusqlite::Connection;

use super::{
    failure::failed,
    rows::{self, micros, moment},
};

const DUE: &str = "SELECT id, version, document, due_at FROM requests WHERE namespace = ?1 AND due_at IS NOT NULL ORDER BY due_at";

/// Goes along the index until the limit is reached, or something that is not due yet. A document that cannot be read is
/// reported and passed over: it must not keep the deadlines of all others from being seen.
pub(super) fn due(
    connection: &Connection,
    namespace: &str,
    now: Timestamp,
    limit: usize,
) -> Result<Due, StoreError> {
    let fail = failed("what is due could not be looked for");
    let mut statement = connection.prepare_cached(DUE).map_err(&fail)?;
    let mut rows = statement.query([namespace]).map_err(&fail)?;
    let mut due = Due::default();
    while let Some(row) = rows.next().map_err(&fail)? {
        let at: i64 = row.get(3).map_err(&fail)?;
        if at > micros(now) || due.items.len() >= limit {
            due.next = Some(moment(at)?);
            break;
        }
        match rows::raw(row).map_err(&fail)?.decode() {
            Ok(stored) => due.items.push(stored),
            Err(error) => tracing::error!(%error, "a request that is due is passed over"),
        }
    }
    Ok(due)
}
