//! Looking at what changed.

use approval_core::{
    clock::Timestamp,
    id::RequestId,
    lifecycle::statistics::{Subject, decided},
    model::Request,
    store::StoreError,
};
use rusqlite::{OptionalExtension, params};

use super::{
    facts::{Fact, Facts, Kind},
    names::Names,
};
use crate::sqlite::{
    batch::Batch,
    failure::failed,
    job::Task,
    rows::{self, column, count, request_id},
};

/// Events that are looked at in one transaction: the writer is held for some 30 milliseconds.
const STEP: i64 = 1024;

const PLACE: &str = "SELECT number FROM stats_place";
const MOVE_ON: &str = "UPDATE stats_place SET number = ?1";
const NEXT_STATE: &str = "UPDATE stats_place SET state = state + 1";
const CHANGED: &str =
    "SELECT number, request FROM events NOT INDEXED WHERE number > ?1 ORDER BY number LIMIT ?2";
const FIRST: &str =
    "SELECT number FROM events INDEXED BY events_request WHERE request = ?1 ORDER BY seq LIMIT 1";
const OPEN: &str = "SELECT subject FROM stats_open WHERE request = ?1";
const PUT_OPEN: &str = "INSERT OR REPLACE INTO stats_open (request, subject) VALUES (?1, ?2)";
const DROP_OPEN: &str = "DELETE FROM stats_open WHERE request = ?1";
const COUNT: &str = "UPDATE stats_subjects SET pending = pending + ?2 WHERE id = ?1";

/// Looks at the next few changes. Brings the number of the last event that has been looked at.
pub(super) struct FoldTask;

impl Task for FoldTask {
    type Outcome = u64;

    fn run(&self, batch: &mut Batch<'_>, _: Timestamp) -> Result<u64, StoreError> {
        let fail = failed("the changes could not be read for the statistics");
        let done = place(batch)?;
        let mut changed = Vec::new();
        let mut last = done;
        let mut statement = batch.statement(CHANGED, &fail)?;
        let mut found = statement.query(params![column(done), STEP]).map_err(&fail)?;
        while let Some(row) = found.next().map_err(&fail)? {
            last = count(row.get(0).map_err(&fail)?)?;
            let request = row.get_ref(1).and_then(|id| Ok(id.as_blob()?)).map_err(&fail)?;
            // Where lines were removed, an empty name holds the number.
            if !request.is_empty() {
                changed.push(request_id(request)?);
            }
        }
        changed.sort_unstable();
        changed.dedup();
        let mut fold = Fold::new(batch, done);
        for request in changed {
            fold.look_at(request, false)?;
        }
        fold.write()?;
        batch.statement(MOVE_ON, &fail)?.execute([column(last)]).map_err(&fail)?;
        Ok(last)
    }
}

/// Counts a request that is about to be removed, if it is decided and was not counted yet; an open one is not counted any
/// more.
pub(in crate::sqlite) fn before_removal(batch: &Batch<'_>, request: RequestId) -> Result<(), StoreError> {
    let mut fold = Fold::new(batch, place(batch)?);
    fold.look_at(request, true)?;
    fold.write()
}

fn place(batch: &Batch<'_>) -> Result<u64, StoreError> {
    let fail = failed("the place of the statistics could not be read");
    batch.statement(PLACE, &fail)?.query_row([], |row| row.get(0)).map_err(&fail).and_then(count)
}

/// Some changes, counted together.
struct Fold<'b, 'a> {
    batch: &'b Batch<'a>,
    /// The last event that was looked at before.
    done: u64,
    names: Names,
    decisions: Facts,
    votes: Facts,
}

impl<'b, 'a> Fold<'b, 'a> {
    fn new(batch: &'b Batch<'a>, done: u64) -> Self {
        Self {
            batch,
            done,
            names: Names::default(),
            decisions: Facts::new(Kind::Decisions),
            votes: Facts::new(Kind::Votes),
        }
    }

    /// Counts a request as it is now in the place of what it was when it was looked at last.
    fn look_at(&mut self, id: RequestId, removed: bool) -> Result<(), StoreError> {
        let fail = failed("a request could not be counted for the statistics");
        let key = &id.as_bytes()[..];
        let open: Option<u32> = self
            .batch
            .statement(OPEN, &fail)?
            .query_row([key], |row| row.get(0))
            .optional()
            .map_err(&fail)?;
        if open.is_none() && !self.is_new(id)? {
            // It was counted when it was decided, and a decision is for good.
            return Ok(());
        }
        let Some(raw) = rows::load(self.batch.connection(), id)? else { return Ok(()) };
        let request = match raw.decode() {
            Ok(stored) => stored.request,
            Err(error) => {
                tracing::warn!(%error, "a request is left out of the statistics");
                return Ok(());
            }
        };
        let subject = self.names.subject(self.batch, Subject::of(&request))?;
        let open_now = (request.status.is_open() && !removed).then_some(subject);
        if open != open_now {
            let mut count = self.batch.statement(COUNT, &fail)?;
            for (subject, change) in [(open, -1), (open_now, 1)] {
                if let Some(subject) = subject {
                    count.execute([i64::from(subject), change]).map_err(&fail)?;
                }
            }
            match open_now {
                Some(subject) => self.batch.statement(PUT_OPEN, &fail)?.execute(params![key, subject]),
                None => self.batch.statement(DROP_OPEN, &fail)?.execute([key]),
            }
            .map_err(&fail)?;
        }
        self.count_decision(&request, subject)
    }

    /// Whether none of its events was looked at before.
    fn is_new(&self, id: RequestId) -> Result<bool, StoreError> {
        let fail = failed("the beginning of a history could not be read for the statistics");
        let first: Option<i64> = self
            .batch
            .statement(FIRST, &fail)?
            .query_row([&id.as_bytes()[..]], |row| row.get(0))
            .optional()
            .map_err(&fail)?;
        Ok(first.map(count).transpose()?.is_some_and(|first| first > self.done))
    }

    fn count_decision(&mut self, request: &Request, subject: u32) -> Result<(), StoreError> {
        let Some(decided) = decided(request) else { return Ok(()) };
        self.decisions.push(decided.at, Fact::decision(subject, decided.end, decided.after));
        for vote in decided.votes {
            let voter = self.names.voter(self.batch, vote.approver, vote.channel)?;
            self.votes.push(decided.at, Fact::vote(subject, voter, vote.cast, vote.after));
        }
        Ok(())
    }

    fn write(self) -> Result<(), StoreError> {
        let fail = failed("the state of the statistics could not be written");
        self.batch.statement(NEXT_STATE, &fail)?.execute([]).map_err(&fail)?;
        self.decisions.write(self.batch)?;
        self.votes.write(self.batch)
    }
}
