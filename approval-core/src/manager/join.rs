//! Calls that join an open request of the same kind, rather than opening one more.

use std::sync::Arc;

use super::{Core, keys};
use crate::{
    approval_error::ApprovalError,
    id::RequestId,
    lifecycle::{self, Draft},
    model::{People, Principal, Request},
    store::{Condition, RecordWrite, Stored},
};

/// What there is to join.
pub(crate) enum Join {
    /// Nothing is joined.
    None,
    /// This one is open.
    With(Stored),
    /// Nothing is open: the call that opens a request takes this place along.
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
    /// The directory as far as it is about the people behind calls.
    pub(super) async fn people_behind(
        &self,
        calls: [Option<&Principal>; 2],
    ) -> Result<Arc<People>, ApprovalError> {
        let behind: Vec<&Principal> = calls.into_iter().flatten().collect();
        if behind.is_empty() { Ok(Arc::default()) } else { self.people(&behind).await }
    }

    /// Whether a call on behalf of `person` is on behalf of the same person as a request.
    pub(super) async fn same_person(
        &self,
        person: Option<&Principal>,
        request: &Request,
    ) -> Result<bool, ApprovalError> {
        let people = self.people_behind([person, request.on_behalf_of.as_ref()]).await?;
        Ok(lifecycle::same_person(&people, person, request.on_behalf_of.as_ref()))
    }

    /// What a draft joins, if its gate says so. A call with a key of its own is distinguished from others by that.
    pub(crate) async fn join(&self, draft: &Draft) -> Result<Join, ApprovalError> {
        if !lifecycle::wants_to_join(draft) {
            return Ok(Join::None);
        }
        // On the heap: few calls join, and the others must not carry it.
        Box::pin(self.look_for_open(draft)).await
    }

    async fn look_for_open(&self, draft: &Draft) -> Result<Join, ApprovalError> {
        let person = self.canonical(draft.on_behalf_of.as_ref()).await?;
        let name = keys::joined(draft, person.as_ref());
        let record = self.store.record(&name).await?;
        // A record that names no request is as good as none: people are asked about a new one, and it is written anew.
        let earlier = record.as_ref().and_then(|record| {
            std::str::from_utf8(&record.value).ok().and_then(|id| id.parse::<RequestId>().ok())
        });
        if let Some(id) = earlier
            && let Some(stored) = self.find(id).await?
        {
            let people = self
                .people_behind([draft.on_behalf_of.as_ref(), stored.request.on_behalf_of.as_ref()])
                .await?;
            if lifecycle::may_join(draft, &stored.request, &people) {
                return Ok(Join::With(stored));
            }
        }
        let condition = match &record {
            Some(record) => Condition::Version(name.clone(), record.version),
            None => Condition::Absent(name.clone()),
        };
        let write = RecordWrite { name, value: Some(draft.id.to_string().into_bytes()) };
        Ok(Join::Slot(JoinSlot { condition, write }))
    }
}
