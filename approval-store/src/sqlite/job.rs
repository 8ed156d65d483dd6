//! Work for the writer, prepared by its callers: the writer encodes nothing.

use approval_core::{
    clock::Timestamp,
    model::{Delivery, OutboxNotice},
    store::{
        Commit, CommitOutcome, Condition, Document, Expect, JournalLine, NoticeClaim, NoticeClaims,
        NoticeSettlement, RecordWrite, StoreError,
    },
};
use tokio::sync::oneshot;

/// Where the answer to work goes.
pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is to do.
pub(super) enum Work {
    /// One atomic change.
    Commit {
        /// The change.
        prepared: Box<Prepared>,
        /// What became of it.
        answer: Answer<CommitOutcome>,
    },
    /// Claim notices.
    Claim {
        /// Which.
        claim: NoticeClaim,
        /// What was claimed.
        answer: Answer<NoticeClaims>,
    },
    /// Note what became of claimed notices.
    Settle {
        /// What.
        settlements: Vec<NoticeSettlement>,
        /// Done.
        answer: Answer<()>,
    },
    /// Append to the journal.
    Journal {
        /// The lines as JSON.
        lines: Vec<String>,
        /// Done.
        answer: Answer<()>,
    },
}

/// Work in the queue.
pub(super) struct Job {
    pub(super) work: Work,
}

impl Job {
    pub(super) const fn new(work: Work) -> Self {
        Self { work }
    }
}

/// A change, encoded.
pub(super) struct Prepared {
    pub(super) row: Option<PreparedRow>,
    pub(super) events: Vec<approval_core::model::EventLine>,
    pub(super) notices: Vec<PreparedNotice>,
    pub(super) not_before: Option<Timestamp>,
    pub(super) not_after: Option<Timestamp>,
    pub(super) conditions: Vec<Condition>,
    pub(super) writes: Vec<RecordWrite>,
}

/// The new state of a request, encoded.
pub(super) struct PreparedRow {
    pub(super) expect: Expect,
    pub(super) document: Document,
    pub(super) bytes: Vec<u8>,
}

/// A notice, encoded.
pub(super) struct PreparedNotice {
    pub(super) notice: OutboxNotice,
    pub(super) body: String,
    pub(super) delivery: String,
}

/// Encodes a change.
pub(super) fn prepare(commit: Commit) -> Result<Prepared, StoreError> {
    let Commit { row, events, notices, not_before, not_after, conditions, writes } = commit;
    let row = row.map(|row| {
        let bytes = row.document.encode()?;
        Ok::<_, StoreError>(PreparedRow { expect: row.expect, document: row.document, bytes })
    });
    let notices = notices.into_iter().map(|notice| {
        let (body, delivery) = (json(&notice)?, json(&notice.delivery)?);
        Ok::<_, StoreError>(PreparedNotice { notice, body, delivery })
    });
    Ok(Prepared {
        row: row.transpose()?,
        events,
        notices: notices.collect::<Result<_, _>>()?,
        not_before,
        not_after,
        conditions,
        writes,
    })
}

/// Encodes lines of the journal.
pub(super) fn journal(lines: &[JournalLine]) -> Result<Vec<String>, StoreError> {
    lines.iter().map(json).collect()
}

/// The JSON of something that the store keeps.
pub(super) fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|e| StoreError::unreadable(format!("a value cannot be written as JSON: {e}")))
}

/// When a notice can be claimed: `None` once it is settled.
pub(super) const fn claimable_at(delivery: &Delivery) -> Option<Timestamp> {
    match delivery {
        Delivery::Waiting { next_at, .. } => Some(*next_at),
        Delivery::Delivered { .. } | Delivery::Failed { .. } | Delivery::Obsolete { .. } => None,
    }
}
