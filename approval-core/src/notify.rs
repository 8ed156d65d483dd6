//! Reaching people, and hearing them.
//!
//! A [`Notifier`] is one channel: a terminal, a mail server, a web-hook. The outbox hands it notices, with repetition and
//! back-off; what it does with them changes no state. A channel that hears answers is given a [`Decider`].

mod batch;
mod decider;
mod elsewhere;
mod handler;
mod routing;
mod timing;
mod token;

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;

pub use batch::Voted;
pub use decider::{Decider, DecisionSink};
pub(crate) use elsewhere::Elsewhere;
pub use handler::{HandlerReply, handler};
pub(crate) use routing::route;
pub use token::{DecideToken, TokenKey};

use crate::{
    clock::Timestamp,
    id::NoticeId,
    model::{NoticeKind, Principal, Request, Text},
};

/// A message about a request to one principal through one channel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Notice {
    /// Stays the same over repetitions.
    pub id: NoticeId,
    /// Why it is sent.
    pub kind: NoticeKind,
    /// To whom.
    pub to: Principal,
    /// The channel that carries it.
    pub channel: Text,
    /// The request as it stands.
    pub request: Arc<Request>,
    /// When the notice was written.
    pub created_at: Timestamp,
    /// Attempts that failed before this one.
    pub attempts: u32,
    token: OnceLock<DecideToken>,
    /// Makes the token when it is asked for: most channels never do.
    key: Option<TokenKey>,
}

impl Notice {
    /// A notice, as the outbox or a test makes it.
    #[must_use]
    pub fn new(
        id: NoticeId,
        kind: NoticeKind,
        to: Principal,
        channel: Text,
        request: Arc<Request>,
        created_at: Timestamp,
    ) -> Self {
        Self { id, kind, to, channel, request, created_at, attempts: 0, token: OnceLock::new(), key: None }
    }

    /// The same with the number of failed attempts.
    #[must_use]
    pub const fn after_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The same with a token.
    #[must_use]
    pub fn with_token(mut self, token: DecideToken) -> Self {
        self.token = OnceLock::from(token);
        self
    }

    /// The same with what makes a token.
    pub(crate) fn with_token_key(mut self, key: TokenKey) -> Self {
        self.key = Some(key);
        self
    }

    /// A text that lets the one who returns it decide in the name of the receiver: bound to the request, the receiver and the
    /// arguments shown. `None` where nothing is asked. Give it to the receiver alone.
    #[must_use]
    pub fn decide_token(&self) -> Option<&DecideToken> {
        let key = match (self.token.get(), &self.key) {
            (None, Some(key)) => key,
            (made, _) => return made,
        };
        match key.issue(self.request.id, &self.to, self.request.revision.digest) {
            Ok(token) => Some(self.token.get_or_init(|| token)),
            Err(error) => {
                tracing::error!(notice = %self.id, %error, "no decide token could be made");
                None
            }
        }
    }
}

/// Name of a message outside, such as a mail's Message-ID, for bringing it up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRef(pub Text);

/// A notice got through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// The message outside, if the channel can bring it up to date later.
    pub message: Option<MessageRef>,
}

/// A notice did not get through.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// It may get through later.
    #[error("{why}")]
    Retry {
        /// What happened.
        why: String,
        /// Not before this time has passed; the outbox's own back-off if nothing is said.
        after: Option<Duration>,
    },
    /// It will never get through.
    #[error("{why}")]
    Permanent {
        /// What happened.
        why: String,
    },
}

impl NotifyError {
    /// It may get through later.
    #[must_use]
    pub fn retry(why: impl Into<String>) -> Self {
        Self::Retry { why: why.into(), after: None }
    }

    /// It will never get through.
    #[must_use]
    pub fn permanent(why: impl Into<String>) -> Self {
        Self::Permanent { why: why.into() }
    }
}

/// What a channel can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent ability")]
pub struct Capabilities {
    /// People can decide through it.
    pub decides: bool,
    /// Messages can be brought up to date.
    pub updates: bool,
    /// Arguments can be edited through it.
    pub edits: bool,
    /// Questions can be answered through it.
    pub answers: bool,
    /// Several notices can be sent in one message.
    pub digests: bool,
}

impl Capabilities {
    /// Tells, and hears nothing.
    #[must_use]
    pub const fn tells() -> Self {
        Self { decides: false, updates: false, edits: false, answers: false, digests: false }
    }

    /// Tells, hears decisions, edits and answers.
    #[must_use]
    pub const fn decides() -> Self {
        Self { decides: true, updates: false, edits: true, answers: true, digests: false }
    }

    /// The same, and brings messages up to date.
    #[must_use]
    pub const fn with_updates(mut self) -> Self {
        self.updates = true;
        self
    }

    /// The same, and tells several notices in one message.
    #[must_use]
    pub const fn with_digests(mut self) -> Self {
        self.digests = true;
        self
    }
}

/// A channel.
///
/// Its failures, repetitions and delays change nothing about a request.
#[async_trait]
pub trait Notifier: fmt::Debug + Send + Sync + 'static {
    /// Its name: stable, and different from that of every other channel of the manager.
    fn name(&self) -> &str;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Whether it has a way to this principal. By default to people alone.
    fn reaches(&self, principal: &Principal) -> bool {
        principal.is_person()
    }

    /// Sends a notice. May be called again with the same id if it is not known whether it got through.
    ///
    /// # Errors
    /// Whether trying again makes sense.
    async fn deliver(&self, notice: &Notice) -> Result<Delivered, NotifyError>;

    /// Sends in one message what waited for the daily digest, or for the end of quiet hours: two notices or more, to the same
    /// receiver. Asked only of a channel that [can](Capabilities::digests) do so. What became of each, in their order.
    async fn deliver_digest(&self, notices: &[Notice]) -> Vec<Result<Delivered, NotifyError>> {
        let mut all = Vec::with_capacity(notices.len());
        for notice in notices {
            all.push(self.deliver(notice).await);
        }
        all
    }

    /// Brings an earlier message up to date: the request was decided, or ran.
    ///
    /// # Errors
    /// Whether trying again makes sense.
    async fn update(&self, message: &MessageRef, notice: &Notice) -> Result<(), NotifyError> {
        let _ = (message, notice);
        Ok(())
    }

    /// Called once, when the manager starts: a channel that hears answers keeps the decider. Must not block; a channel that
    /// listens spawns its own task.
    ///
    /// # Errors
    /// When the channel cannot work at all. The manager says so loudly and goes on with the others.
    async fn start(&self, decider: Decider) -> Result<(), NotifyError> {
        drop(decider);
        Ok(())
    }

    /// Called once, when the manager shuts down.
    async fn stop(&self) {}
}
