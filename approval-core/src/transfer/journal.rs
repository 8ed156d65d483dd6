//! The journal, line by line, each under its number: seals hash the numbers too.

use super::{Difference, Run, Step, TransferError};
use crate::store::{JournalEntry, Store, StoreError};

/// Lines read, and written, at a time.
const PAGE: usize = 500;

/// The first line that is not the same in both; lines that are only in the source aside.
fn first_other(source: &[JournalEntry], target: &[JournalEntry]) -> Option<u64> {
    let mut source = source.iter();
    target.iter().find(|line| source.next() != Some(line)).map(|line| line.number)
}

/// Compares two journals. How many lines are the same, about, and where the first difference is.
pub(super) async fn compare(from: &dyn Store, to: &dyn Store) -> Result<(u64, Option<u64>), TransferError> {
    let (mut after, mut lines) = (0_u64, 0_u64);
    loop {
        let ours = from.read_journal(after, PAGE).await.map_err(TransferError::Source)?;
        let theirs = to.read_journal(after, PAGE).await.map_err(TransferError::Target)?;
        let missing = ours.get(theirs.len()).map(|line| line.number);
        let other = first_other(&ours, &theirs).or(missing);
        let Some(last) = ours.last().filter(|_| other.is_none()) else { return Ok((lines, other)) };
        after = last.number;
        lines = lines.saturating_add(ours.len() as u64);
    }
}

impl Run<'_> {
    /// Appends what the target lacks, after a line up to which both are the same. How many lines the source has after that,
    /// and how many were written.
    pub(super) async fn journal(&mut self, from: u64, step: Step) -> Result<(u64, u64), TransferError> {
        let (mut after, mut lines, mut written) = (from, 0_u64, 0_u64);
        loop {
            let ours = self.from.read_journal(after, PAGE).await.map_err(TransferError::Source)?;
            let theirs = self.to.read_journal(after, PAGE).await.map_err(TransferError::Target)?;
            if let Some(number) = first_other(&ours, &theirs) {
                return Err(TransferError::Differs(Difference::Journal(number)));
            }
            let Some(last) = ours.last().map(|line| line.number) else { return Ok((lines, written)) };
            // They are no more than ours, or there would have been another one.
            let missing = ours.get(theirs.len()..).unwrap_or_default();
            if !missing.is_empty() {
                self.append(after, missing).await?;
                written = written.saturating_add(missing.len() as u64);
            }
            lines = lines.saturating_add(ours.len() as u64);
            after = last;
            if after > self.target.journal() {
                self.target.wrote_journal(self.to, after).await?;
            }
            self.tell(step, lines);
        }
    }

    /// Appends lines. A store that cannot take their numbers must come to the same by itself.
    async fn append(&self, after: u64, missing: &[JournalEntry]) -> Result<(), TransferError> {
        match self.to.import_journal(missing.to_vec()).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Unsupported { .. }) => {}
            Err(error) => return Err(TransferError::Target(error)),
        }
        let cannot = || {
            let (store, what) =
                (self.to.info().name, "keep the numbers that the lines of a journal have elsewhere");
            Err(TransferError::Target(StoreError::Unsupported { store, what }))
        };
        // Where numbers were left out, no store counts the same by itself: nothing is written.
        let last = missing.last().map_or(0, |line| line.number);
        let before = missing.first().map_or(0, |line| line.number.saturating_sub(1));
        if last.checked_sub(before) != Some(missing.len() as u64) {
            return cannot();
        }
        let lines = missing.iter().map(|line| line.line.clone()).collect();
        self.to.append_journal(lines).await.map_err(TransferError::Target)?;
        let written = self.to.read_journal(after, PAGE).await.map_err(TransferError::Target)?;
        let same = written.iter().rev().zip(missing.iter().rev()).all(|(a, b)| a.number == b.number);
        if same { Ok(()) } else { cannot() }
    }
}
