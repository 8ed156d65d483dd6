//! What is written: work that waits for the one task that writes.

use approval_core::store::{CommitOutcome, StoreError};
use tokio::sync::oneshot;

use crate::{change::Encoded, columns::Settlement};

/// How the caller is answered.
pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// Work for the writer, encoded, and who waits for its outcome.
pub(super) enum Work {
    /// A change of a request or of records.
    Change(Box<Encoded>, Answer<CommitOutcome>),
    /// What became of notices.
    Settle(Vec<Settlement>, Answer<()>),
    /// Lines for the journal.
    Journal(Vec<String>, Answer<()>),
}

impl Work {
    /// Tells the caller that it was not done.
    pub(super) fn refuse(self, error: StoreError) {
        match self {
            Self::Change(_, answer) => drop(answer.send(Err(error))),
            Self::Settle(_, answer) | Self::Journal(_, answer) => drop(answer.send(Err(error))),
        }
    }

    /// About how many bytes it sends.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Change(change, _) => {
                let row = change.row.as_ref().map_or(0, |row| row.bytes.len());
                let lines: usize = change.events.iter().map(|event| event.text.len()).sum();
                let notices: usize = change.notices.iter().map(|notice| notice.body.len()).sum();
                let values: usize =
                    change.writes.iter().map(|write| write.value.as_ref().map_or(0, Vec::len)).sum();
                [lines, notices, values].into_iter().fold(row, usize::saturating_add)
            }
            Self::Settle(settlements, _) => settlements.iter().map(|one| one.delivery.len()).sum(),
            Self::Journal(lines, _) => lines.iter().map(String::len).sum(),
        }
    }
}
