//! Calls that join an open request of the same kind, rather than opening one more.

use super::{Core, keys};
use crate::{
    id::RequestId,
    lifecycle::{self, Draft},
    store::{Condition, RecordWrite, StoreError, Stored},
};

/// What there is to join.
pub(crate) enum Join {
    /// Nothing is joined.
    None,
    /// This one is open.
    With(Stored),
    /// Nothing is open: whoever opens a request takes this place along.
    Slot(JoinSlot),
}

/// The place in which others find the request that is being opened. Taken in the same write, so that of many calls at the
/// same time one opens and the others join.
#[derive(Debug)]
pub(crate) struct JoinSlot {
    pub(crate) condition: Condition,
    pub(crate) write: RecordWrite,
}

impl Core {
    /// What a draft joins, if its gate says so. A call with a key of its own is told from others by that.
    pub(crate) async fn join(&self, draft: &Draft) -> Result<Join, StoreError> {
        if !lifecycle::wants_to_join(draft) {
            return Ok(Join::None);
        }
        let name = keys::joined(draft);
        let record = self.store.record(&name).await?;
        let earlier = record.as_ref().and_then(|record| {
            std::str::from_utf8(&record.value).ok().and_then(|id| id.parse::<RequestId>().ok())
        });
        if let Some(id) = earlier
            && let Some(stored) = self.store.load(id).await?
            && lifecycle::may_join(draft, &stored.request)
        {
            return Ok(Join::With(stored));
        }
        let condition = match &record {
            Some(record) => Condition::Version(name.clone(), record.version),
            None => Condition::Absent(name.clone()),
        };
        let write = RecordWrite { name, value: Some(draft.id.to_string().into_bytes()) };
        Ok(Join::Slot(JoinSlot { condition, write }))
    }
}
