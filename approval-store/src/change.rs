//! A change of a request with its history, notices and records, encoded by the caller: what writes it only
//! writes.

use std::sync::Arc;

use approval_core::{
    clock::{Timestamp, after},
    id::RequestId,
    model::{EventLine, OutboxNotice},
    store::{Change, ClaimWhenWriting, Commit, Condition, Document, Expect, RecordWrite, StoreError, Stored},
};

use crate::columns::NewNotice;

/// A change, encoded and ready to be written.
pub(crate) struct Encoded {
    pub(crate) row: Option<Row>,
    pub(crate) events: Vec<EventLine>,
    pub(crate) notices: Vec<NewNotice>,
    pub(crate) claim: Option<Claim>,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) not_after: Option<Timestamp>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) writes: Vec<RecordWrite>,
}

/// Who has the notices from the beginning, and the notices, for telling the owner.
pub(crate) struct Claim {
    pub(crate) by: ClaimWhenWriting,
    notices: Vec<OutboxNotice>,
}

impl Claim {
    pub(crate) fn until(&self, now: Timestamp) -> Timestamp {
        after(now, self.by.lease)
    }
}

/// A request to be written.
pub(crate) struct Row {
    pub(crate) expect: Expect,
    pub(crate) document: Document,
    pub(crate) bytes: Vec<u8>,
}

impl Row {
    pub(crate) fn id(&self) -> RequestId {
        self.document.request().id
    }

    /// The version that it will have.
    pub(crate) const fn version(&self) -> u64 {
        match self.expect {
            Expect::Absent => 1,
            // There is a next one: see `countable`.
            Expect::Version(expected) => expected.saturating_add(1),
        }
    }
}

/// Refuses numbers after which no column can count on: two versions would be one, and two writers of it would both succeed.
fn countable(commit: &Commit) -> Result<(), StoreError> {
    let version = commit.row.as_ref().and_then(|row| match row.expect {
        Expect::Absent => None,
        Expect::Version(expected) => Some(expected),
    });
    let is_last = |number: &u64| i64::try_from(*number).is_ok_and(|number| number == i64::MAX);
    let is_beyond = |number: &u64| i64::try_from(*number).is_err();
    let mut seqs = commit.events.iter().map(|event| event.seq);
    match version.filter(is_last).or_else(|| seqs.find(is_beyond)) {
        Some(number) => Err(StoreError::unreadable(format!("the store cannot count on from {number}"))),
        None => Ok(()),
    }
}

impl Encoded {
    /// Encodes a change.
    ///
    /// # Errors
    /// When it is no single change, or cannot be encoded.
    pub(crate) fn new(commit: Commit) -> Result<Self, StoreError> {
        commit.subject()?;
        countable(&commit)?;
        let Commit { row, events, notices, claim, not_before, not_after, conditions, writes } = commit;
        let row = row.map(|row| {
            let bytes = row.document.encode()?;
            Ok::<_, StoreError>(Row { expect: row.expect, document: row.document, bytes })
        });
        let row = row.transpose()?;
        let encoded = notices.iter().map(NewNotice::new).collect::<Result<_, _>>()?;
        let claim = claim.filter(|_| !notices.is_empty()).map(|by| Claim { by, notices });
        Ok(Self { row, events, notices: encoded, claim, not_before, not_after, conditions, writes })
    }

    /// The namespace of the request that changes; `None` without one.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.row.as_ref().map(|row| row.document.index().namespace)
    }

    /// What listeners are notified of once it is durable.
    pub(crate) fn note_changes(&self, changes: &mut Vec<Change>, now: Timestamp, version: u64) {
        if let Some(row) = &self.row {
            let request = Arc::clone(row.document.request());
            changes.push(Change::Request { id: request.id, stored: Some(Stored { version, request }) });
        }
        match &self.claim {
            _ if self.notices.is_empty() => {}
            Some(claim) => changes.push(Change::Claimed {
                owner: claim.by.owner,
                until: claim.until(now),
                notices: claim.notices.clone(),
            }),
            None => changes.push(Change::Notices),
        }
        changes.extend(self.writes.iter().map(|write| Change::Record(write.name.clone())));
    }
}

#[cfg(test)]
mod tests {
    use approval_core::model::EventLine;

    use super::*;

    #[test]
    fn a_number_that_no_column_can_count_on_from_is_refused() {
        let line = |seq| Commit { events: vec![EventLine { seq, text: "{}".into() }], ..Commit::default() };
        assert!(countable(&line(1)).is_ok());
        for seq in [u64::MAX, u64::from(u32::MAX) << 31 | 1 << 63] {
            assert!(matches!(countable(&line(seq)), Err(StoreError::Unreadable { .. })), "{seq}");
        }
    }
}
