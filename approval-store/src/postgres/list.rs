//! Finding requests by their columns.

use std::sync::Arc;

use approval_core::{
    model::{ExecutionState, Status},
    store::{Order, Page, Query, StoreError, Stored},
};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{reader::Reader, rows, text};
use crate::columns::{Raw, limit, micros};

/// A value in a statement.
type Value = Box<dyn ToSql + Send + Sync>;

/// A statement and its values.
struct Statement {
    text: String,
    values: Vec<Value>,
}

impl Statement {
    /// Adds a condition; `?` in it stands for the value.
    fn and(&mut self, condition: &str, value: impl ToSql + Send + Sync + 'static) {
        self.values.push(Box::new(value));
        let joint = if self.values.len() == 1 { " WHERE " } else { " AND " };
        self.text.push_str(joint);
        self.text.push_str(&condition.replace('?', &format!("${}", self.values.len())));
    }
}

/// The columns that a list goes along, each value in the order of ids.
enum Along {
    Ids,
    Status(Vec<Status>),
    Execution(Vec<ExecutionState>),
}

fn along(query: &Query) -> Along {
    if query.executor.is_some() && query.execution.is_empty() {
        // Only what is being executed has an executor.
        Along::Execution(vec![ExecutionState::Executing])
    } else if !query.execution.is_empty() {
        Along::Execution(query.execution.clone())
    } else if !query.status.is_empty() && query.status.len() < Status::ALL.len() {
        Along::Status(query.status.clone())
    } else {
        Along::Ids
    }
}

/// One statement for each value of the column that is gone along: each walks an index in the order of ids.
fn statements(query: &Query, most: usize) -> Vec<Statement> {
    let one = |status: Option<Status>, execution: Option<ExecutionState>| {
        let mut statement =
            Statement { text: "SELECT id, version, document FROM requests".to_owned(), values: Vec::new() };
        if let Some(status) = status {
            statement.and("status = ?", status.as_str());
        } else if !query.status.is_empty() && query.status.len() < Status::ALL.len() {
            let statuses: Vec<&'static str> = query.status.iter().map(|status| status.as_str()).collect();
            statement.and("status = ANY (?)", statuses);
        }
        if let Some(execution) = execution {
            statement.and("execution = ?", execution.as_str());
        }
        let texts = [
            ("namespace = ?", &query.namespace),
            ("action = ?", &query.action),
            ("requester = ?", &query.requester),
            ("run = ?", &query.run),
        ];
        for (condition, wanted) in texts {
            if let Some(wanted) = wanted {
                statement.and(condition, text::column(wanted).into_owned());
            }
        }
        if let Some(executor) = query.executor {
            statement.and("executor = ?", *executor.as_uuid());
        }
        if let Some(from) = query.created_from {
            statement.and("created_at >= ?", micros(from));
        }
        if let Some(before) = query.created_before {
            statement.and("created_at < ?", micros(before));
        }
        let (than, order) = match query.order {
            Order::Ascending => ("id > ?", "ASC"),
            Order::Descending => ("id < ?", "DESC"),
        };
        if let Some(after) = query.after {
            statement.and(than, *after.as_uuid());
        }
        statement.text.push_str(" ORDER BY id ");
        statement.text.push_str(order);
        statement.text.push_str(" LIMIT ");
        statement.text.push_str(&limit(most).to_string());
        statement
    };
    match along(query) {
        Along::Ids => vec![one(None, None)],
        Along::Status(mut statuses) => {
            statuses.sort_unstable_by_key(|status| status.as_str());
            statuses.dedup();
            statuses.into_iter().map(|status| one(Some(status), None)).collect()
        }
        Along::Execution(mut states) => {
            states.sort_unstable_by_key(|state| state.as_str());
            states.dedup();
            states.into_iter().map(|state| one(None, Some(state))).collect()
        }
    }
}

pub(super) async fn list(reader: &Reader, query: &Query) -> Result<Page, StoreError> {
    let most = query.limit.max(1);
    let shared = Arc::new(query.clone());
    let mut found = reader
        .read("requests could not be listed", move |connection| {
            let query = Arc::clone(&shared);
            async move {
                let mut found: Vec<(Uuid, Raw)> = Vec::new();
                for Statement { text, values } in statements(&query, most.saturating_add(1)) {
                    let statement = connection.prepare_cached(&text).await?;
                    let values: Vec<&(dyn ToSql + Sync)> =
                        values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
                    for row in connection.query(&statement, &values).await? {
                        found.push((row.try_get(0)?, rows::raw(&row)?));
                    }
                }
                Ok(found)
            }
        })
        .await?;
    match query.order {
        Order::Ascending => found.sort_unstable_by_key(|(id, _)| *id),
        Order::Descending => found.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id)),
    }
    let more = found.len() > most;
    found.truncate(most);
    let items = found.into_iter().map(|(_, raw)| decode(raw, query)).collect::<Result<Vec<_>, _>>()?;
    let next = items.last().filter(|_| more).map(|stored| stored.request.id);
    Ok(Page { items, next })
}

/// The columns found the row; the document must say the same.
fn decode(raw: Raw, query: &Query) -> Result<Stored, StoreError> {
    let stored = raw.decode()?;
    if query.matches(&stored.request) {
        Ok(stored)
    } else {
        let id = stored.request.id;
        Err(StoreError::unreadable(format!(
            "request {id}: its document and its columns say different things"
        )))
    }
}
