//! A channel made of one asynchronous function.

use std::{
    fmt,
    future::Future,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Capabilities, Decider, Delivered, Notice, Notifier, NotifyError};
use crate::{
    approval_error::ApprovalError,
    lifecycle::{Act, Edit},
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
    /// The receiver changes arguments, and approves the result.
    ApproveEdited {
        /// The changes. At least one.
        edits: Vec<Edit>,
        /// Why.
        note: Option<String>,
    },
    /// Nothing yet; it is decided elsewhere.
    Later,
}

/// A channel that calls `handle` for every notice that asks and hands in its reply as the receiver's vote.
///
/// `handle` speaks for the people whom the notices are addressed to: it must have their word. It may take as long as a
/// person thinks. A reply to a request that was decided elsewhere meanwhile counts for nothing; as long as it is awaited,
/// the notice holds one of the 4,096 deliveries that may be under way at a time.
pub fn handler<F, R>(name: impl Into<Text>, handle: F) -> Arc<dyn Notifier>
where
    F: Fn(Notice) -> R + Send + Sync + 'static,
    R: Future<Output = Result<HandlerReply, NotifyError>> + Send + 'static,
{
    Arc::new(Handler {
        name: name.into(),
        handle,
        decider: OnceLock::new(),
        stopped: watch::Sender::new(false),
    })
}

struct Handler<F> {
    name: Text,
    handle: F,
    decider: OnceLock<Decider>,
    stopped: watch::Sender<bool>,
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
        let mut stopped = self.stopped.subscribe();
        let reply = tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => {
                return Err(NotifyError::retry("this channel is stopped"));
            }
            reply = (self.handle)(notice.clone()) => reply?,
        };
        let seen = &notice.request;
        let digest = seen.revision.digest;
        let vote = |ballot, note: Option<String>| Act::Vote { digest, ballot, note: note.map(Text::from) };
        let act = match reply {
            HandlerReply::Approve => vote(Ballot::Approve, None),
            HandlerReply::Reject(why) => vote(Ballot::Reject { option: None }, Some(why)),
            HandlerReply::Vote { ballot, note } => vote(ballot, note),
            HandlerReply::ApproveEdited { edits, note } => {
                Act::ApproveEdited { digest, edits, note: note.map(Text::from) }
            }
            HandlerReply::Later => return Ok(Delivered::default()),
        };
        let Some(decider) = self.decider.get() else {
            return Err(NotifyError::retry("the manager has not started this channel yet"));
        };
        match decider.act(seen.id, &notice.to, act).await {
            Ok(_) => Ok(Delivered::default()),
            Err(
                failed @ (ApprovalError::Store(_) | ApprovalError::Policy(_) | ApprovalError::Directory(_)),
            ) => Err(NotifyError::retry(failed.to_string())),
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
    async fn stop(&self) {
        self.stopped.send_replace(true);
    }
}
