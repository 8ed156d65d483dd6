//! Listing named records.

use approval_core::store::{Record, RecordName, StoreError};

use super::{reader::Reader, rows};
use crate::columns::limit;

/// From a name on, that one included or not, up to where the prefix ends; `null`: nowhere.
const FROM: &str = "SELECT name, version, value, updated_at FROM records
    WHERE name >= $1 AND ($2::bytea IS NULL OR name < $2) ORDER BY name LIMIT $3";
const AFTER: &str = "SELECT name, version, value, updated_at FROM records
    WHERE name > $1 AND ($2::bytea IS NULL OR name < $2) ORDER BY name LIMIT $3";

/// The first name after all that begin with this prefix. Text never has the byte 0xff.
fn end(prefix: &str) -> Option<Vec<u8>> {
    let mut end = prefix.as_bytes().to_vec();
    let last = end.last_mut()?;
    *last = last.saturating_add(1);
    Some(end)
}

pub(super) async fn records(
    reader: &Reader,
    prefix: &str,
    after: Option<&RecordName>,
    most: usize,
) -> Result<Vec<Record>, StoreError> {
    let (text, from) = match after.map(RecordName::as_str) {
        Some(after) if after >= prefix => (AFTER, after),
        _ => (FROM, prefix),
    };
    let (from, end, most) = (from.as_bytes().to_vec(), end(prefix), limit(most));
    reader
        .read("records could not be listed", move |connection| {
            let (from, end) = (from.clone(), end.clone());
            async move {
                let statement = connection.prepare_cached(text).await?;
                let found = connection.query(&statement, &[&from, &end, &most]).await?;
                found.iter().map(rows::record).collect()
            }
        })
        .await
}
