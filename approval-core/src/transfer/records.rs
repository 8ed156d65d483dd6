//! Records, by name and value. Their versions count the writes of each store and are not carried over.

use futures_util::future::try_join_all;

use super::{
    Run, Step, TransferError,
    walk::{Pair, Pairs},
};
use crate::store::{Commit, Record, RecordWrite};

/// Records compared, and written, at a time.
const BATCH: usize = 500;
/// Records in one commit.
const ROWS: usize = 32;
/// Bytes of values in one commit, about.
const BYTES: usize = 256 * 1024;

impl Run<'_> {
    /// Brings the records of the target to where they are in the source. How many there are, and how many were written.
    pub(super) async fn records(&self, step: Step) -> Result<(u64, u64), TransferError> {
        let mut pairs = Pairs::records(self.from, self.to);
        let (mut there, mut written) = (0_u64, 0_u64);
        loop {
            let batch = pairs.next(BATCH).await?;
            if batch.is_empty() {
                return Ok((there, written));
            }
            let in_source = batch.iter().filter(|pair| !matches!(pair, Pair::Target(_))).count();
            there = there.saturating_add(in_source as u64);
            let writes: Vec<_> = batch.into_iter().filter_map(write).collect();
            written = written.saturating_add(writes.len() as u64);
            let commits = parts(writes)
                .into_iter()
                .map(|writes| self.target.commit(self.to, Commit { writes, ..Commit::default() }));
            try_join_all(commits).await?;
            self.tell(step, there);
        }
    }
}

fn write(pair: Pair<Record>) -> Option<RecordWrite> {
    match pair {
        Pair::Both(source, target) if source.value == target.value => None,
        Pair::Both(source, _) | Pair::Source(source) => {
            Some(RecordWrite { name: source.name, value: Some(source.value) })
        }
        Pair::Target(target) => Some(RecordWrite { name: target.name, value: None }),
    }
}

fn parts(writes: Vec<RecordWrite>) -> Vec<Vec<RecordWrite>> {
    let mut parts: Vec<Vec<RecordWrite>> = Vec::new();
    let mut bytes = 0_usize;
    for write in writes {
        let size = write.value.as_ref().map_or(0, Vec::len);
        match parts.last_mut() {
            Some(part) if part.len() < ROWS && bytes.saturating_add(size) <= BYTES => part.push(write),
            _ => {
                bytes = 0;
                parts.push(vec![write]);
            }
        }
        bytes = bytes.saturating_add(size);
    }
    parts
}
