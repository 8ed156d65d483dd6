//! Which histories grew, and removing requests.

use approval_core::{
    id::RequestId,
    store::{Change, ChangeCursor, Changes, CommitOutcome, Removal, StoreError},
};
use deadpool_postgres::Object;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{
    Shared,
    reader::{Fault, Reader},
};
use crate::columns::{column, count, limit, moment};

const UNSETTLED: &str = "SELECT unsettled_batch($1)";
const CHANGED: &str =
    "SELECT batch, requests FROM changes WHERE batch > $1 AND batch < $2 ORDER BY batch LIMIT $3";
const REMOVE: &str = "SELECT remove_request($1, $2, $3, $4, $5, $6)";

/// The first number of a batch that may still be written.
pub(super) async fn unsettled(connection: &Object, tag: i32) -> Result<i64, tokio_postgres::Error> {
    let statement = connection.prepare_cached(UNSETTLED).await?;
    connection.query_one(&statement, &[&tag]).await?.try_get(0)
}

/// The same, where statements are not kept.
pub(super) async fn unsettled_now(client: &Client, tag: i32) -> Result<i64, tokio_postgres::Error> {
    client.query_one(UNSETTLED, &[&tag]).await?.try_get(0)
}

pub(super) async fn changes(
    reader: &Reader,
    tag: i32,
    after: &ChangeCursor,
    most: usize,
) -> Result<Changes, StoreError> {
    let after = after.number()?;
    let most = most.max(1);
    reader
        .read("the changes of histories could not be read", move |connection| async move {
            // In a statement of its own: what it finds settled, the next one sees.
            let bound = unsettled(&connection, tag).await?;
            let statement = connection.prepare_cached(CHANGED).await?;
            let found = connection.query(&statement, &[&column(after), &bound, &limit(most)]).await?;
            collect(&found, after, most)
        })
        .await
}

/// Whole batches, until there are enough requests.
fn collect(found: &[tokio_postgres::Row], after: u64, most: usize) -> Result<Changes, Fault> {
    let (mut requests, mut last, mut read) = (Vec::new(), after, 0_usize);
    for row in found {
        last = count(row.try_get(0)?)?;
        read = read.saturating_add(1);
        let batch: Vec<Uuid> = row.try_get(1)?;
        requests.extend(batch.into_iter().map(RequestId::from_uuid));
        if requests.len() >= most {
            break;
        }
    }
    let more = read < found.len() || found.len() >= most;
    requests.sort_unstable();
    requests.dedup();
    Ok(Changes { requests, next: ChangeCursor::after_number(last), more })
}

/// Removes a request with all that hangs on it, if it has this version.
pub(super) async fn remove(shared: &Shared, removal: Removal) -> Result<CommitOutcome, StoreError> {
    let Removal { request, version } = removal;
    let (me, tag, given) = (shared.me, shared.tag, shared.time.given());
    let topic = super::topic(&shared.schema);
    let done: Option<i64> = shared
        .reader
        .read("a request could not be removed", move |connection| {
            let topic = topic.clone();
            async move {
                let statement = connection.prepare_cached(REMOVE).await?;
                let row = connection
                    .query_one(&statement, &[&me, request.as_uuid(), &column(version), &given, &tag, &topic])
                    .await?;
                Ok(row.try_get(0)?)
            }
        })
        .await?;
    match done {
        Some(at) => {
            shared.listeners.tell(&[Change::Request { id: request, stored: None }]);
            Ok(CommitOutcome::Committed { at: moment(at)?, version: 0 })
        }
        None => Ok(CommitOutcome::Conflict(shared.reader.load(request).await?)),
    }
}
