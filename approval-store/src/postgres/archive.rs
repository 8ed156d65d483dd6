//! Putting decided requests away.

use approval_core::{
    clock::Timestamp,
    model::{ExecutionState, Status},
    store::StoreError,
};
use uuid::Uuid;

use super::PostgresStore;
use crate::columns::{count, limit, micros};

const PORTION: &str = "SELECT looked_at, moved, made FROM archive_portion($1, $2, $3, $4, $5, $6)";

/// How many requests are looked at in one transaction. A change of one of them waits for no more than this.
const TOGETHER: usize = 200;

/// How far the clock that an id was made by may have been ahead of the one that says when the request was opened, in
/// milliseconds: a day.
const AHEAD: i64 = 86_400_000;

/// What [`PostgresStore::archive`] puts away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveOptions {
    /// Requests that were opened before this moment, and came to their end.
    pub before: Timestamp,
    /// About how many at the most; it goes on where it stopped when it is called again.
    pub at_most: usize,
}

/// What was put away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Archived {
    /// How many requests.
    pub requests: u64,
    /// For how many months partitions were made.
    pub partitions: u64,
}

/// The lowest id of a moment in milliseconds (RFC 9562, section 5.7).
fn lowest_id(millisecond: i64) -> Uuid {
    Uuid::from_u128(u128::from(u64::try_from(millisecond).unwrap_or_default() & 0xffff_ffff_ffff) << 80)
}

impl PostgresStore {
    /// Puts away documents, histories and settled notices of requests that came to their end: no one can decide, nothing
    /// can run or is in doubt, nothing is due and no notice waits. They move into partitions by the month in which they were
    /// opened; a small row stays behind in the working table.
    ///
    /// Nothing else changes: such a request is found, listed, verified, pruned and changed as before, under the same version,
    /// and its key stays taken. Reading it takes longer. May be called at any time, by any process, and broken off; it goes by
    /// small transactions, and leaves out what is being written.
    ///
    /// ```no_run
    /// # async fn archive(store: approval_store::PostgresStore) -> Result<(), Box<dyn std::error::Error>> {
    /// use approval_store::ArchiveOptions;
    /// let before = "2026-01-01T00:00:00Z".parse()?;
    /// let archived = store.archive(ArchiveOptions { before, at_most: 100_000 }).await?;
    /// println!("{} requests were put away", archived.requests);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When the store failed. What was put away until then stays so.
    pub async fn archive(&self, options: ArchiveOptions) -> Result<Archived, StoreError> {
        let before = micros(options.before);
        let until = lowest_id(options.before.as_millisecond().saturating_add(AHEAD));
        let most = u64::try_from(options.at_most).unwrap_or(u64::MAX);
        let (mut archived, mut after) = (Archived::default(), Uuid::nil());
        while archived.requests < most {
            let reader = &self.open()?.reader;
            let (looked_at, moved, made) = reader
                .read("requests could not be archived", move |connection| async move {
                    let statuses = Status::ALL.iter().filter(|status| !status.is_open());
                    let statuses: Vec<&str> = statuses.map(|status| status.as_str()).collect();
                    let executions = ExecutionState::ALL.iter().filter(|state| state.is_over());
                    let executions: Vec<&str> = executions.map(|state| state.as_str()).collect();
                    let statement = connection.prepare_cached(PORTION).await?;
                    let row = connection
                        .query_one(
                            &statement,
                            &[&after, &until, &before, &limit(TOGETHER), &statuses, &executions],
                        )
                        .await?;
                    let made: i32 = row.try_get(2)?;
                    Ok((row.try_get::<_, Option<Uuid>>(0)?, count(row.try_get(1)?)?, count(made.into())?))
                })
                .await?;
            archived.requests = archived.requests.saturating_add(moved);
            archived.partitions = archived.partitions.saturating_add(made);
            match looked_at {
                Some(looked_at) => after = looked_at,
                None => break,
            }
        }
        Ok(archived)
    }
}

#[cfg(test)]
mod tests {
    use approval_core::id::RequestId;

    use super::*;

    #[test]
    fn the_lowest_id_of_a_moment_is_below_its_ids_and_above_those_before() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let bound = lowest_id(at("2026-02-01T00:00:00Z").as_millisecond());
        assert!(*RequestId::generate(at("2026-01-31T23:59:59.999Z")).as_uuid() < bound);
        assert!(*RequestId::generate(at("2026-02-01T00:00:00Z")).as_uuid() > bound);
    }
}
