//! Figures over all requests, exact and without reading them all.
//!
//! Nothing is added to the writes of requests. The numbers of events say which requests changed since the last look; those
//! are looked at when figures are asked for, in steps, so that the writer is never held for long. What is open is counted by
//! subject; each decision leaves a few bytes, together with many others in one row, from which rates and percentiles of any
//! range of time are computed.

mod facts;
mod fold;
mod names;
mod read;

use approval_core::{
    model::{Stats, StatsQuery},
    store::StoreError,
};
use rusqlite::Connection;

use fold::FoldTask;
pub(super) use fold::before_removal;

use super::{SqliteStore, failure::failed, rows::count};

/// How often it is read again when others count at the same time.
const ROUNDS: usize = 100;

const PLACES: &str = "SELECT (SELECT number FROM stats_place), (SELECT coalesce(max(number), 0) FROM events)";

/// The last event that was looked at, and the last one that there is.
fn places(connection: &Connection) -> Result<(u64, u64), StoreError> {
    let fail = failed("the place of the statistics could not be read");
    let mut statement = connection.prepare_cached(PLACES).map_err(&fail)?;
    let (done, last) =
        statement.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).map_err(&fail)?;
    Ok((count(done)?, count(last)?))
}

/// Looks at what changed until now, then counts.
pub(super) async fn stats(store: &SqliteStore, query: &StatsQuery) -> Result<Stats, StoreError> {
    let (mut done, last) = store.readers.single(places)?;
    while done < last {
        let next = store.write(FoldTask).await?;
        if next <= done {
            break;
        }
        done = next;
    }
    for _ in 0..ROUNDS {
        let (of_requests, of_votes) = (query.clone(), query.clone());
        // Most of the work goes into the order of times, and each half has its own.
        let (requests, votes) = tokio::join!(
            store.readers.scan(move |connection| read::requests(connection, &of_requests)),
            store.readers.scan(move |connection| read::votes(connection, &of_votes)),
        );
        let (requests, votes) = (requests?, votes?);
        // Another process may have counted more between the two.
        if requests.state == votes.state {
            let Stats { votes, by_approver, by_channel, .. } = votes.stats;
            let mut stats = requests.stats;
            (stats.votes, stats.by_approver, stats.by_channel) = (votes, by_approver, by_channel);
            return Ok(stats);
        }
    }
    Err(StoreError::unavailable("others kept counting at the same time; try again"))
}
