//! Finding requests.

use super::Stored;
use crate::{
    clock::Timestamp,
    id::{ExecutorId, RequestId},
    model::{Execution, ExecutionState, Request, Status, Text},
};

/// In which order of ids, which is the order of opening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// Which requests. Every member that is set must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// One of these; empty means any.
    pub status: Vec<Status>,
    /// One of these; empty means any.
    pub execution: Vec<ExecutionState>,
    /// Of this tenant.
    pub namespace: Option<Text>,
    /// Of this action.
    pub action: Option<Text>,
    /// Asked by this agent.
    pub requester: Option<Text>,
    /// Of this run.
    pub run: Option<Text>,
    /// Executed by this process at the moment.
    pub executor: Option<ExecutorId>,
    /// Opened at this time or later.
    pub created_from: Option<Timestamp>,
    /// Opened before this time.
    pub created_before: Option<Timestamp>,
    /// In this order.
    pub order: Order,
    /// Those that come after this id in that order.
    pub after: Option<RequestId>,
    /// How many at the most; a store may give fewer, but gives at least one if there is one.
    pub limit: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            status: Vec::new(),
            execution: Vec::new(),
            namespace: None,
            action: None,
            requester: None,
            run: None,
            executor: None,
            created_from: None,
            created_before: None,
            order: Order::Ascending,
            after: None,
            limit: 100,
        }
    }
}

impl Query {
    /// Whether a request is one of those asked for, order and cursor aside.
    #[must_use]
    pub fn matches(&self, request: &Request) -> bool {
        fn is(wanted: Option<&Text>, found: Option<&str>) -> bool {
            wanted.is_none_or(|wanted| found == Some(&**wanted))
        }
        let execution = request.execution.as_deref();
        let executor = match execution {
            Some(Execution::Executing { executor, .. }) => Some(*executor),
            _ => None,
        };
        (self.status.is_empty() || self.status.contains(&request.status))
            && (self.execution.is_empty()
                || execution.is_some_and(|execution| self.execution.contains(&execution.state())))
            && is(self.namespace.as_ref(), Some(&request.namespace))
            && is(self.action.as_ref(), Some(request.action.name.as_str()))
            && is(self.requester.as_ref(), Some(request.requester.as_str()))
            && is(self.run.as_ref(), request.run.as_deref())
            && self.executor.is_none_or(|wanted| executor == Some(wanted))
            && self.created_from.is_none_or(|from| request.created_at >= from)
            && self.created_before.is_none_or(|before| request.created_at < before)
    }
}

/// A page of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The requests.
    pub items: Vec<Stored>,
    /// [`Query::after`] of the next page; `None` when this is the last.
    pub next: Option<RequestId>,
}

/// What is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Requests whose time has come.
    pub items: Vec<Stored>,
    /// When the next one is due that is not in `items`; in the past if the limit cut them.
    pub next: Option<Timestamp>,
}
