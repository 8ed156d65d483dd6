//! The journal.

use approval_core::{
    clock::Timestamp,
    store::{JournalEntry, JournalLine, StoreError},
};
use rusqlite::{Connection, params};

use super::{batch::Batch, failure::failed, job::Task};
use crate::columns::{column, in_order, journal_entry, journal_lines, limit, numbered};

const APPEND: &str = "INSERT INTO journal (line) VALUES (?1)";
const IMPORT: &str = "INSERT INTO journal (number, line) VALUES (?1, ?2)";
const LAST: &str = "SELECT coalesce(max(number), 0) FROM journal";
const READ: &str = "SELECT number, line FROM journal WHERE number > ?1 ORDER BY number LIMIT ?2";

/// Lines to be appended, encoded.
pub(super) struct JournalTask(Vec<String>);

impl JournalTask {
    pub(super) fn new(lines: &[JournalLine]) -> Result<Self, StoreError> {
        journal_lines(lines).map(Self)
    }
}

impl Task for JournalTask {
    type Outcome = ();

    fn run(&self, batch: &mut Batch<'_>, _: Timestamp) -> Result<(), StoreError> {
        let fail = failed("the journal could not be written");
        let mut append = batch.statement(APPEND, &fail)?;
        for line in &self.0 {
            append.execute([line]).map_err(&fail)?;
        }
        Ok(())
    }
}

/// Lines to be appended under numbers that they have already. Whether they come after all that are there.
pub(super) struct ImportTask(Vec<(i64, String)>);

impl ImportTask {
    pub(super) fn new(entries: &[JournalEntry]) -> Result<Self, StoreError> {
        numbered(entries).map(Self)
    }
}

impl Task for ImportTask {
    type Outcome = bool;

    fn run(&self, batch: &mut Batch<'_>, _: Timestamp) -> Result<bool, StoreError> {
        let fail = failed("the journal could not be written");
        let last: i64 = batch.statement(LAST, &fail)?.query_row([], |row| row.get(0)).map_err(&fail)?;
        if !in_order(&self.0, last) {
            return Ok(false);
        }
        let mut import = batch.statement(IMPORT, &fail)?;
        for (number, line) in &self.0 {
            import.execute(params![number, line]).map_err(&fail)?;
        }
        Ok(true)
    }
}

pub(super) fn read(
    connection: &Connection,
    after: u64,
    most: usize,
) -> Result<Vec<JournalEntry>, StoreError> {
    let fail = failed("the journal could not be read");
    let mut statement = connection.prepare_cached(READ).map_err(&fail)?;
    let rows = statement.query_map(params![column(after), limit(most)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    });
    rows.map_err(&fail)?
        .map(|row| {
            let (number, line) = row.map_err(&fail)?;
            journal_entry(number, &line)
        })
        .collect()
}
