//! Which histories grew, in the store's own order; and removing what is no longer kept.

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::{id::RequestId, model::Text};

/// A place in a store's own order of changes. What it says is the store's matter; the default is before the first change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChangeCursor(Text);

impl ChangeCursor {
    /// For a store to make of its own order.
    #[must_use]
    pub fn new(place: impl Into<Text>) -> Self {
        Self(place.into())
    }

    /// What the store said.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The place after change number `number`, for a store that numbers its changes from 1 in the order of their commits.
    #[must_use]
    pub fn after_number(number: u64) -> Self {
        Self(number.to_string().into())
    }

    /// The number that [`ChangeCursor::after_number`] was given; 0 at the beginning.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when it is a place of another kind of store.
    pub fn number(&self) -> Result<u64, StoreError> {
        if self.0.is_empty() {
            return Ok(0);
        }
        self.0.parse().map_err(|_| {
            StoreError::unreadable(format!(
                "{:?} is no place in this store's order of changes",
                self.as_str()
            ))
        })
    }
}

impl Default for ChangeCursor {
    fn default() -> Self {
        Self("".into())
    }
}

/// Requests whose history grew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Which, each at least once. A request may be named again though nothing was added, and one may be gone by now.
    pub requests: Vec<RequestId>,
    /// Where to go on.
    pub next: ChangeCursor,
    /// Whether there is more after `next` already.
    pub more: bool,
}

/// Removes a request with all that hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Which.
    pub request: RequestId,
    /// The version that it must have.
    pub version: u64,
}
