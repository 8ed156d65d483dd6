//! Waiting for a body that another call runs.

use std::{future::poll_fn, sync::Arc};

use super::{ApprovalManager, pending::sleep_until, waiters::WaiterCell};
use crate::{
    approval_error::ApprovalError,
    clock::Timestamp,
    id::RequestId,
    model::{ExecutionState, Request},
    store::Stored,
};

/// Forgets its waiter when it is dropped.
struct Watched<'a> {
    manager: &'a ApprovalManager,
    request: RequestId,
    waiter: Arc<WaiterCell<Stored>>,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.manager.core.waiters.forget(self.request, &self.waiter);
    }
}

impl ApprovalManager {
    /// The request once its body runs no more, in any process; still running if that is so at `until`.
    pub(crate) async fn until_ended(
        &self,
        request: RequestId,
        until: Option<Timestamp>,
    ) -> Result<Arc<Request>, ApprovalError> {
        let core = &self.core;
        // Registered before the store is read, so that no end in between is missed.
        let waiter = core.waiters.register(request);
        let watched = Watched { manager: self, request, waiter };
        loop {
            let stored = core.load(request).await?;
            if stored.request.execution.as_deref().map(crate::model::Execution::state)
                != Some(ExecutionState::Executing)
            {
                return Ok(stored.request);
            }
            core.at_work()?;
            let news = poll_fn(|context| watched.waiter.poll_news(context));
            match until {
                None => drop(news.await),
                Some(until) => tokio::select! {
                    biased;
                    news = news => drop(news),
                    () = sleep_until(&*core.clock, until) => return Ok(stored.request),
                },
            }
        }
    }
}
