//! Decisions and votes as bytes, many in a row.

use approval_core::{
    clock::{Span, Timestamp},
    lifecycle::statistics::{Cast, End},
    store::StoreError,
};
use rusqlite::{OptionalExtension, params};

use crate::sqlite::{
    batch::Batch,
    failure::failed,
    rows::{limit, micros},
};

/// What is kept in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Decisions = 0,
    Votes = 1,
}

/// Facts in a row. The last row of a kind is written anew as long as it is not full.
const FULL: usize = 4096;
/// Bytes of a fact, its moment aside.
const FACT: usize = 16;
/// Bytes of a moment.
const TIME: usize = 8;

const LAST: &str = "SELECT number, facts, times FROM stats_facts INDEXED BY stats_facts_kind
    WHERE kind = ?1 ORDER BY number DESC LIMIT 1";
const PUT: &str = "INSERT OR REPLACE INTO stats_facts (number, kind, count, first_at, last_at, facts, times)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// One decision or vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) subject: u32,
    /// How it ended, or voter and vote.
    pub(super) detail: u32,
    /// Microseconds since the beginning.
    pub(super) after: u64,
}

impl Fact {
    /// A decision.
    pub(super) fn decision(subject: u32, end: End, after: Span) -> Self {
        Self { subject, detail: u32::from(end.number()), after: length(after) }
    }

    /// A vote. A voter's number takes 30 bits.
    pub(super) fn vote(subject: u32, voter: u32, cast: Cast, after: Span) -> Self {
        Self { subject, detail: (voter << 2) | u32::from(cast.number()), after: length(after) }
    }

    /// How it ended.
    pub(super) fn end(self) -> Option<End> {
        u8::try_from(self.detail).ok().and_then(End::of_number)
    }

    /// Who voted, and what.
    pub(super) fn voter(self) -> Option<(u32, Cast)> {
        u8::try_from(self.detail & 3).ok().and_then(Cast::of_number).map(|cast| (self.detail >> 2, cast))
    }

    fn write(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.subject.to_le_bytes());
        bytes.extend(self.detail.to_le_bytes());
        bytes.extend(self.after.to_le_bytes());
    }

    const fn read(bytes: [u8; FACT]) -> Self {
        let whole = u128::from_le_bytes(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "each takes its own bytes")]
        Self { subject: whole as u32, detail: (whole >> 32) as u32, after: (whole >> 64) as u64 }
    }
}

fn length(after: Span) -> u64 {
    u64::try_from(after.as_micros()).unwrap_or(0)
}

/// The statistics are not what this program writes.
pub(super) fn broken(what: &str) -> StoreError {
    StoreError::unreadable(format!("the statistics in the store cannot be read: they have {what}"))
}

/// The facts in a row, in their order.
pub(super) fn facts(bytes: &[u8]) -> Result<impl Iterator<Item = Fact> + '_, StoreError> {
    let (all, rest) = bytes.as_chunks::<FACT>();
    if !rest.is_empty() {
        return Err(broken("half a decision or vote"));
    }
    Ok(all.iter().map(|bytes| Fact::read(*bytes)))
}

/// The facts in a row with their moments, as microseconds, in their order.
pub(super) fn facts_and_times<'a>(
    bytes: &'a [u8],
    moments: &'a [u8],
) -> Result<impl Iterator<Item = (Fact, i64)> + 'a, StoreError> {
    let (moments, rest) = moments.as_chunks::<TIME>();
    if !rest.is_empty() || moments.len() != bytes.len() / FACT {
        return Err(broken("another number of moments than of decisions and votes"));
    }
    Ok(facts(bytes)?.zip(moments.iter().map(|bytes| i64::from_le_bytes(*bytes))))
}

/// A row that is being filled.
#[derive(Debug, Default)]
struct Row {
    /// Its number, if it is there already.
    number: Option<i64>,
    facts: Vec<(Fact, i64)>,
}

impl Row {
    const fn is_full(&self) -> bool {
        self.facts.len() >= FULL
    }
}

