//! What the durable stores have in common: how values become columns, and columns values.

use std::sync::Arc;

use approval_core::{
    clock::Timestamp,
    id::RequestId,
    model::{Delivery, OutboxNotice, Text},
    store::{
        ClaimedNotice, Document, JournalEntry, JournalLine, NoticeSettlement, Query, StoreError, Stored,
    },
};

/// A moment as a column.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A moment from a column.
pub(crate) fn moment(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros)
        .map_err(|e| StoreError::unreadable(format!("a time in the store cannot be read: {e}")))
}

/// A count from a column.
pub(crate) fn count(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value)
        .map_err(|_| StoreError::unreadable(format!("a count in the store is negative: {value}")))
}

/// A count as a column. Numbers that do not fit are refused before they are written, and no column has them.
pub(crate) fn column(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A limit as a column.
pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A request's row, read and not decoded.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) id: Vec<u8>,
    pub(crate) version: i64,
    pub(crate) document: Vec<u8>,
}

impl Raw {
    /// Whether it is of this version.
    pub(crate) fn is_version(&self, version: u64) -> bool {
        self.version == column(version)
    }

    /// The request.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], which names the request.
    pub(crate) fn decode(self) -> Result<Stored, StoreError> {
        let unreadable = |error: StoreError| match error {
            StoreError::Unreadable { message } => {
                StoreError::unreadable(format!("request {}: {message}", shown(&self.id)))
            }
            other => other,
        };
        let version = count(self.version).map_err(unreadable)?;
        let document = Document::decode(&self.document).map_err(unreadable)?;
        if document.request().id.as_bytes()[..] != self.id[..] {
            return Err(StoreError::unreadable(format!(
                "request {}: its document is the one of request {}",
                shown(&self.id),
                document.request().id
            )));
        }
        Ok(Stored { version, request: Arc::clone(document.request()) })
    }
}

/// An id in a message, even if it is none.
pub(crate) fn shown(id: &[u8]) -> String {
    uuid::Uuid::from_slice(id).map_or_else(|_| format!("{id:02x?}"), |id| id.to_string())
}

/// An id from a column.
pub(crate) fn request_id(id: &[u8]) -> Result<RequestId, StoreError> {
    uuid::Uuid::from_slice(id)
        .map(RequestId::from_uuid)
        .map_err(|e| StoreError::unreadable(format!("the id {} in the store cannot be read: {e}", shown(id))))
}

/// A notice to be written, encoded.
pub(crate) struct NewNotice {
    pub(crate) id: [u8; 16],
    pub(crate) request: [u8; 16],
    pub(crate) channel: Text,
    pub(crate) claimable_at: Option<i64>,
    pub(crate) body: String,
}

impl NewNotice {
    pub(crate) fn new(notice: &OutboxNotice) -> Result<Self, StoreError> {
        Ok(Self {
            id: *notice.id.as_bytes(),
            request: *notice.request.as_bytes(),
            channel: Text::clone(&notice.channel),
            claimable_at: claimable_at(&notice.delivery),
            body: json(notice)?,
        })
    }
}

pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|e| StoreError::unreadable(format!("a notice cannot be written as JSON: {e}")))
}

/// When a notice can be claimed: `None` once it is settled.
pub(crate) fn claimable_at(delivery: &Delivery) -> Option<i64> {
    match delivery {
        Delivery::Waiting { next_at, .. } => Some(micros(*next_at)),
        Delivery::Delivered { .. } | Delivery::Failed { .. } | Delivery::Obsolete { .. } => None,
    }
}

/// A notice as it is stored; `delivery` is how it stands, unless that is how it was written.
pub(crate) struct RawNotice {
    pub(crate) body: String,
    pub(crate) delivery: Option<String>,
}

impl RawNotice {
    pub(crate) fn decode(&self) -> Result<OutboxNotice, StoreError> {
        let unreadable = |e| StoreError::unreadable(format!("a notice in the store cannot be read: {e}"));
        let mut notice: OutboxNotice = serde_json::from_str(&self.body).map_err(unreadable)?;
        if let Some(delivery) = &self.delivery {
            notice.delivery = serde_json::from_str(delivery).map_err(unreadable)?;
        }
        Ok(notice)
    }
}

/// What became of a notice, encoded.
pub(crate) struct Settlement {
    pub(crate) by: NoticeSettlement,
    pub(crate) delivery: String,
}

impl Settlement {
    pub(crate) fn new(by: NoticeSettlement) -> Result<Self, StoreError> {
        let delivery = json(&by.delivery)?;
        Ok(Self { by, delivery })
    }
}

/// Lines of the journal, encoded.
pub(crate) fn journal_lines(lines: &[JournalLine]) -> Result<Vec<String>, StoreError> {
    let json = |line| {
        serde_json::to_string(line).map_err(|e| {
            StoreError::unreadable(format!("a line of the journal cannot be written as JSON: {e}"))
        })
    };
    lines.iter().map(json).collect()
}

/// The same, under the numbers that they have already.
pub(crate) fn numbered(entries: &[JournalEntry]) -> Result<Vec<(i64, String)>, StoreError> {
    let lines: Vec<JournalLine> = entries.iter().map(|entry| entry.line.clone()).collect();
    let numbers = entries.iter().map(|entry| column(entry.number));
    Ok(numbers.zip(journal_lines(&lines)?).collect())
}

/// Whether numbered lines count up, and come after the last one that is there.
pub(crate) fn in_order(lines: &[(i64, String)], last: i64) -> bool {
    lines.first().is_none_or(|(first, _)| *first > last) && lines.is_sorted_by(|(a, _), (b, _)| a < b)
}

/// The error for numbers that are not in order.
pub(crate) fn not_in_order() -> StoreError {
    StoreError::unavailable("the numbers of lines for the journal do not come after those that it has")
}

/// A line of the journal from its columns.
pub(crate) fn journal_entry(number: i64, line: &str) -> Result<JournalEntry, StoreError> {
    let line = serde_json::from_str(line)
        .map_err(|e| StoreError::unreadable(format!("line {number} of the journal cannot be read: {e}")))?;
    Ok(JournalEntry { number: count(number)?, line })
}

/// Claimed notices as the caller sees them. What cannot be read is left out and reported: it must not keep the others back.
pub(crate) fn claimed(notices: &[RawNotice], until: Timestamp) -> Vec<ClaimedNotice> {
    let decode = |raw: &RawNotice| {
        raw.decode().inspect_err(|error| tracing::error!(%error, "a notice is not delivered")).ok()
    };
    notices.iter().filter_map(decode).map(|notice| ClaimedNotice { notice, until }).collect()
}

/// The columns found the row; the document must say the same.
pub(crate) fn listed(raw: Raw, query: &Query) -> Result<Stored, StoreError> {
    let stored = raw.decode()?;
    if query.matches(&stored.request) {
        Ok(stored)
    } else {
        let id = stored.request.id;
        Err(StoreError::unreadable(format!(
            "request {id}: its document and its columns say different things"
        )))
    }
}
