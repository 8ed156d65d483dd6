//! What one manager, and one agent, may see.

use crate::model::{Principal, Request};

/// Whether a manager of this namespace may see a request, and do anything to it.
#[must_use]
pub fn is_within(request: &Request, namespace: &str) -> bool {
    *request.namespace == *namespace
}

/// Whether an agent may see a request, and begin what was approved with it: it asked itself.
#[must_use]
pub fn is_asked_by(request: &Request, agent: &Principal) -> bool {
    request.requester == *agent
}
