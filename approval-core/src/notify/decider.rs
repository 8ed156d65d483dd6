//! What a channel that hears answers holds.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::DecideToken;
use crate::{
    approval_error::ApprovalError,
    id::{RequestId, StandingId},
    lifecycle::{Act, Command, Edit},
    model::{ArgumentsDigest, Ballot, Principal, Priority, Request, StandingTerms, Text},
    store::{Page, Query},
};

/// Where decisions go: the manager.
#[async_trait]
pub trait DecisionSink: fmt::Debug + Send + Sync {
    /// Does what a command says.
    ///
    /// # Errors
    /// Why it does not count.
    async fn submit(&self, request: RequestId, command: Command) -> Result<Arc<Request>, ApprovalError>;

    /// The request as it stands.
    ///
    /// # Errors
    /// When there is none, or the store failed.
    async fn get(&self, request: RequestId) -> Result<Arc<Request>, ApprovalError>;

    /// Requests that match.
    ///
    /// # Errors
    /// When the store failed.
    async fn list(&self, query: &Query) -> Result<Page, ApprovalError>;

    /// Everybody who may decide about a request at this moment.
    ///
    /// # Errors
    /// When there is none, or the store or the directory failed.
    async fn deciders(&self, request: RequestId) -> Result<Vec<Principal>, ApprovalError>;

    /// Whom this channel knows under an identity of its own.
    ///
    /// # Errors
    /// When the directory failed.
    async fn identify(&self, channel: &str, identity: &str) -> Result<Option<Principal>, ApprovalError>;

    /// Whether a token was made by this manager, or one with the same key.
    fn verifies(&self, token: &DecideToken) -> bool;
}

/// The right of a channel to hand in what people decided. Agents must not get one.
///
/// Who decides is what the channel has authenticated, never what a message says of itself.
#[derive(Clone, Debug)]
pub struct Decider {
    channel: Text,
    sink: Arc<dyn DecisionSink>,
}

impl Decider {
    /// A decider for the channel of this name.
    #[must_use]
    pub fn new(channel: impl Into<Text>, sink: Arc<dyn DecisionSink>) -> Self {
        Self { channel: channel.into(), sink }
    }

    /// The channel's name, recorded with every decision.
    #[must_use]
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// The person whom the directory knows under this channel's own, authenticated identity (a Slack user id, a mail
    /// address); `None` when it knows no such person.
    ///
    /// # Errors
    /// When the directory failed.
    pub async fn identify(&self, identity: &str) -> Result<Option<Principal>, ApprovalError> {
        self.sink.identify(&self.channel, identity).await
    }

    /// The request as it stands.
    ///
    /// # Errors
    /// When there is none, or the store failed.
    pub async fn get(&self, request: RequestId) -> Result<Arc<Request>, ApprovalError> {
        self.sink.get(request).await
    }

