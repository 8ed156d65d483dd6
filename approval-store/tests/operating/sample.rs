//! Requests to write.

use std::sync::Arc;

use approval_core::{
    Clock, RequestId, SystemClock,
    model::{ChainHead, Request},
    store::{Commit, Document, Expect, RowWrite},
};
use serde_json::{Value, json};

/// Any digest will do: a store does not check it.
const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A pending request as JSON.
pub(crate) fn document(id: RequestId) -> Value {
    json!({
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
        "created_at": SystemClock.now(),
        "chain": ChainHead::EMPTY,
    })
}

/// Opens a request.
pub(crate) fn opened() -> (RequestId, Commit) {
    let id = RequestId::generate(SystemClock.now());
    let request: Request = serde_json::from_value(document(id)).unwrap();
    let row = RowWrite { expect: Expect::Absent, document: Document::new(Arc::new(request)) };
    (id, Commit { row: Some(row), ..Commit::default() })
}
