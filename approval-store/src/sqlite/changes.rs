//! Which histories grew, and removing requests.

use approval_core::{
    clock::Timestamp,
    store::{Change, ChangeCursor, Changes, Removal, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    batch::Batch,
    commit::Verdict,
    failure::failed,
    job::Task,
    rows::{self, column, count, limit, request_id},
    stats,
};

/// The numbers are in the order of the commits: a writer holds the lock of the whole file. What marks the place of
/// removed lines has an empty name of a request.
const CHANGED: &str =
    "SELECT number, request FROM events NOT INDEXED WHERE number > ?1 ORDER BY number LIMIT ?2";
const REMOVE: &str = "DELETE FROM requests WHERE id = ?1";
/// A number is never given twice, or a reader that follows them would miss what comes: the highest one stays taken.
const OLD_MARK: &str = "DELETE FROM events WHERE request = x'' AND number < (SELECT max(number) FROM events)";
const MARK: &str = "UPDATE events SET request = x'', seq = number, line = ''
    WHERE request = ?1 AND number = (SELECT max(number) FROM events)";
const REMOVE_EVENTS: &str = "DELETE FROM events WHERE request = ?1";
const REMOVE_NOTICES: &str = "DELETE FROM notices WHERE request = ?1";

pub(super) fn changes(
    connection: &Connection,
    after: &ChangeCursor,
    most: usize,
) -> Result<Changes, StoreError> {
    let fail = failed("the changes of histories could not be read");
    let after = after.number()?;
    let most = most.max(1);
    let mut statement = connection.prepare_cached(CHANGED).map_err(&fail)?;
    let mut rows = statement.query(params![column(after), limit(most)]).map_err(&fail)?;
    let (mut requests, mut last, mut read) = (Vec::new(), after, 0_usize);
    while let Some(row) = rows.next().map_err(&fail)? {
        read = read.saturating_add(1);
        last = count(row.get(0).map_err(&fail)?)?;
        let request = row.get_ref(1).and_then(|id| Ok(id.as_blob()?)).map_err(&fail)?;
        if !request.is_empty() {
            requests.push(request_id(request)?);
        }
    }
    requests.sort_unstable();
    requests.dedup();
    Ok(Changes { requests, next: ChangeCursor::after_number(last), more: read >= most })
}

/// Removes a request.
pub(super) struct RemoveTask(pub(super) Removal);

impl Task for RemoveTask {
    type Outcome = Verdict;

    fn run(&self, batch: &mut Batch<'_>, now: Timestamp) -> Result<Verdict, StoreError> {
        let fail = failed("a request could not be removed");
        let Removal { request, version } = self.0;
        let id = &request.as_bytes()[..];
        let there = rows::load(batch.connection(), request)?;
        if !there.as_ref().is_some_and(|raw| raw.is_version(version)) {
            return Ok(Verdict::Conflict(there));
        }
        stats::before_removal(batch, request)?;
        batch.statement(OLD_MARK, &fail)?.execute([]).map_err(&fail)?;
        batch.statement(REMOVE, &fail)?.execute([id]).map_err(&fail)?;
        for text in [MARK, REMOVE_EVENTS, REMOVE_NOTICES] {
            batch.statement(text, &fail)?.execute([id]).map_err(&fail)?;
        }
        batch.changes.push(Change::Request { id: request, stored: None });
        Ok(Verdict::Committed { at: now, version: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_found_by_their_number_alone_and_removed_rows_by_their_request() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("approvals.db");
        drop(crate::SqliteStore::open(&file).unwrap());
        let connection = Connection::open(&file).unwrap();
        let plan = |text: &str| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
            let steps = statement.raw_query().mapped(|row| row.get::<_, String>(3));
            steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
        };
        assert!(plan(CHANGED).contains("USING INTEGER PRIMARY KEY (rowid"), "{}", plan(CHANGED));
        assert!(!plan(CHANGED).contains("TEMP B-TREE"), "{}", plan(CHANGED));
        for text in [OLD_MARK, REMOVE_EVENTS] {
            assert!(plan(text).contains("events_request (request=?"), "{text}: {}", plan(text));
        }
        assert!(plan(REMOVE_NOTICES).contains("notices_request (request=?"));
    }
}
