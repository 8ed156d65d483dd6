//! What became of the changes of a group.

use approval_core::{
    clock::Timestamp,
    store::{CommitOutcome, Expect, RecordName, StoreError},
};
use tokio_postgres::Row;

use super::{
    arrays::{Arrays, first_failed},
    reader::Reader,
    work::Work,
};
use crate::{change::Encoded, columns::moment};

/// Why a change was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The row is not as expected, or its key is taken.
    Conflict,
    /// The time lies outside its bounds.
    Time,
    /// A condition does not hold.
    Condition,
}

/// The answer of the database about a group.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    at: i64,
    /// How far that is ahead of the server's clock, in microseconds.
    pub(super) lag: i64,
    /// Those that were not written, and why.
    refused: Vec<i32>,
    reasons: Vec<i32>,
    /// Numbers of the conditions that do not hold.
    pub(super) failed: Vec<i32>,
}

impl Verdicts {
    /// Reads the answer of the statement. When it cannot be read, it is written nevertheless.
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        let read = || Ok(Self { lag: row.try_get(4)?, ..Self::read_from(row, 0)? });
        read().map_err(|error: tokio_postgres::Error| StoreError::OutcomeUnknown {
            message: format!("the answer of the database cannot be read: {error}"),
        })
    }

    /// Reads columns `at, refused, reasons, failed`, from this one on.
    pub(super) fn read_from(row: &Row, first: usize) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            at: row.try_get(first)?,
            lag: 0,
            refused: row.try_get(first.saturating_add(1))?,
            reasons: row.try_get(first.saturating_add(2))?,
            failed: row.try_get(first.saturating_add(3))?,
        })
    }

    /// When it was written.
    pub(super) fn at(&self) -> Result<Timestamp, StoreError> {
        moment(self.at)
    }

    /// Why this piece of work was not written; `None` if it was.
    pub(super) fn reason(&self, place: usize) -> Option<Reason> {
        // No group is that large; if one were, this would not count as written.
        let Ok(place) = i32::try_from(place) else { return Some(Reason::Conflict) };
        let at = self.refused.iter().position(|refused| *refused == place)?;
        Some(match self.reasons.get(at) {
            Some(2) => Reason::Time,
            Some(3) => Reason::Condition,
            _ => Reason::Conflict,
        })
    }
}

/// For each change that is bound to a condition that does not hold: the record of the first such.
pub(super) fn failed(group: &[Work], verdicts: &Verdicts, schema: &str) -> Vec<(usize, RecordName)> {
    let arrays = Arrays::of(group, schema);
    let failed =
        |condition: &_| arrays.number_of(condition).is_some_and(|number| verdicts.failed.contains(&number));
    let changes = group.iter().enumerate().filter_map(|(place, work)| match work {
        Work::Change(change, _) => Some((place, first_failed(change, failed)?.clone())),
        Work::Settle(..) | Work::Journal(..) => None,
    });
    changes.collect()
}

pub(super) const fn committed(at: Timestamp, version: u64) -> CommitOutcome {
    CommitOutcome::Committed { at, version }
}

/// The answer to a change that was not written. What there is instead is read now, when others may have
/// written it once more: it is in any case newer than what was expected.
pub(super) async fn refused(
    reader: &Reader,
    change: &Encoded,
    reason: Reason,
    failed: Option<RecordName>,
    at: Timestamp,
) -> Result<CommitOutcome, StoreError> {
    match (reason, &change.row, failed) {
        (Reason::Time, ..) => Ok(CommitOutcome::OutsideTime { now: at }),
        (Reason::Condition, _, Some(name)) => {
            let found = reader.record(&name).await?;
            Ok(CommitOutcome::ConditionFailed { name, found })
        }
        (Reason::Conflict, Some(row), _) => {
            let there = reader.load(row.id()).await?;
            if let (Expect::Absent, None, Some(key)) = (row.expect, &there, row.document.index().key) {
                let owner = reader.find(key).await?;
                return owner.map(CommitOutcome::KeyTaken).ok_or_else(|| {
                    StoreError::unavailable("the owner of a key was gone when it was looked for")
                });
            }
            Ok(CommitOutcome::Conflict(there))
        }
        (Reason::Condition | Reason::Conflict, ..) => {
            Err(StoreError::unavailable("the database refused a change for a reason that is not known here"))
        }
    }
}
