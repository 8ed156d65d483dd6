//! What an agent holds.

use super::{Action, ApprovalManager, AskBuilder, PendingApproval};
use crate::{
    approval_error::ApprovalError,
    id::RequestId,
    lifecycle::{self, Act, Command, Refusal},
    model::{Principal, Request},
};

/// The right to open requests and to wait for them. Code that holds only this cannot decide anything, and sees only requests of
/// the agent that runs: that of its [`Context`](super::Context), else the manager's. A request of another agent does not exist
/// for it.
#[derive(Clone, Debug)]
pub struct Requester {
    manager: ApprovalManager,
}

impl Requester {
    pub(crate) const fn new(manager: ApprovalManager) -> Self {
        Self { manager }
    }

    /// Opens a request by hand. See [`ApprovalManager::request`].
    ///
    /// # Errors
    /// Why it was not opened.
    pub async fn request(&self, action: Action) -> Result<PendingApproval, ApprovalError> {
        self.manager.request(action).await
    }

    /// Asks people a question. See [`ApprovalManager::ask`].
    pub fn ask<T>(&self, question: impl Into<String>) -> AskBuilder<T>
    where
        T: serde::de::DeserializeOwned + schemars::JsonSchema,
    {
        self.manager.ask(question)
    }

    /// Waits for a request of this agent that was opened before, in any process.
    ///
    /// # Errors
    /// When there is no such request, or the store failed.
    pub async fn attach(&self, request: RequestId) -> Result<PendingApproval, ApprovalError> {
        self.get(request).await?;
        self.manager.attach(request).await
    }

    /// A request of this agent as it stands.
    ///
    /// # Errors
    /// When there is no such request, or the store failed.
    pub async fn get(&self, request: RequestId) -> Result<std::sync::Arc<Request>, ApprovalError> {
        let found = self.manager.get(request).await?;
        if lifecycle::is_asked_by(&found, &self.manager.current_agent()) {
            Ok(found)
        } else {
            Err(ApprovalError::NotFound(request))
        }
    }

    async fn act(
        &self,
        request: RequestId,
        agent: &Principal,
        act: Act,
    ) -> Result<std::sync::Arc<Request>, ApprovalError> {
        let command = Command { actor: agent.clone(), via: None, operator: false, act };
        let found = self.manager.get(request).await?;
        if !lifecycle::is_asked_by(&found, agent) {
            // Nothing of it is shown, not even how it was decided; the attempt is on record.
            let why = Refusal::NotPermitted { who: agent.clone(), why: "the request is another agent's" };
            self.manager.core.attempts.note(&found, &command, &why);
            self.manager.core.journal.nudge();
            return Err(ApprovalError::NotFound(request));
        }
        Ok(self.manager.core.execute(request, command).await?.request)
    }

    /// Takes a request of this agent back.
    ///
    /// # Errors
    /// Why it could not be taken back.
    pub async fn cancel(
        &self,
        request: RequestId,
        reason: &str,
    ) -> Result<std::sync::Arc<Request>, ApprovalError> {
        let agent = self.manager.current_agent();
        self.act(request, &agent, Act::Cancel { reason: Some(reason.into()) }).await
    }

    /// Answers what an approver asked this agent.
    ///
    /// # Errors
    /// Why the answer does not count.
    pub async fn provide_info(
        &self,
        request: RequestId,
        answer: &str,
    ) -> Result<std::sync::Arc<Request>, ApprovalError> {
        let agent = self.manager.current_agent();
        self.act(request, &agent, Act::ProvideInfo { answer: answer.into() }).await
    }

    /// Adds a remark to a request of this agent.
    ///
    /// # Errors
    /// Why it could not be added.
    pub async fn comment(
        &self,
        request: RequestId,
        text: &str,
    ) -> Result<std::sync::Arc<Request>, ApprovalError> {
        let agent = self.manager.current_agent();
        self.act(request, &agent, Act::Comment { text: text.into() }).await
    }
}
