//! What must happen by itself, shared among processes: each gets what no other looks after.

use std::{collections::HashMap, sync::Arc, time::Duration};

use approval_core::store::{Due, StoreError};
use uuid::Uuid;

use super::{reader::Reader, rows, text};
use crate::columns::{Raw, limit, moment};

const CLAIM: &str = "SELECT claimed, next FROM claim_due($1, $2, $3, $4, $5, $6)";
const LOAD: &str =
    "SELECT id, version, coalesce(document, archived_document(id)) FROM requests WHERE id = ANY ($1)";

/// A document that cannot be read is reported and passed over: it must not keep the deadlines of all others from being
/// seen.
pub(super) async fn due(
    reader: &Reader,
    (me, namespace): (Uuid, &str),
    lease: Duration,
    given: Option<i64>,
    most: usize,
) -> Result<Due, StoreError> {
    // No lease is longer.
    let lease = i64::try_from(lease.as_micros()).unwrap_or(i64::MAX / 4);
    let namespace: Arc<str> = text::column(namespace).into();
    let mut unreadable: Vec<Uuid> = Vec::new();
    loop {
        let left_out: Arc<[Uuid]> = unreadable.as_slice().into();
        let tenant = Arc::clone(&namespace);
        let (found, next) = reader
            .read("what is due could not be claimed", move |connection| {
                let (left_out, namespace) = (Arc::clone(&left_out), Arc::clone(&tenant));
                async move {
                    let statement = connection.prepare_cached(CLAIM).await?;
                    let row = connection
                        .query_one(
                            &statement,
                            &[&me, &&*namespace, &given, &lease, &limit(most), &&*left_out],
                        )
                        .await?;
                    let (claimed, next): (Vec<Uuid>, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
                    if claimed.is_empty() {
                        return Ok((Vec::new(), next));
                    }
                    let statement = connection.prepare_cached(LOAD).await?;
                    let rows = connection.query(&statement, &[&claimed]).await?;
                    let mut found: HashMap<Vec<u8>, Raw> = HashMap::with_capacity(rows.len());
                    for row in &rows {
                        let raw = rows::raw(row)?;
                        found.insert(raw.id.clone(), raw);
                    }
                    let in_order =
                        claimed.iter().filter_map(|id| Some((*id, found.remove(&id.as_bytes()[..])?)));
                    Ok((in_order.collect(), next))
                }
            })
            .await?;
        let before = unreadable.len();
        let mut due = Due { items: Vec::with_capacity(found.len()), next: next.map(moment).transpose()? };
        for (id, raw) in found {
            match raw.decode() {
                Ok(stored) => due.items.push(stored),
                Err(error) => {
                    tracing::error!(%error, "a request that is due is passed over");
                    unreadable.push(id);
                }
            }
        }
        if unreadable.len() == before {
            return Ok(due);
        }
    }
}
