//! What deciders reach the manager through. Holds it weakly, so that channels do not keep it alive.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use async_trait::async_trait;

use super::Core;
use crate::{
    approval_error::{About, ApprovalError},
    id::RequestId,
    lifecycle::{Command, Refusal},
    model::{Principal, Request},
    notify::{DecideToken, DecisionSink},
    store::{Page, Query},
};

pub(crate) struct Sink(pub(crate) Weak<Core>);

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

impl Sink {
    fn core(&self) -> Result<Arc<Core>, ApprovalError> {
        self.0.upgrade().ok_or(ApprovalError::ShutDown)
    }

    /// The same, for what changes something: the others would not be notified of it after a shutdown.
    fn core_at_work(&self) -> Result<Arc<Core>, ApprovalError> {
        let core = self.core()?;
        core.at_work().map(|()| core)
    }
}

#[async_trait]
impl DecisionSink for Sink {
    async fn submit(&self, request: RequestId, command: Command) -> Result<Arc<Request>, ApprovalError> {
        let core = self.core_at_work()?;
        if !command.act.is_of_people() {
            let request = core.load(request).await?.request;
            let why = "channels hand in what people decide; the library does this itself";
            let refusal = Refusal::NotPermitted { who: command.actor.clone(), why };
            core.attempts.note(&request, &command, &refusal);
            core.journal.nudge();
            return Err(ApprovalError::of_refusal(About::of(&request), refusal));
        }
        Ok(core.execute(request, command).await?.request)
    }

    async fn get(&self, request: RequestId) -> Result<Arc<Request>, ApprovalError> {
        let core = self.core()?;
        let stored = core.load(request).await?;
        // A person who looks at a request is likely to decide next.
        core.cache.put(&stored);
        Ok(stored.request)
    }

    async fn list(&self, query: &Query) -> Result<Page, ApprovalError> {
        Ok(self.core()?.list(query).await?)
    }

    async fn deciders(&self, request: RequestId) -> Result<Vec<Principal>, ApprovalError> {
        self.core()?.deciders(request).await
    }

    async fn identify(&self, channel: &str, identity: &str) -> Result<Option<Principal>, ApprovalError> {
        let found = self.core()?.directory.identify(channel, identity).await;
        found.map_err(|error| ApprovalError::Directory(error.0.into()))
    }

    fn verifies(&self, token: &DecideToken) -> bool {
        self.0.upgrade().is_some_and(|core| core.settings.token_key.verifies(token))
    }
}