/// Facts of one kind that are to be written.
pub(super) struct Facts {
    kind: Kind,
    new: Vec<(i64, Fact)>,
}

impl Facts {
    pub(super) const fn new(kind: Kind) -> Self {
        Self { kind, new: Vec::new() }
    }

    pub(super) fn push(&mut self, at: Timestamp, fact: Fact) {
        self.new.push((micros(at), fact));
    }

    /// Appends them.
    pub(super) fn write(self, batch: &Batch<'_>) -> Result<(), StoreError> {
        if self.new.is_empty() {
            return Ok(());
        }
        let mut row = self.last(batch)?.filter(|row| !row.is_full()).unwrap_or_default();
        for (at, fact) in &self.new {
            if row.is_full() {
                self.put(batch, &row)?;
                row = Row::default();
            }
            row.facts.push((*fact, *at));
        }
        self.put(batch, &row)
    }

    fn last(&self, batch: &Batch<'_>) -> Result<Option<Row>, StoreError> {
        let fail = failed("the statistics could not be read");
        let read = |row: &rusqlite::Row<'_>| {
            let (all, moments) = (row.get_ref(1)?.as_blob()?, row.get_ref(2)?.as_blob()?);
            Ok((row.get(0)?, facts_and_times(all, moments).map(Iterator::collect)))
        };
        let last = batch.statement(LAST, &fail)?.query_row([self.kind as i64], read).optional();
        let Some((number, facts)) = last.map_err(&fail)? else { return Ok(None) };
        Ok(Some(Row { number, facts: facts? }))
    }

    fn put(&self, batch: &Batch<'_>, row: &Row) -> Result<(), StoreError> {
        let fail = failed("the statistics could not be written");
        let (mut all, mut moments) =
            (Vec::with_capacity(row.facts.len() * FACT), Vec::with_capacity(row.facts.len() * TIME));
        for (fact, at) in &row.facts {
            fact.write(&mut all);
            moments.extend(at.to_le_bytes());
        }
        let moments_of = || row.facts.iter().map(|(_, at)| *at);
        let (Some(first_at), Some(last_at)) = (moments_of().min(), moments_of().max()) else {
            return Err(StoreError::unavailable(
                "a row of the statistics was to be written without anything in it",
            ));
        };
        let count = limit(row.facts.len());
        batch
            .statement(PUT, &fail)?
            .execute(params![row.number, self.kind as i64, count, first_at, last_at, all, moments])
            .map_err(&fail)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let written = [
            Fact::decision(7, End::Unasked, Span::from_micros(1)),
            Fact::vote(u32::MAX, (1 << 30) - 1, Cast::Rejection, Span::from_hours(1_000_000)),
            Fact::vote(0, 0, Cast::Answer, Span::from_secs(-1)),
        ];
        let mut bytes = Vec::new();
        for fact in written {
            fact.write(&mut bytes);
        }
        assert_eq!(facts(&bytes).unwrap().collect::<Vec<_>>(), written);
        assert_eq!(written[0].end(), Some(End::Unasked));
        assert_eq!(written[1].voter(), Some(((1 << 30) - 1, Cast::Rejection)));
        assert_eq!(written[1].after, 3_600_000_000_000_000);
        assert_eq!((written[2].voter(), written[2].after), (Some((0, Cast::Answer)), 0));
    }

    #[test]
    fn a_row_that_is_cut_is_an_error_and_not_less() {
        let moments = [0; 2 * TIME];
        for (bytes, moments) in [
            (&[0; 2 * FACT - 1][..], &moments[..]),
            (&[0; 2 * FACT], &moments[..TIME]),
            (&[0; FACT], &moments),
            (&[0; FACT], &moments[..=TIME]),
        ] {
            assert!(matches!(facts_and_times(bytes, moments).err(), Some(StoreError::Unreadable { .. })));
        }
        assert!(facts(&[0; FACT + 1]).is_err());
        assert_eq!(facts_and_times(&[0; 2 * FACT], &moments).unwrap().count(), 2);
    }
}
