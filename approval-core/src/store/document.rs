//! A request as a store sees it: an opaque document with index columns.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::{
    clock::Timestamp,
    id::{ExecutorId, RequestId},
    model::{Execution, ExecutionState, Priority, Request, Risk, Status},
};

/// The document of a request. A store on disk writes [`Document::encode`]; a store in memory may keep the document itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(Arc<Request>);

/// A request and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Counts the writes, from 1.
    pub version: u64,
    /// The request.
    pub request: Arc<Request>,
}

/// The columns that a store keeps beside the document, for finding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index<'a> {
    /// Primary key; sorts by time.
    pub id: RequestId,
    /// Unique, if there is one.
    pub key: Option<&'a str>,
    /// Separates tenants.
    pub namespace: &'a str,
    /// Where the request stands.
    pub status: Status,
    /// How running it went, once approved.
    pub execution: Option<ExecutionState>,
    /// Name of the action.
    pub action: &'a str,
    /// The agent that asks.
    pub requester: &'a str,
    /// The run it belongs to.
    pub run: Option<&'a str>,
    /// How bad it would be if it were wrong.
    pub risk: Risk,
    /// How soon people should look.
    pub priority: Priority,
    /// When something must happen next by itself. `None`: never.
    pub due_at: Option<Timestamp>,
    /// The process that executes it, while it does.
    pub executor: Option<ExecutorId>,
    /// When it was opened.
    pub created_at: Timestamp,
}

impl Document {
    /// Wraps a request.
    #[must_use]
    pub const fn new(request: Arc<Request>) -> Self {
        Self(request)
    }

    /// The request inside.
    #[must_use]
    pub const fn request(&self) -> &Arc<Request> {
        &self.0
    }

    /// The bytes that a store on disk keeps (JSON).
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when the request cannot be written as JSON.
    pub fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::with_capacity(1024);
        serde_json::to_writer(&mut bytes, &*self.0)
            .map_err(|e| StoreError::unreadable(format!("request {} cannot be written: {e}", self.0.id)))?;
        Ok(bytes)
    }

    /// Reads what [`Document::encode`] wrote. Unknown statuses and the like are errors, never taken for something else.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when the bytes are not the document of a request.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(bytes)
            .map(|request| Self(Arc::new(request)))
            .map_err(|e| StoreError::unreadable(format!("the document of a request cannot be read: {e}")))
    }

    /// The index columns.
    #[must_use]
    pub fn index(&self) -> Index<'_> {
        let request = &*self.0;
        Index {
            id: request.id,
            key: request.key.as_deref(),
            namespace: &request.namespace,
            status: request.status,
            execution: request.execution.as_deref().map(Execution::state),
            action: request.action.name.as_str(),
            requester: request.requester.as_str(),
            run: request.run.as_deref(),
            risk: request.risk,
            priority: request.priority,
            due_at: crate::lifecycle::due_at(request),
            executor: match request.execution.as_deref() {
                Some(Execution::Executing { executor, .. }) => Some(*executor),
                _ => None,
            },
            created_at: request.created_at,
        }
    }
}
