//! Calls that join an open request of the same kind, rather than opening one more.

use super::Draft;
use crate::model::Request;

/// Whether a draft looks for a request to join: its gate says so, and no key of its own tells it from others.
#[must_use]
pub fn wants_to_join(draft: &Draft) -> bool {
    draft.gate.join_identical && draft.key.is_none() && draft.question.is_none()
}

/// Whether a draft may join a request: people can still decide it, and it asks for exactly the same.
#[must_use]
pub fn may_join(draft: &Draft, request: &Request) -> bool {
    request.status.is_open() && request.revision.digest == draft.digest
}
