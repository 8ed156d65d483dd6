//! Requests that a manager may see: those of its own namespace.

use std::sync::Arc;

use super::Core;
use crate::{
    approval_error::ApprovalError,
    id::RequestId,
    lifecycle,
    store::{Page, Query, StoreError, Stored},
};

impl Core {
    /// What this manager may see: a request of its own namespace. For others, no request of another namespace exists.
    pub(crate) fn own(&self, stored: Stored) -> Option<Stored> {
        lifecycle::is_within(&stored.request, &self.settings.namespace).then_some(stored)
    }

    /// The request of this id, from the store, if it is in this manager's namespace.
    pub(crate) async fn find(&self, id: RequestId) -> Result<Option<Stored>, StoreError> {
        Ok(self.store.load(id).await?.and_then(|stored| self.own(stored)))
    }

    /// The same, which must exist.
    pub(crate) async fn load(&self, id: RequestId) -> Result<Stored, ApprovalError> {
        self.find(id).await?.ok_or(ApprovalError::NotFound(id))
    }

    /// Requests of this manager's namespace that match. None match a query for another namespace.
    pub(crate) async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        let namespace = &self.settings.namespace;
        match &query.namespace {
            Some(wanted) if wanted != namespace => Ok(Page::default()),
            Some(_) => self.store.list(query).await,
            None => {
                let query = Query { namespace: Some(Arc::clone(namespace)), ..query.clone() };
                self.store.list(&query).await
            }
        }
    }
}
