//! Reading many rows.

use approval_core::{
    clock::Timestamp,
    model::{ExecutionState, Status},
    store::{Due, JournalEntry, Order, Page, Query, Record, RecordName, StoreError, Stored},
};
use rusqlite::{Connection, OptionalExtension, params, types::Value};

use super::{
    failure::failed,
    rows::{column, count, micros, moment, stored},
};

const DUE: &str = "SELECT version, document FROM requests WHERE due_at <= ?1 ORDER BY due_at, id LIMIT ?2";
const NEXT_DUE: &str =
    "SELECT due_at FROM requests WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1 OFFSET ?1";
const RECORDS: &str = "SELECT name, version, value, updated_at FROM records
    WHERE name > ?1 AND name >= ?2 AND substr(name, 1, length(?2)) = ?2 ORDER BY name LIMIT ?3";
const JOURNAL: &str = "SELECT number, line FROM journal WHERE number > ?1 ORDER BY number LIMIT ?2";

/// One condition of a query: its fixed text, and the value for its parameter. `IN` takes a JSON array, so that one text
/// serves any number of words.
struct Condition {
    text: &'static str,
    value: Value,
}

fn conditions(query: &Query) -> Vec<Condition> {
    let text = |words: &mut dyn Iterator<Item = &'static str>| {
        let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
        Value::Text(format!("[{}]", words.join(",")))
    };
    let mut conditions = Vec::new();
    let mut add = |text, value: Option<Value>| {
        if let Some(value) = value {
            conditions.push(Condition { text, value });
        }
    };
    let word =
        |word: &Option<approval_core::model::Text>| word.as_deref().map(|word| Value::Text(word.to_owned()));
    let status =
        (!query.status.is_empty()).then(|| text(&mut query.status.iter().copied().map(Status::as_str)));
    let execution = (!query.execution.is_empty())
        .then(|| text(&mut query.execution.iter().copied().map(ExecutionState::as_str)));
    add(" AND status IN (SELECT value FROM json_each(?))", status);
    add(" AND execution IN (SELECT value FROM json_each(?))", execution);
    add(" AND namespace = ?", word(&query.namespace));
    add(" AND action = ?", word(&query.action));
    add(" AND requester = ?", word(&query.requester));
    add(" AND run = ?", word(&query.run));
    add(" AND executor = ?", query.executor.map(|executor| Value::Blob(executor.as_bytes().to_vec())));
    add(" AND created_at >= ?", query.created_from.map(|at| Value::Integer(micros(at))));
    add(" AND created_at < ?", query.created_before.map(|at| Value::Integer(micros(at))));
    let after = query.after.map(|id| Value::Blob(id.as_bytes().to_vec()));
    match query.order {
        Order::Ascending => add(" AND id > ?", after),
        Order::Descending => add(" AND id < ?", after),
    }
    conditions
}

pub(super) fn list(connection: &Connection, query: &Query) -> Result<Page, StoreError> {
    let fail = failed("requests could not be listed");
    let limit = query.limit.max(1);
    let conditions = conditions(query);
    // Fixed pieces in a fixed order: a few dozen different statements at the most, which the cache keeps prepared.
    let mut sql = String::from("SELECT version, document FROM requests WHERE 1");
    for condition in &conditions {
        sql.push_str(condition.text);
    }
    sql.push_str(match query.order {
        Order::Ascending => " ORDER BY id LIMIT ?",
        Order::Descending => " ORDER BY id DESC LIMIT ?",
    });
    let more = Value::Integer(column((limit as u64).saturating_add(1)));
    let values: Vec<Value> = conditions.into_iter().map(|condition| condition.value).chain([more]).collect();
    let mut statement = connection.prepare_cached(&sql).map_err(&fail)?;
    let rows = statement.query_map(rusqlite::params_from_iter(values), stored).map_err(&fail)?;
    let mut items = rows.map(|row| row.map_err(&fail)?).collect::<Result<Vec<Stored>, _>>()?;
    let next = (items.len() > limit).then(|| {
        items.truncate(limit);
        items.last().map(|stored| stored.request.id)
    });
    Ok(Page { items, next: next.flatten() })
}

pub(super) fn due(connection: &Connection, now: Timestamp, limit: usize) -> Result<Due, StoreError> {
    let fail = failed("what is due could not be looked for");
    let mut statement = connection.prepare_cached(DUE).map_err(&fail)?;
    let rows = statement.query_map(params![micros(now), column(limit as u64)], stored).map_err(&fail)?;
    let items = rows.map(|row| row.map_err(&fail)?).collect::<Result<Vec<Stored>, _>>()?;
    let mut statement = connection.prepare_cached(NEXT_DUE).map_err(&fail)?;
    let next: Option<i64> =
        statement.query_row([column(items.len() as u64)], |row| row.get(0)).optional().map_err(&fail)?;
    Ok(Due { items, next: next.map(moment).transpose()? })
}

pub(super) fn records(
    connection: &Connection,
    prefix: &str,
    after: Option<&RecordName>,
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let fail = failed("records could not be listed");
    let mut statement = connection.prepare_cached(RECORDS).map_err(&fail)?;
    let after = after.map_or("", RecordName::as_str);
    let rows = statement.query_map(params![after, prefix, column(limit as u64)], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, i64>(1)?,
            row.get::<_, Vec<u8>>(2)?,
            row.get::<_, i64>(3)?,
        ))
    });
    let rows = rows.map_err(&fail)?;
    rows.map(|row| {
        let (name, version, value, at) = row.map_err(&fail)?;
        Ok(Record { name: RecordName::new(name), version: count(version)?, value, updated_at: moment(at)? })
    })
    .collect()
}

pub(super) fn journal(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Vec<JournalEntry>, StoreError> {
    let fail = failed("the journal could not be read");
    let mut statement = connection.prepare_cached(JOURNAL).map_err(&fail)?;
    let rows = statement.query_map([column(after), column(limit as u64)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    });
    let rows = rows.map_err(&fail)?;
    rows.map(|row| {
        let (number, line) = row.map_err(&fail)?;
        let line = serde_json::from_str(&line).map_err(|e| {
            StoreError::unreadable(format!("line {number} of the journal cannot be read: {e}"))
        })?;
        Ok(JournalEntry { number: count(number)?, line })
    })
    .collect()
}
