//! Counting what was looked at.

use approval_core::{
    lifecycle::statistics::Subject,
    model::{Stats, StatsQuery, Text},
    store::{StoreError, SubjectIndex, Tally, VoterIndex},
};
use rusqlite::{Connection, Row};

use super::facts::{Fact, Kind, broken, facts, facts_and_times};
use crate::sqlite::{
    failure::failed,
    rows::{count, micros},
};

const STATE: &str = "SELECT state FROM stats_place";
const SUBJECTS: &str =
    "SELECT id, namespace, action, agent, risk, priority, pending FROM stats_subjects ORDER BY id";
const VOTERS: &str = "SELECT id, approver, channel FROM stats_voters ORDER BY id";
/// The times come last: where the whole row lies in the range, they are not read.
const FACTS: &str = "SELECT first_at, last_at, facts, times FROM stats_facts INDEXED BY stats_facts_kind
    WHERE kind = ?1";

const COUNT: &str =
    "SELECT coalesce(sum(count), 0) FROM stats_facts INDEXED BY stats_facts_kind WHERE kind = ?1";

/// Figures of the state of the statistics that has this number.
pub(super) struct Read {
    pub(super) state: i64,
    pub(super) stats: Stats,
}

/// The figures of requests.
pub(super) fn requests(connection: &Connection, query: &StatsQuery) -> Result<Read, StoreError> {
    read(connection, query, |connection, tally, range| {
        let subjects = subjects(connection, tally)?;
        tally.expect_decisions(how_many(connection, Kind::Decisions)?);
        each(connection, Kind::Decisions, range, |fact| {
            let end = fact.end().ok_or_else(|| broken("an end that is unknown"))?;
            if let Some(subject) = place(&subjects, fact.subject)? {
                tally.decision(subject, end, fact.after);
            }
            Ok(())
        })
    })
}

/// The figures of votes.
pub(super) fn votes(connection: &Connection, query: &StatsQuery) -> Result<Read, StoreError> {
    read(connection, query, |connection, tally, range| {
        // Votes are counted under the subjects of their requests, which are counted elsewhere.
        let subjects = subjects(connection, &mut Tally::new(query))?;
        let voters = voters(connection, tally)?;
        tally.expect_votes(how_many(connection, Kind::Votes)?);
        each(connection, Kind::Votes, range, |fact| {
            let (voter, cast) = fact.voter().ok_or_else(|| broken("a vote that is unknown"))?;
            let counts = place(&subjects, fact.subject)?.is_some();
            if let (true, Some(voter)) = (counts, place(&voters, voter)?) {
                tally.vote(voter, cast, fact.after);
            }
            Ok(())
        })
    })
}

