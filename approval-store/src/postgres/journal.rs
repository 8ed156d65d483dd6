//! Reading the journal.

use std::sync::Arc;

use approval_core::store::{JournalEntry, StoreError};

use super::reader::Reader;
use crate::columns::{column, in_order, journal_entry, limit, numbered};

/// Nothing of a batch, or after one, that may still be written: lines become visible in the order of their numbers.
const IMPORT: &str = "SELECT import_journal($1, $2)";
const READ: &str = "SELECT number, line FROM journal WHERE number > $1 AND number < ($2::bigint << 20)
    ORDER BY number LIMIT $3";

/// Appends lines under numbers that they have already. Whether they come after all that are there.
pub(super) async fn import(reader: &Reader, entries: &[JournalEntry]) -> Result<bool, StoreError> {
    let entries = numbered(entries)?;
    if !in_order(&entries, 0) {
        return Ok(false);
    }
    let (numbers, lines): (Vec<i64>, Vec<String>) = entries.into_iter().unzip();
    let lines = Arc::new((numbers, lines));
    reader
        .read("the journal could not be written", move |connection| {
            let lines = Arc::clone(&lines);
            async move {
                let statement = connection.prepare_cached(IMPORT).await?;
                Ok(connection.query_one(&statement, &[&lines.0, &lines.1]).await?.try_get(0)?)
            }
        })
        .await
}

pub(super) async fn read(
    reader: &Reader,
    tag: i32,
    after: u64,
    most: usize,
) -> Result<Vec<JournalEntry>, StoreError> {
    reader
        .read("the journal could not be read", move |connection| async move {
            // In a statement of its own: what it finds settled, the next one sees.
            let bound = super::changes::unsettled(&connection, tag).await?;
            let statement = connection.prepare_cached(READ).await?;
            let found = connection.query(&statement, &[&column(after), &bound, &limit(most)]).await?;
            found.iter().map(|row| Ok(journal_entry(row.try_get(0)?, row.try_get(1)?)?)).collect()
        })
        .await
}
