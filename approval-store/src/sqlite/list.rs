//! Finding requests by their columns.

use approval_core::{
    model::{ExecutionState, Status},
    store::{Order, Page, Query, StoreError},
};
use rusqlite::{Connection, named_params};

use super::{
    failure::failed,
    rows::{self, Raw, limit, micros},
};
use crate::columns::listed;

/// One fixed text for each index that is gone along and each direction. `:after` is always a bound, so that it is one on
/// the index; the other filters are null when they are not asked for.
macro_rules! select {
    ($along:literal) => {
        [select!($along, ">", "ASC"), select!($along, "<", "DESC")]
    };
    ($along:literal, $than:literal, $order:literal) => {
        concat!(
            "SELECT id, version, document FROM requests INDEXED BY ",
            $along,
            " AND id ",
            $than,
            " :after
            AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
            AND (:executions IS NULL OR execution IN (SELECT value FROM json_each(:executions)))
            AND (:namespace IS NULL OR namespace = :namespace)
            AND (:action IS NULL OR action = :action)
            AND (:requester IS NULL OR requester = :requester)
            AND (:run IS NULL OR run = :run)
            AND (:executor IS NULL OR executor = :executor)
            AND (:created_from IS NULL OR created_at >= :created_from)
            AND (:created_before IS NULL OR created_at < :created_before)
            ORDER BY id ",
            $order,
            " LIMIT :limit"
        )
    };
}

/// All by id, oldest or newest first.
const BY_ID: [&str; 2] = select!("requests_id WHERE :along IS NULL");
/// Those of one status.
const BY_STATUS: [&str; 2] = select!("requests_status WHERE status = :along");
/// Those of one state of execution.
const BY_EXECUTION: [&str; 2] = select!("requests_execution WHERE execution = :along");
/// Those of one run.
const BY_RUN: [&str; 2] = select!("requests_run WHERE run = :along");

/// Sorts after every id.
const BEHIND_ALL: [u8; 17] = [0xff; 17];

/// The index to go along, and the values on it: each value is a walk in the order of ids.
fn walks(query: &Query) -> ([&'static str; 2], Vec<Option<&str>>) {
    if query.executor.is_some() && query.execution.is_empty() {
        // Only what is being executed has an executor.
        (BY_EXECUTION, vec![Some(ExecutionState::Executing.as_str())])
    } else if !query.execution.is_empty() {
        (BY_EXECUTION, distinct(query.execution.iter().map(|state| state.as_str())))
    } else if let Some(run) = &query.run {
        (BY_RUN, vec![Some(run)])
    } else if !query.status.is_empty() && query.status.len() < Status::ALL.len() {
        (BY_STATUS, distinct(query.status.iter().map(|status| status.as_str())))
    } else {
        (BY_ID, vec![None])
    }
}

fn distinct(words: impl Iterator<Item = &'static str>) -> Vec<Option<&'static str>> {
    let mut words: Vec<_> = words.map(Some).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Words as a JSON array; null if there are none.
fn array(words: impl Iterator<Item = &'static str>) -> Option<String> {
    let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    (!words.is_empty()).then(|| format!("[{}]", words.join(",")))
}

pub(super) fn list(connection: &Connection, query: &Query) -> Result<Page, StoreError> {
    let most = query.limit.max(1);
    let mut found = Vec::new();
    let (texts, along) = walks(query);
    for value in along {
        walk(connection, query, texts, value, most.saturating_add(1), &mut found)?;
    }
    match query.order {
        Order::Ascending => found.sort_unstable_by(|a, b| a.id.cmp(&b.id)),
        Order::Descending => found.sort_unstable_by(|a, b| b.id.cmp(&a.id)),
    }
    let more = found.len() > most;
    found.truncate(most);
    let items = found.into_iter().map(|raw| listed(raw, query)).collect::<Result<Vec<_>, _>>()?;
    let next = items.last().filter(|_| more).map(|stored| stored.request.id);
    Ok(Page { items, next })
}

/// The first `most` of one walk.
fn walk(
    connection: &Connection,
    query: &Query,
    [oldest_first, newest_first]: [&'static str; 2],
    along: Option<&str>,
    most: usize,
    found: &mut Vec<Raw>,
) -> Result<(), StoreError> {
    let fail = failed("requests could not be listed");
    let (text, end): (_, &[u8]) = match query.order {
        Order::Ascending => (oldest_first, &[]),
        Order::Descending => (newest_first, &BEHIND_ALL),
    };
    let mut statement = connection.prepare_cached(text).map_err(&fail)?;
    let rows = statement.query_map(
        named_params! {
            ":along": along,
            ":after": query.after.as_ref().map_or(end, |id| &id.as_bytes()[..]),
            ":statuses": array(query.status.iter().map(|status| status.as_str())),
            ":executions": array(query.execution.iter().map(|state| state.as_str())),
            ":namespace": query.namespace.as_deref(),
            ":action": query.action.as_deref(),
            ":requester": query.requester.as_deref(),
            ":run": query.run.as_deref(),
            ":executor": query.executor.as_ref().map(|id| &id.as_bytes()[..]),
            ":created_from": query.created_from.map(micros),
            ":created_before": query.created_before.map(micros),
            ":limit": limit(most),
        },
        rows::raw,
    );
    for row in rows.map_err(&fail)? {
        found.push(row.map_err(&fail)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How SQLite goes about a query, step by step.
    fn plan(text: &str) -> String {
        let mut connection = Connection::open_in_memory().unwrap();
        super::super::schema::migrate(&mut connection).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
        let steps = statement.raw_query().mapped(|row| row.get::<_, String>(3));
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn every_list_walks_its_index_in_order_and_sorts_nothing() {
        for (texts, walked) in [
            (BY_ID, "requests_id (id"),
            (BY_STATUS, "requests_status (status=? AND id"),
            (BY_EXECUTION, "requests_execution (execution=? AND id"),
            (BY_RUN, "requests_run (run=? AND id"),
        ] {
            for text in texts {
                let plan = plan(text);
                assert!(plan.contains(walked) && !plan.contains("TEMP B-TREE"), "{text}\n{plan}");
            }
        }
    }
}
