//! A notice as it is kept: a million of them wait with no room to spare.

use crate::{
    clock::Timestamp,
    id::{ExecutorId, NoticeId, RequestId},
    model::{Delivery, NoticeKind, OutboxNotice, Principal, Text},
};

/// A notice, and who has claimed it. Times are microseconds since 1970. The request is known from where it is kept.
#[derive(Debug)]
pub(super) struct NoticeRow {
    pub(super) id: NoticeId,
    pub(super) channel: Text,
    to: Principal,
    created_at: i64,
    delivery: Kept,
    /// Boxed: few are claimed at a time, many are kept.
    lease: Option<Box<Lease>>,
    kind: NoticeKind,
}

#[derive(Debug)]
enum Kept {
    Waiting { attempts: u32, next_at: i64 },
    Delivered { at: i64 },
    Ended(Box<Delivery>),
}

#[derive(Debug)]
struct Lease {
    owner: ExecutorId,
    until: i64,
}

/// A moment from microseconds that a moment gave. Those of the last second that there is are none again, and mean the end of time.
pub(super) fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

impl From<Delivery> for Kept {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Waiting { attempts, next_at } => {
                Self::Waiting { attempts, next_at: next_at.as_microsecond() }
            }
            Delivery::Delivered { at, message: None } => Self::Delivered { at: at.as_microsecond() },
            ended @ (Delivery::Delivered { .. } | Delivery::Failed { .. } | Delivery::Obsolete { .. }) => {
                Self::Ended(Box::new(ended))
            }
        }
    }
}

impl From<OutboxNotice> for NoticeRow {
    fn from(notice: OutboxNotice) -> Self {
        Self {
            id: notice.id,
            channel: notice.channel,
            to: notice.to,
            created_at: notice.created_at.as_microsecond(),
            delivery: notice.delivery.into(),
            lease: None,
            kind: notice.kind,
        }
    }
}

impl NoticeRow {
    /// The notice, which is about `request`.
    pub(super) fn notice(&self, request: RequestId) -> OutboxNotice {
        OutboxNotice {
            id: self.id,
            request,
            kind: self.kind,
            to: self.to.clone(),
            channel: Text::clone(&self.channel),
            created_at: moment(self.created_at),
            delivery: match &self.delivery {
                Kept::Waiting { attempts, next_at } => {
                    Delivery::Waiting { attempts: *attempts, next_at: moment(*next_at) }
                }
                Kept::Delivered { at } => Delivery::Delivered { at: moment(*at), message: None },
                Kept::Ended(delivery) => (**delivery).clone(),
            },
        }
    }

    /// From when on anybody can claim it. `None`: it does not wait.
    pub(super) fn claimable_at(&self) -> Option<i64> {
        let Kept::Waiting { next_at, .. } = self.delivery else { return None };
        Some(self.lease.as_ref().map_or(next_at, |lease| lease.until.max(next_at)))
    }

    /// No other owner gets it until then.
    pub(super) fn claim(&mut self, owner: ExecutorId, until: i64) {
        self.lease = Some(Box::new(Lease { owner, until }));
    }

    /// Notes how it stands, if `owner` has claimed it.
    pub(super) fn settle(&mut self, owner: ExecutorId, delivery: Delivery) -> bool {
        let is_owner = self.lease.as_ref().is_some_and(|lease| lease.owner == owner);
        if is_owner {
            self.delivery = delivery.into();
            self.lease = None;
        }
        is_owner
    }
}
