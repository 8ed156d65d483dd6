//! Telling listeners in the order of the commits, without a lock held.

use crate::store::Change;

/// Changes of one shard that listeners have not been notified of yet. Two commits on one request may come from two threads;
/// the one that finds no other telling tells, and what others add meanwhile too.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    waiting: Vec<Change>,
    telling: bool,
}

impl Outgoing {
    /// Hands changes over. `Some`: the caller must tell these, and then ask [`Outgoing::more`].
    pub(super) fn push(&mut self, changes: Vec<Change>) -> Option<Vec<Change>> {
        if self.telling {
            self.waiting.extend(changes);
            return None;
        }
        self.telling = true;
        Some(changes)
    }

    /// What was added while the caller notified them of the last ones. `None`: nothing, the caller is done.
    pub(super) fn more(&mut self) -> Option<Vec<Change>> {
        if self.waiting.is_empty() {
            self.telling = false;
            return None;
        }
        Some(std::mem::take(&mut self.waiting))
    }
}