    /// Requests that match, a page at a time.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(&self, query: &Query) -> Result<Page, ApprovalError> {
        self.sink.list(query).await
    }

    /// Everybody who may decide about a request at this moment: by name, through a group, by escalation or delegation, and
    /// barred by nothing. Sorted, each once; empty, once it is decided. For channels that let one of several people answer.
    ///
    /// # Errors
    /// When there is no such request, or the store or the directory failed.
    pub async fn deciders(&self, request: RequestId) -> Result<Vec<Principal>, ApprovalError> {
        self.sink.deciders(request).await
    }

    /// Hands in any act of an authenticated principal that people do ([`Act::is_of_people`]).
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn act(
        &self,
        request: RequestId,
        by: &Principal,
        act: Act,
    ) -> Result<Arc<Request>, ApprovalError> {
        let command =
            Command { actor: by.clone(), via: Some(Arc::clone(&self.channel)), operator: false, act };
        self.sink.submit(request, command).await
    }

    /// Hands in a vote on the arguments that `digest` names.
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn vote(
        &self,
        request: RequestId,
        by: &Principal,
        digest: ArgumentsDigest,
        ballot: Ballot,
        note: Option<Text>,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.act(request, by, Act::Vote { digest, ballot, note }).await
    }

    /// Approves the arguments of `seen`, the request as the person saw it.
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn approve(
        &self,
        seen: &Request,
        by: &Principal,
        note: Option<&str>,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.vote(seen.id, by, seen.revision.digest, Ballot::Approve, note.map(Text::from)).await
    }

    /// Approves the arguments of `seen`, and calls of the same kind to come: no person is asked about these as long as `terms`
    /// last. If several people must approve, calls to come are approved only when all of them ask for the same terms.
    ///
    /// # Errors
    /// Why it does not count; also when nothing but this call may be approved (critical risk, or the policy keeps from it:
    /// [`crate::lifecycle::may_stand`] tells).
    pub async fn approve_standing(
        &self,
        seen: &Request,
        by: &Principal,
        terms: StandingTerms,
        note: Option<&str>,
    ) -> Result<Arc<Request>, ApprovalError> {
        let act = Act::ApproveStanding { digest: seen.revision.digest, note: note.map(Text::from), terms };
        self.act(seen.id, by, act).await
    }

    /// Takes back a standing approval that `by` gave with the request `given_with`. What it approved and has not begun does not
    /// run either.
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn withdraw_standing(
        &self,
        given_with: RequestId,
        standing: StandingId,
        by: &Principal,
        reason: &str,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.act(given_with, by, Act::WithdrawStanding { standing, reason: reason.into() }).await
    }

    /// Rejects `seen`, the request as the person saw it.
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn reject(
        &self,
        seen: &Request,
        by: &Principal,
        note: Option<&str>,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.vote(seen.id, by, seen.revision.digest, Ballot::Reject { option: None }, note.map(Text::from))
            .await
    }

    /// Rejects `seen` with one of the options that its gate offers.
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn reject_with(
        &self,
        seen: &Request,
        by: &Principal,
        option: &str,
        note: Option<&str>,
    ) -> Result<Arc<Request>, ApprovalError> {
        let ballot = Ballot::Reject { option: Some(option.into()) };
        self.vote(seen.id, by, seen.revision.digest, ballot, note.map(Text::from)).await
    }

    /// Changes arguments of `seen` and approves the result.
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn approve_edited(
        &self,
        seen: &Request,
        by: &Principal,
        edits: Vec<Edit>,
        note: Option<&str>,
    ) -> Result<Arc<Request>, ApprovalError> {
        let act = Act::ApproveEdited { digest: seen.revision.digest, edits, note: note.map(Text::from) };
        self.act(seen.id, by, act).await
    }

    /// Asks the agent something.
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn request_info(
        &self,
        request: RequestId,
        by: &Principal,
        question: &str,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.act(request, by, Act::RequestInfo { question: question.into() }).await
    }

    /// Hands the person's own seat on.
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn delegate(
        &self,
        request: RequestId,
        by: &Principal,
        to: &Principal,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.act(request, by, Act::Delegate { to: to.clone() }).await
    }

    /// Asks more people for a requirement in which `by` holds a seat: people whom the gate names for it (by its stages, too).
    /// To let others decide, `by` hands the own seat on with [`Decider::delegate`].
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn escalate(
        &self,
        request: RequestId,
        by: &Principal,
        requirement: usize,
        to: Vec<Principal>,
        priority: Option<Priority>,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.act(request, by, Act::Escalate { requirement, to, priority }).await
    }

    /// Adds a remark.
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn comment(
        &self,
        request: RequestId,
        by: &Principal,
        text: &str,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.act(request, by, Act::Comment { text: text.into() }).await
    }

    /// Hands in a vote by the holder of the token of a notice.
    ///
    /// # Errors
    /// When the token is not one of this manager's, or the vote does not count.
    pub async fn vote_with(
        &self,
        token: &DecideToken,
        ballot: Ballot,
        note: Option<Text>,
    ) -> Result<Arc<Request>, ApprovalError> {
        if !self.sink.verifies(token) {
            let invalid =
                crate::error::Invalid::new("decide token", "…", "was not made here, or was changed")
                    .hint("use the token of the notice, or ask for a new notice");
            return Err(invalid.into());
        }
        self.vote(token.request(), token.to(), token.digest(), ballot, note).await
    }
}
