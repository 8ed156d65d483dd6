//! Claiming and settling notices.

use std::sync::Arc;

use crate::{
    clock::{Span, Timestamp},
    id::{ExecutorId, NoticeId, RequestId},
    model::{Delivery, OutboxNotice, Text},
};

/// Asks for notices to deliver.
#[derive(Clone, Debug)]
pub struct NoticeClaim {
    /// Who delivers them.
    pub owner: ExecutorId,
    /// About requests of this namespace only.
    pub namespace: Text,
    /// Through these channels only; empty means any.
    pub channels: Arc<[Text]>,
    /// How long no other owner gets them.
    pub lease: Span,
    /// How many at the most.
    pub limit: usize,
}

/// A notice that is ours for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedNotice {
    /// The notice. Its delivery is [`Delivery::Waiting`].
    pub notice: OutboxNotice,
    /// Until when it is ours.
    pub until: Timestamp,
}

/// What a claim got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeClaims {
    /// The notices, oldest first within a request.
    pub notices: Vec<ClaimedNotice>,
    /// When there may be more: the earliest time at which a waiting or leased notice of this namespace and these channels can be claimed; in
    /// the past if the limit cut the answer. `None`: none is left.
    pub next: Option<Timestamp>,
}

/// What became of a claimed notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeSettlement {
    /// About which request.
    pub request: RequestId,
    /// Which notice.
    pub id: NoticeId,
    /// Who had claimed it.
    pub owner: ExecutorId,
    /// How it stands now; [`Delivery::Waiting`] puts it back.
    pub delivery: Delivery,
}
