//! One atomic change.

use super::{Document, Record, RecordName, StoreError, Stored};
use crate::{
    clock::{Span, Timestamp},
    id::{ExecutorId, RequestId},
    model::{EventLine, OutboxNotice},
};

/// What the row must be for the change to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is no row of this id, and none with its key.
    Absent,
    /// The row has this version.
    Version(u64),
}

/// The new state of a request.
#[derive(Clone, Debug)]
pub struct RowWrite {
    /// What there must be before.
    pub expect: Expect,
    /// What there will be. Its version is 1 for a new row, else one more than the expected one.
    pub document: Document,
}

/// What a named record must be for the change to apply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// There is no such record.
    Absent(RecordName),
    /// There is one, whatever its version.
    Present(RecordName),
    /// It has this version.
    Version(RecordName, u64),
}

impl Condition {
    /// The record that it is about.
    #[must_use]
    pub const fn name(&self) -> &RecordName {
        match self {
            Self::Absent(name) | Self::Present(name) | Self::Version(name, _) => name,
        }
    }

    /// Whether it holds for what is there.
    #[must_use]
    pub const fn holds(&self, version: Option<u64>) -> bool {
        match (self, version) {
            (Self::Absent(_), None) | (Self::Present(_), Some(_)) => true,
            (Self::Version(_, expected), Some(found)) => *expected == found,
            (Self::Absent(_), Some(_)) | (Self::Present(_) | Self::Version(..), None) => false,
        }
    }
}

/// A record to be written or, without a value, removed. Its version is 1 for a new record, else one more than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordWrite {
    /// Which.
    pub name: RecordName,
    /// Its new value; `None` removes it.
    pub value: Option<Vec<u8>>,
}

/// Claims the notices of a commit in the same write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimWhenWriting {
    /// Who delivers them.
    pub owner: ExecutorId,
    /// How long no other owner gets them.
    pub lease: Span,
}

/// One atomic change: everything in it is written, or nothing. It is about one request at the most: the row's, which
/// the notices name too; without a row, the one that the notices name (there need not be such a request).
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// The request, if one changes.
    pub row: Option<RowWrite>,
    /// Lines of its history. Every change of a row has at least one, or is a reminder of time that has one.
    pub events: Vec<EventLine>,
    /// Rows for the outbox.
    pub notices: Vec<OutboxNotice>,
    /// Claims these rows in the same write, as [`super::Store::claim_notices`] would right after it; the listeners are handed
    /// them ([`super::Change::Claimed`]). Only for a store that [says](super::Store::claims_when_writing) that it does so.
    pub claim: Option<ClaimWhenWriting>,
    /// Refused before this moment.
    pub not_before: Option<Timestamp>,
    /// Refused from this moment on.
    pub not_after: Option<Timestamp>,
    /// What must hold of named records, checked before the writes below.
    pub conditions: Vec<Condition>,
    /// Named records to write.
    pub writes: Vec<RecordWrite>,
}

impl Commit {
    /// Whether `now` lies within the time bounds: at or after `not_before`, and before `not_after`.
    #[must_use]
    pub fn in_time(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|bound| now >= bound) && self.not_after.is_none_or(|bound| now < bound)
    }

    /// The request that the change is about, if it is about one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it is no single change: it is about several requests, writes a record twice, or
    /// has lines of history without a row or out of their order.
    pub fn subject(&self) -> Result<Option<RequestId>, StoreError> {
        let bad = |why: &str| Err(StoreError::unavailable(format!("the change is malformed: {why}")));
        let row = self.row.as_ref().map(|row| row.document.request().id);
        let subject = row.or_else(|| self.notices.first().map(|notice| notice.request));
        if self.notices.iter().any(|notice| Some(notice.request) != subject) {
            return bad("its notices are about several requests");
        }
        if row.is_none() && !self.events.is_empty() {
            return bad("it has lines of history, but no row that they belong to");
        }
        let numbered = self.events.first().is_none_or(|line| line.seq > 0);
        if !numbered || !self.events.is_sorted_by(|a, b| a.seq < b.seq) {
            return bad("its lines of history are not in the order of their numbers, from 1");
        }
        let twice = |(place, write): (usize, &RecordWrite)| {
            self.writes.iter().take(place).any(|other| other.name == write.name)
        };
        if self.writes.iter().enumerate().any(twice) {
            return bad("it writes a record twice");
        }
        Ok(subject)
    }
}

/// What became of a [`Commit`] that the store could judge.
#[derive(Clone, Debug)]
pub enum CommitOutcome {
    /// It is written.
    Committed {
        /// The store's time of the write.
        at: Timestamp,
        /// The new version of the row; 0 if there was none in the commit.
        version: u64,
    },
    /// The row was not as expected. What there is instead; `None` if there is no such row.
    Conflict(Option<Stored>),
    /// A new row's key belongs to this request already.
    KeyTaken(Stored),
    /// The store's time lies outside the bounds.
    OutsideTime {
        /// The store's time.
        now: Timestamp,
    },
    /// A condition does not hold. The record as it is.
    ConditionFailed {
        /// Which.
        name: RecordName,
        /// What there is.
        found: Option<Record>,
    },
}
