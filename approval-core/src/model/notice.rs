//! Rows of the outbox: what is to be sent, to whom, through which channel, and how far that has come.

use serde::{Deserialize, Serialize};

use super::{Principal, Text};
use crate::{
    clock::Timestamp,
    id::{NoticeId, RequestId},
};

/// Why a person is notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Please decide.
    Decide,
    /// Please decide; it is waiting still.
    Reminder,
    /// Please decide; others did not.
    Escalated,
    /// The arguments changed; please look again.
    Edited,
    /// To the agent: an approver wants to know something.
    InfoRequested,
    /// The agent answered.
    InfoProvided,
    /// It is decided, or its execution ended: earlier messages are brought up to date.
    Closed,
    /// To the requester: how it ended.
    Outcome,
    /// For information: it ran, and how that ended. No decision is asked for.
    Informed,
}

impl NoticeKind {
    /// Whether it asks its receiver to decide: pointless once the request is decided.
    #[must_use]
    pub const fn asks(self) -> bool {
        matches!(self, Self::Decide | Self::Reminder | Self::Escalated | Self::Edited | Self::InfoProvided)
    }
}

/// A notice that a transition asks for. Which channels carry it is the manager's matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeDraft {
    /// Why.
    pub kind: NoticeKind,
    /// To whom: a person, or the agent that asked.
    pub to: Principal,
    /// When.
    pub timing: Timing,
}

/// When a person is notified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// As the receiver wishes: after quiet hours, with the daily digest, or now.
    #[default]
    Usual,
    /// Now, in quiet hours too.
    AtOnce,
    /// The same from this moment on, when the receiver works again.
    NotBefore(Timestamp),
}

/// How far a notice has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Delivery {
    /// To be delivered at `next_at` or later.
    Waiting {
        /// Attempts that failed so far.
        attempts: u32,
        /// Not before then.
        next_at: Timestamp,
    },
    /// Delivered.
    Delivered {
        /// When.
        at: Timestamp,
        /// The id of the message outside, for bringing it up to date.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Text>,
    },
    /// Given up.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        why: Text,
    },
    /// Not needed any more: the request was decided first.
    Obsolete {
        /// When.
        at: Timestamp,
    },
}

/// A row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxNotice {
    /// Its id; stays the same over retries, so that a channel can tell a repetition.
    pub id: NoticeId,
    /// About which request.
    pub request: RequestId,
    /// Why.
    pub kind: NoticeKind,
    /// To whom.
    pub to: Principal,
    /// Through which channel (the name of a notifier).
    pub channel: Text,
    /// When it was written.
    pub created_at: Timestamp,
    /// How far it has come.
    pub delivery: Delivery,
}
