//! Finding requests by their columns.

use std::sync::Arc;

use approval_core::{
    model::{ExecutionState, Status},
    store::{Order, Page, Query, StoreError},
};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{reader::Reader, rows, text};
use crate::columns::{Raw, limit, listed, micros};

/// A value in a statement.
type Value = Box<dyn ToSql + Send + Sync>;

/// A statement and its values.
struct Statement {
    text: String,
    values: Vec<Value>,
}

/// What a list goes along: each walks an index, in the order of ids.
enum Along {
    Ids,
    /// One run has few requests: the rest is looked at in each of them.
    Run(String),
    Status(Vec<Status>),
    Execution(Vec<ExecutionState>),
}

fn along(query: &Query) -> Along {
    if let Some(run) = &query.run {
        Along::Run(text::column(run).into_owned())
    } else if query.executor.is_some() && query.execution.is_empty() {
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

/// One statement for each value that is gone along.
fn statements(query: &Query, most: usize) -> Vec<Statement> {
    match along(query) {
        Along::Ids => vec![Statement::among_all(query, most)],
        Along::Run(run) => vec![Statement::along("run", run, query, most)],
        Along::Status(mut statuses) => {
            statuses.sort_unstable_by_key(|status| status.as_str());
            statuses.dedup();
            let one = |status: Status| Statement::along("status", status.as_str().to_owned(), query, most);
            statuses.into_iter().map(one).collect()
        }
        Along::Execution(mut states) => {
            states.sort_unstable_by_key(|state| state.as_str());
            states.dedup();
            let one =
                |state: ExecutionState| Statement::along("execution", state.as_str().to_owned(), query, most);
            states.into_iter().map(one).collect()
        }
    }
}

impl Statement {
    fn begun() -> Self {
        Self {
            text: "SELECT id, version, coalesce(document, archived_document(id)) FROM requests".to_owned(),
            values: Vec::new(),
        }
    }

    /// Walks the requests with this value of a column.
    ///
    /// From one place of the column's index to another, and in the whole order of that index, which no other one has. With
    /// an equation and the order of ids alone the server may well go along all ids, and pass over the other values.
    fn along(column: &str, value: String, query: &Query, most: usize) -> Self {
        let after = query.after.map(|after| *after.as_uuid());
        let (than, until, order, first, last) = match query.order {
            Order::Ascending => (">", "<=", "ASC", Uuid::nil(), Uuid::max()),
            Order::Descending => ("<", ">=", "DESC", Uuid::max(), Uuid::nil()),
        };
        let or_there = if after.is_some() { "" } else { "=" };
        let mut statement = Self::begun();
        // The index leaves out rows that have no value.
        statement.add(&format!(
            " WHERE ({column}, id) {than}{or_there} ($1, $2) AND ({column}, id) {until} ($1, $3) \
             AND {column} IS NOT NULL"
        ));
        statement.values = vec![Box::new(value), Box::new(after.unwrap_or(first)), Box::new(last)];
        statement.filter(query, column);
        statement.add(&format!(" ORDER BY {column} {order}, id {order} LIMIT {}", limit(most)));
        statement
    }

    /// Walks all requests.
    fn among_all(query: &Query, most: usize) -> Self {
        let mut statement = Self::begun();
        let (than, order) = match query.order {
            Order::Ascending => ("id > ?", "ASC"),
            Order::Descending => ("id < ?", "DESC"),
        };
        if let Some(after) = query.after {
            statement.and(than, *after.as_uuid());
        }
        statement.filter(query, "id");
        statement.add(&format!(" ORDER BY id {order} LIMIT {}", limit(most)));
        statement
    }

    fn add(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds a condition; `?` in it stands for the value.
    fn and(&mut self, condition: &str, value: impl ToSql + Send + Sync + 'static) {
        let joint = if self.values.is_empty() { " WHERE " } else { " AND " };
        self.values.push(Box::new(value));
        self.text.push_str(joint);
        self.text.push_str(&condition.replace('?', &format!("${}", self.values.len())));
    }

    /// Adds what else must hold than that of the column gone along.
    fn filter(&mut self, query: &Query, column: &str) {
        if column != "status" && !query.status.is_empty() && query.status.len() < Status::ALL.len() {
            let statuses: Vec<&'static str> = query.status.iter().map(|status| status.as_str()).collect();
            self.and("status = ANY (?)", statuses);
        }
        if column != "execution" && !query.execution.is_empty() {
            let states: Vec<&'static str> = query.execution.iter().map(|state| state.as_str()).collect();
            self.and("execution = ANY (?)", states);
        }
        let texts = [
            ("namespace = ?", &query.namespace),
            ("action = ?", &query.action),
            ("requester = ?", &query.requester),
        ];
        for (condition, wanted) in texts {
            if let Some(wanted) = wanted {
                self.and(condition, text::column(wanted).into_owned());
            }
        }
        if let Some(executor) = query.executor {
            self.and("executor = ?", *executor.as_uuid());
        }
        if let Some(from) = query.created_from {
            self.and("created_at >= ?", micros(from));
        }
        if let Some(before) = query.created_before {
            self.and("created_at < ?", micros(before));
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
    let items = found.into_iter().map(|(_, raw)| listed(raw, query)).collect::<Result<Vec<_>, _>>()?;
    let next = items.last().filter(|_| more).map(|stored| stored.request.id);
    Ok(Page { items, next })
}
