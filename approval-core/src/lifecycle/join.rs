//! Calls that join an open request of the same kind, rather than opening one more.

use super::{Draft, declaration::asks_for_more};
use crate::model::{People, Principal, Request};

/// Whether a draft looks for a request to join: its gate says so, and no key of its own tells it from others.
#[must_use]
pub fn wants_to_join(draft: &Draft) -> bool {
    draft.gate.join_identical && draft.key.is_none() && draft.question.is_none()
}

/// Whether a draft may join a request: people can still decide it, and it asks for exactly the same on behalf of the same
/// person, by a declaration that asked for no less.
#[must_use]
pub fn may_join(draft: &Draft, request: &Request, people: &People) -> bool {
    request.status.is_open()
        && request.revision.digest == draft.digest
        && same_person(people, draft.on_behalf_of.as_ref(), request.on_behalf_of.as_ref())
        && draft.declaration.as_deref().is_none_or(|today| asks_for_more(today, request).is_none())
}

/// Whether two calls have the same person behind them, however spelled; or none.
#[must_use]
pub fn same_person(people: &People, one: Option<&Principal>, other: Option<&Principal>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => people.canonical(one) == people.canonical(other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
