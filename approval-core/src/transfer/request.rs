//! One request with all that hangs on it.

use super::{Difference, Run, TransferError};
use crate::{
    audit,
    model::{EventLine, OutboxNotice},
    store::{Commit, CommitOutcome, Document, Expect, Removal, RowWrite, Store, StoreError, Stored},
};

/// Lines and notices in one commit: a key-value service takes some 64 rows in a transaction.
const ROWS: usize = 48;
/// Bytes of lines and notices in one commit, about.
const BYTES: usize = 256 * 1024;
/// How often a request is looked at again because it changed.
const ROUNDS: usize = 10;

/// A request, its history and its notices.
pub(super) struct Whole {
    pub(super) stored: Stored,
    pub(super) lines: Vec<EventLine>,
    pub(super) notices: Vec<OutboxNotice>,
}

impl Whole {
    /// `None`: it is gone.
    pub(super) async fn read(store: &dyn Store, stored: Stored) -> Result<Option<Self>, StoreError> {
        let Some((stored, lines)) = audit::history(store, stored).await? else { return Ok(None) };
        let notices = store.notices(stored.request.id).await?;
        Ok(Some(Self { stored, lines, notices }))
    }

    /// In what a copy differs, the first thing.
    pub(super) fn difference(&self, copy: &Self) -> Option<Difference> {
        let id = self.stored.request.id;
        if let Some(seq) = self.first_other_line(copy) {
            return Some(Difference::History(id, seq));
        }
        if self.stored.request != copy.stored.request {
            return Some(Difference::Document(id));
        }
        (self.notices != copy.notices).then_some(Difference::Notices(id))
    }

    fn first_other_line(&self, copy: &Self) -> Option<u64> {
        let (ours, theirs) = (&self.lines, &copy.lines);
        let same = ours.iter().zip(theirs).take_while(|(a, b)| a == b).count();
        (same < ours.len().max(theirs.len())).then(|| (same as u64).saturating_add(1))
    }

    /// What is missing behind the first `lines` and `notices`, in parts that a commit takes; at least one, for the document.
    fn parts(&self, lines: usize, notices: usize) -> Vec<(Vec<EventLine>, Vec<OutboxNotice>)> {
        let mut parts = vec![(Vec::new(), Vec::new())];
        let (mut rows, mut bytes) = (0_usize, 0_usize);
        let mut begins_anew = |size: usize| {
            (rows, bytes) = (rows.saturating_add(1), bytes.saturating_add(size));
            let full = rows > ROWS || (rows > 1 && bytes > BYTES);
            if full {
                (rows, bytes) = (1, size);
            }
            full
        };
        for line in self.lines.iter().skip(lines) {
            if begins_anew(line.text.len()) {
                parts.push((Vec::new(), Vec::new()));
            }
            if let Some((lines, _)) = parts.last_mut() {
                lines.push(line.clone());
            }
        }
        for notice in self.notices.iter().skip(notices) {
            // About what the principals, the reason and the id of the message outside take.
            if begins_anew(512) {
                parts.push((Vec::new(), Vec::new()));
            }
            if let Some((_, notices)) = parts.last_mut() {
                notices.push(notice.clone());
            }
        }
        parts
    }
}

/// What became of an attempt to write.
enum Wrote {
    Done,
    Conflict(Option<Stored>),
    KeyTaken(Stored),
}

impl Run<'_> {
    /// Brings a request of the target to where it is in the source. If it may be there, it is looked for before it is written.
    pub(super) async fn bring(&self, stored: Stored, may_be_there: bool) -> Result<(), TransferError> {
        let id = stored.request.id;
        let read = Whole::read(self.from, stored).await.map_err(TransferError::Source)?;
        // Gone from the source by now: the comparison of both stores finds out.
        let Some(whole) = read else { return Ok(()) };
        let found = if may_be_there { self.to.load(id).await.map_err(TransferError::Target)? } else { None };
        let mut wrote = Wrote::Conflict(found);
        for _ in 0..ROUNDS {
            match wrote {
                Wrote::Done => return Ok(()),
                Wrote::KeyTaken(other) => {
                    let other_id = other.request.id;
                    if self.from.load(other_id).await.map_err(TransferError::Source)?.is_some() {
                        return Err(TransferError::Differs(Difference::KeyTaken(id, other_id)));
                    }
                    // The source let the other one go since it was copied, and its key was free again.
                    self.remove(&other).await?;
                    wrote = Wrote::Conflict(None);
                }
                Wrote::Conflict(None) => wrote = self.write(&whole, Expect::Absent, 0, 0).await?,
                Wrote::Conflict(Some(found)) => match self.go_on(&whole, found).await? {
                    None => return Ok(()),
                    Some(next) => wrote = next,
                },
            }
        }
        Err(TransferError::TakenOver)
    }

    /// Writes what is missing of a request that is there. `None`: nothing is.
    async fn go_on(&self, whole: &Whole, found: Stored) -> Result<Option<Wrote>, TransferError> {
        let id = whole.stored.request.id;
        let read = Whole::read(self.to, found).await.map_err(TransferError::Target)?;
        let Some(copy) = read else { return Ok(Some(Wrote::Conflict(None))) };
        if whole.difference(&copy).is_none() {
            return Ok(None);
        }
        if let Some(seq) = whole.first_other_line(&copy)
            && !whole.lines.starts_with(&copy.lines)
        {
            return Err(TransferError::Differs(Difference::History(id, seq)));
        }
        if !whole.notices.starts_with(&copy.notices) {
            // A store has no way to set how a notice stands but by delivering it. What is open in the target
            // is in no figure yet, and can be written anew.
            if !copy.stored.request.status.is_open() {
                return Err(TransferError::Differs(Difference::Notices(id)));
            }
            self.remove(&copy.stored).await?;
            return Ok(Some(Wrote::Conflict(None)));
        }
        let expect = Expect::Version(copy.stored.version);
        self.write(whole, expect, copy.lines.len(), copy.notices.len()).await.map(Some)
    }

    async fn write(
        &self,
        whole: &Whole,
        mut expect: Expect,
        lines: usize,
        notices: usize,
    ) -> Result<Wrote, TransferError> {
        for (events, notices) in whole.parts(lines, notices) {
            let document = Document::new(std::sync::Arc::clone(&whole.stored.request));
            let commit = Commit {
                row: Some(RowWrite { expect, document }),
                events,
                notices,
                conditions: vec![self.target.is_ours()],
                ..Commit::default()
            };
            expect = match self.to.commit(commit).await.map_err(TransferError::Target)? {
                CommitOutcome::Committed { version, .. } => Expect::Version(version),
                CommitOutcome::Conflict(found) => return Ok(Wrote::Conflict(found)),
                CommitOutcome::KeyTaken(other) => return Ok(Wrote::KeyTaken(other)),
                CommitOutcome::OutsideTime { .. } | CommitOutcome::ConditionFailed { .. } => {
                    return Err(TransferError::TakenOver);
                }
            };
        }
        Ok(Wrote::Done)
    }

    /// Removes from the target what an earlier step wrote there.
    pub(super) async fn remove(&self, copy: &Stored) -> Result<(), TransferError> {
        let removal = Removal { request: copy.request.id, version: copy.version };
        // A change meanwhile is found when both stores are compared.
        self.to.remove(removal).await.map(drop).map_err(TransferError::Target)
    }
}