/// Counts something as it is at one moment.
fn read(
    connection: &Connection,
    query: &StatsQuery,
    count: impl FnOnce(&Connection, &mut Tally<'_>, Range) -> Result<(), StoreError>,
) -> Result<Read, StoreError> {
    let fail = failed("the statistics could not be read");
    let transaction = connection.unchecked_transaction().map_err(&fail)?;
    let mut statement = transaction.prepare_cached(STATE).map_err(&fail)?;
    let state = statement.query_row([], |row| row.get(0)).map_err(&fail)?;
    let mut tally = Tally::new(query);
    count(&transaction, &mut tally, Range::of(query))?;
    Ok(Read { state, stats: tally.finish() })
}

/// Places that are numbered as in the store, with nothing where there is none.
fn put<T>(places: &mut Vec<Option<T>>, number: u32, value: Option<T>) {
    places.resize_with(number as usize, || None);
    places.push(value);
}

/// What a fact names. `Ok(None)`: it is not counted.
fn place<T: Copy>(places: &[Option<T>], number: u32) -> Result<Option<T>, StoreError> {
    places.get(number as usize).copied().ok_or_else(|| broken("a number that nothing has"))
}

fn subjects(connection: &Connection, tally: &mut Tally<'_>) -> Result<Vec<Option<SubjectIndex>>, StoreError> {
    let fail = failed("what is counted could not be read");
    let mut statement = connection.prepare_cached(SUBJECTS).map_err(&fail)?;
    let mut rows = statement.query([]).map_err(&fail)?;
    let mut places = Vec::new();
    while let Some(row) = rows.next().map_err(&fail)? {
        let level = |column| row.get_ref(column).and_then(|text| Ok(text.as_str()?)).map_err(&fail);
        let unknown = |error: approval_core::Invalid| StoreError::unreadable(error.to_string());
        let subject = Subject {
            namespace: text(row, 1).map_err(&fail)?,
            action: text(row, 2).map_err(&fail)?,
            agent: text(row, 3).map_err(&fail)?,
            risk: level(4)?.parse().map_err(unknown)?,
            priority: level(5)?.parse().map_err(unknown)?,
        };
        let pending = count(row.get(6).map_err(&fail)?)?;
        let index = tally.subject(subject);
        if let Some(index) = index {
            tally.pending(index, pending);
        }
        put(&mut places, row.get(0).map_err(&fail)?, index);
    }
    Ok(places)
}

fn voters(connection: &Connection, tally: &mut Tally<'_>) -> Result<Vec<Option<VoterIndex>>, StoreError> {
    let fail = failed("who voted could not be read");
    let mut statement = connection.prepare_cached(VOTERS).map_err(&fail)?;
    let mut rows = statement.query([]).map_err(&fail)?;
    let mut places = Vec::new();
    while let Some(row) = rows.next().map_err(&fail)? {
        let index = tally.voter(text(row, 1).map_err(&fail)?, text(row, 2).map_err(&fail)?);
        put(&mut places, row.get(0).map_err(&fail)?, index);
    }
    Ok(places)
}

fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Text> {
    Ok(row.get_ref(column)?.as_str()?.into())
}

/// Microseconds since 1970, the end excluded.
#[derive(Clone, Copy)]
struct Range {
    from: i64,
    before: Option<i64>,
}

impl Range {
    fn of(query: &StatsQuery) -> Self {
        Self { from: query.decided_from.map_or(i64::MIN, micros), before: query.decided_before.map(micros) }
    }

    fn covers(self, at: i64) -> bool {
        at >= self.from && self.before.is_none_or(|before| at < before)
    }
}

/// How many facts of a kind there are, for making room.
fn how_many(connection: &Connection, kind: Kind) -> Result<usize, StoreError> {
    let fail = failed("the statistics could not be counted");
    let mut statement = connection.prepare_cached(COUNT).map_err(&fail)?;
    let found: i64 = statement.query_row([kind as i64], |row| row.get(0)).map_err(&fail)?;
    usize::try_from(found).map_err(|_| broken("a count that is negative"))
}

/// Every fact of one kind that lies in the range.
fn each(
    connection: &Connection,
    kind: Kind,
    range: Range,
    mut count: impl FnMut(Fact) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let fail = failed("the statistics could not be read");
    let mut statement = connection.prepare_cached(FACTS).map_err(&fail)?;
    let mut rows = statement.query([kind as i64]).map_err(&fail)?;
    while let Some(row) = rows.next().map_err(&fail)? {
        let (first, last) = (row.get(0).map_err(&fail)?, row.get(1).map_err(&fail)?);
        let blob = |column| row.get_ref(column).and_then(|bytes| Ok(bytes.as_blob()?)).map_err(&fail);
        if range.covers(first) && range.covers(last) {
            facts(blob(2)?)?.try_for_each(&mut count)?;
        } else if last >= range.from && range.before.is_none_or(|before| first < before) {
            let mut all = facts_and_times(blob(2)?, blob(3)?)?;
            all.try_for_each(|(fact, at)| if range.covers(at) { count(fact) } else { Ok(()) })?;
        }
    }
    Ok(())
}
