//! Where sealing stands, carried over into the target's own order of changes.

use std::collections::BTreeSet;

use super::TransferError;
use crate::{
    audit::{self, State},
    id::RequestId,
    store::{ChangeCursor, Store, StoreError},
};

/// Changes read at a time in the source.
const PAGE: usize = 4096;
/// Changes read at a time in the target: so many histories are sealed once more at the most, where it is not known more exactly.
const STEP: usize = 256;

/// Histories of the source that grew since the last seal, and the end of its changes.
pub(super) struct Grown {
    /// Empty where nothing was ever sealed.
    pub(super) unsealed: BTreeSet<RequestId>,
    /// `None`: the store does not tell.
    pub(super) end: Option<ChangeCursor>,
    /// Where sealing stands.
    pub(super) state: Option<State>,
}

impl Grown {
    pub(super) async fn look(from: &dyn Store) -> Result<Self, TransferError> {
        let state = audit::state(from).await.map_err(TransferError::source)?.map(|(_, state)| state);
        let mut cursor = state.as_ref().map_or_else(ChangeCursor::default, |state| state.cursor.clone());
        let mut unsealed = BTreeSet::new();
        loop {
            let changes = match from.changes(&cursor, PAGE).await {
                Ok(changes) => changes,
                Err(StoreError::Unsupported { .. }) if state.is_none() => {
                    return Ok(Self { unsealed, end: None, state });
                }
                Err(error) => return Err(TransferError::Source(error)),
            };
            if state.is_some() {
                unsealed.extend(changes.requests);
            }
            cursor = changes.next;
            if !changes.more {
                return Ok(Self { unsealed, end: Some(cursor), state });
            }
        }
    }

    /// Whether any history grew since, or anything was sealed.
    pub(super) async fn has_more(&self, from: &dyn Store) -> Result<bool, TransferError> {
        let state = audit::state(from).await.map_err(TransferError::source)?.map(|(_, state)| state);
        if state != self.state {
            return Ok(true);
        }
        let Some(end) = &self.end else { return Ok(false) };
        let changes = from.changes(end, 1).await.map_err(TransferError::Source)?;
        Ok(!changes.requests.is_empty() || changes.more)
    }

    /// Where sealing stands in the target: before the first change of what is not sealed. A place in the order of one store
    /// says nothing in another.
    pub(super) async fn state_in(&self, to: &dyn Store) -> Result<Option<State>, TransferError> {
        let Some(state) = &self.state else { return Ok(None) };
        let mut cursor = ChangeCursor::default();
        loop {
            let changes = to.changes(&cursor, STEP).await.map_err(TransferError::Target)?;
            if changes.requests.iter().any(|id| self.unsealed.contains(id)) {
                break;
            }
            cursor = changes.next;
            if !changes.more {
                break;
            }
        }
        Ok(Some(State { cursor, ..state.clone() }))
    }
}
