//! Comparing two stores.

use futures_util::future::try_join_all;

use super::{
    Contents, Difference, Step, Transfer, TransferError, journal,
    request::Whole,
    walk::{Pair, Pairs},
};
use crate::{
    audit::{self, State},
    store::{HALTS, Record, RecordName, Store, Stored, unfinished},
};

/// Differences that are listed; of the others only how many there are.
const TOLD: usize = 20;
/// Requests compared at the same time.
const REQUESTS: usize = 128;
/// Records compared at a time.
const RECORDS: usize = 500;

/// What comparing two stores found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comparison {
    /// What is equal in both.
    pub equal: Contents,
    /// The first twenty differences.
    pub differences: Vec<Difference>,
    /// How many there are.
    pub different: u64,
}

impl Comparison {
    /// Whether the two hold the same.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.different == 0
    }

    fn differs(&mut self, difference: Difference) {
        self.different = self.different.saturating_add(1);
        if self.differences.len() < TOLD {
            self.differences.push(difference);
        }
    }
}

pub(super) async fn compare(transfer: &Transfer) -> Result<Comparison, TransferError> {
    let (from, to) = (&*transfer.from, &*transfer.to);
    let mut found = Comparison::default();
    // First, since it finds out half a copy.
    let locked = [RecordName::new(HALTS), audit::state_record()];
    for name in locked {
        let (source, target) = (from.record(&name).await, to.record(&name).await);
        let source = whole(source.map_err(TransferError::Source)?).map_err(TransferError::Source)?;
        let target = whole(target.map_err(TransferError::Target)?).map_err(TransferError::Target)?;
        if name == audit::state_record() {
            // Where sealing goes on is a place in the order of one store.
            let state = |value: Option<Vec<u8>>| value.map(|value| state(&value));
            if state(source) != state(target) {
                found.differs(Difference::Record(name));
            }
        } else if source != target {
            found.differs(Difference::Record(name));
        }
    }
    let mut pairs = Pairs::requests(from, to);
    let mut done = 0_u64;
    loop {
        let batch = pairs.next(REQUESTS).await?;
        if batch.is_empty() {
            break;
        }
        done = done.saturating_add(batch.len() as u64);
        for one in try_join_all(batch.into_iter().map(|pair| request(from, to, pair))).await? {
            match one {
                Ok(contents) => found.equal.add(contents),
                Err(difference) => found.differs(difference),
            }
        }
        transfer.tell(Step::Comparing, done);
    }
    let mut pairs = Pairs::records(from, to);
    loop {
        let batch = pairs.next(RECORDS).await?;
        if batch.is_empty() {
            break;
        }
        for pair in batch {
            match pair {
                Pair::Both(source, target) if source.value == target.value => {
                    found.equal.records = found.equal.records.saturating_add(1);
                }
                Pair::Both(record, _) | Pair::Source(record) | Pair::Target(record) => {
                    found.differs(Difference::Record(record.name));
                }
            }
        }
    }
    let (lines, other) = journal::compare(from, to).await?;
    found.equal.journal = lines;
    if let Some(number) = other {
        found.differs(Difference::Journal(number));
    }
    Ok(found)
}

fn whole(record: Option<Record>) -> Result<Option<Vec<u8>>, crate::store::StoreError> {
    record.map(|record| unfinished::refuse(&record.value).map(|()| record.value)).transpose()
}

/// The state of sealing but for its place. What cannot be read is compared as it is.
fn state(value: &[u8]) -> Result<State, Vec<u8>> {
    let read: Result<State, _> = serde_json::from_slice(value);
    read.map(|state| State { cursor: crate::store::ChangeCursor::default(), ..state })
        .map_err(|_| value.to_vec())
}

async fn request(
    from: &dyn Store,
    to: &dyn Store,
    pair: Pair<Stored>,
) -> Result<Result<Contents, Difference>, TransferError> {
    let (source, target) = match pair {
        Pair::Both(source, target) => (source, target),
        Pair::Source(source) => return Ok(Err(Difference::Missing(source.request.id))),
        Pair::Target(target) => return Ok(Err(Difference::Added(target.request.id))),
    };
    let id = source.request.id;
    let source = Whole::read(from, source).await.map_err(TransferError::Source)?;
    let target = Whole::read(to, target).await.map_err(TransferError::Target)?;
    Ok(match (source, target) {
        (Some(source), Some(target)) => match source.difference(&target) {
            None => Ok(Contents::of(&source)),
            Some(difference) => Err(difference),
        },
        (Some(_), None) => Err(Difference::Missing(id)),
        (None, _) => Err(Difference::Added(id)),
    })
}
