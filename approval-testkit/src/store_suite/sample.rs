//! Requests for the suite. What they say is of no matter to a store, except for the columns that it finds them by.

use std::sync::Arc;

use approval_core::{
    clock::Timestamp,
    id::{ExecutorId, RequestId},
    model::{Request, canonical},
    store::Document,
};
use serde_json::{Map, Value, json};

use super::Stop;

/// Puts a request together.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    members: Map<String, Value>,
}

/// Any digest will do: a store does not check it.
const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

impl Sample {
    /// A pending request. What could not be written here would be no request: [`Sample::document`] says so.
    pub(super) fn new(id: RequestId, created_at: Timestamp) -> Self {
        let head = serde_json::to_value(approval_core::model::ChainHead::EMPTY).unwrap_or_default();
        let whole = json!({
            "id": id,
            "action": { "name": "payments.refund", "version": 1 },
            "requester": "agent:suite",
            "original": DIGEST,
            "risk": "medium",
            "priority": "medium",
            "gate": {
                "rule": "suite",
                "requirements": [{ "count": 1, "of": ["user:ann@example.com"] }],
                "timeout": 3_600_000,
                "grant_ttl": 900_000,
            },
            "revision": { "number": 1, "arguments": "{}", "digest": DIGEST },
            "status": "pending",
            "created_at": created_at,
            "chain": head,
        });
        let members = match whole {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        Self { members }
    }

    fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// Sets the hashed idempotency key.
    pub(super) fn key(self, key: &str) -> Self {
        self.with("key", key)
    }

    /// Sets the tenant.
    pub(super) fn namespace(self, namespace: &str) -> Self {
        self.with("namespace", namespace)
    }

    /// Sets the action.
    pub(super) fn action(self, name: &str) -> Self {
        self.with("action", json!({ "name": name, "version": 1 }))
    }

    /// Sets the agent.
    pub(super) fn requester(self, agent: &str) -> Self {
        self.with("requester", agent)
    }

    /// Sets the run.
    pub(super) fn run(self, run: &str) -> Self {
        self.with("run", run)
    }

    /// Sets the status, such as `rejected`.
    pub(super) fn status(self, status: &str) -> Self {
        self.with("status", status)
    }

    /// Decides it: `approved`, `rejected`, `expired` or `cancelled`.
    pub(super) fn decided(&self, outcome: &str, at: Timestamp) -> Self {
        let decision = json!({ "outcome": outcome, "at": at, "by": [], "digest": DIGEST });
        self.clone().status(outcome).with("decision", decision)
    }

    /// Makes it approved and not started yet.
    pub(super) fn unstarted(self) -> Self {
        self.status("approved").with("execution", json!({ "state": "not_started" }))
    }

    /// Makes it approved and executed by this process.
    pub(super) fn executing(self, executor: ExecutorId, at: Timestamp) -> Self {
        let execution = json!({ "state": "executing", "executor": executor, "at": at });
        self.status("approved").with("execution", execution)
    }

    /// Sets the deadline, which is when it is due.
    pub(super) fn deadline(self, deadline: Option<Timestamp>) -> Self {
        match deadline {
            Some(deadline) => self.with("deadline", json!(deadline)),
            None => self.with("deadline", Value::Null),
        }
    }

    /// Sets what the agent says for itself: text of any length and content.
    pub(super) fn intent(self, intent: &str) -> Self {
        self.with("intent", intent)
    }

    /// Sets the arguments to an object with one member of this text.
    pub(super) fn argument(self, text: &str) -> Self {
        let arguments = canonical::to_canonical(&json!({ "text": text })).ok();
        self.with("revision", json!({ "number": 1, "arguments": arguments, "digest": DIGEST }))
    }

    /// Adds a remark, so that a later state differs from the one before.
    pub(super) fn remark(mut self, text: &str, at: Timestamp) -> Self {
        let remark = json!({ "by": "agent:suite", "text": text, "at": at });
        match self.members.get_mut("comments") {
            Some(Value::Array(remarks)) => remarks.push(remark),
            _ => drop(self.members.insert("comments".to_owned(), json!([remark]))),
        }
        self
    }

    /// The request.
    pub(super) fn document(&self) -> Result<Document, Stop> {
        // Through text, as a store on disk does it, so that what is compared later has been read the same way.
        let text = Value::Object(self.members.clone()).to_string();
        let request: Request = serde_json::from_str(&text)
            .map_err(|e| Stop::Broken(format!("the suite's own request cannot be read: {e}")))?;
        Ok(Document::new(Arc::new(request)))
    }
}
