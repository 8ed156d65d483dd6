//! A channel made of one asynchronous function.

use std::{
    fmt,
    future::Future,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;

use super::{Capabilities, Decider, Delivered, Notice, Notifier, NotifyError};
use crate::{
    approval_error::ApprovalError,
    model::{Ballot, Text},
};

/// What a handler says about a notice that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandlerReply {
    /// The receiver approves.
    Approve,
    /// The receiver rejects, and says why.
    Reject(String),
    /// The receiver's vote, spelled out.
    Vote {
        /// What.
        ballot: Ballot,
        /// Why.
        note: Option<String>,
    },
    /// Nothing yet; somebody will decide elsewhere.
    Later,
}

/// A channel that calls `handle` for every notice that asks and hands in its reply as the receiver's vote.
///
/// `handle` speaks for the people whom the notices are addressed to: it must have their word.
pub fn handler<F, R>(name: impl Into<Text>, handle: F) -> Arc<dyn Notifier>
where
    F: Fn(Notice) -> R + Send + Sync + 'static,
    R: Future<Output = Result<HandlerReply, NotifyError>> + Send + 'static,
{
    Arc::new(Handler { name: name.into(), handle, decider: OnceLock::new() })
}

struct Handler<F> {
    name: Text,
    handle: F,
    decider: OnceLock<Decider>,
}

impl<F> fmt::Debug for Handler<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl<F, R> Notifier for Handler<F>
where
    F: Fn(Notice) -> R + Send + Sync + 'static,
    R: Future<Output = Result<HandlerReply, NotifyError>> + Send + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::decides()
    }

    async fn deliver(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        if !notice.kind.asks() {
            return Ok(Delivered::default());
        }
        let (ballot, note) = match (self.handle)(notice.clone()).await? {
            HandlerReply::Approve => (Ballot::Approve, None),
            HandlerReply::Reject(why) => (Ballot::Reject { option: None }, Some(why.into())),
            HandlerReply::Vote { ballot, note } => (ballot, note.map(Text::from)),
            HandlerReply::Later => return Ok(Delivered::default()),
        };
        let Some(decider) = self.decider.get() else {
            return Err(NotifyError::retry("the manager has not started this channel yet"));
        };
        let seen = &notice.request;
        match decider.vote(seen.id, &notice.to, seen.revision.digest, ballot, note).await {
            Ok(_) => Ok(Delivered::default()),
            Err(ApprovalError::Store(error)) => Err(NotifyError::retry(error.to_string())),
            Err(refused) => {
                tracing::warn!(channel = %self.name, %refused, "a reply did not count");
                Ok(Delivered::default())
            }
        }
    }

    async fn start(&self, decider: Decider) -> Result<(), NotifyError> {
        self.decider
            .set(decider)
            .map_err(|_| NotifyError::permanent("this channel was started before; give each manager its own"))
    }
}
