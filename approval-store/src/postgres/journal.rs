//! Reading the journal.

use approval_core::store::{JournalEntry, StoreError};

use super::reader::Reader;
use crate::columns::{column, journal_entry, limit};

/// Nothing of a batch, or after one, that may still be written: lines become visible in the order of their numbers.
const READ: &str = "SELECT number, line FROM journal WHERE number > $1 AND number < ($2::bigint << 20)
    ORDER BY number LIMIT $3";

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
