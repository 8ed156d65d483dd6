//! The journal.

use approval_core::{
    clock::Timestamp,
    store::{JournalEntry, JournalLine, StoreError},
};
use rusqlite::{Connection, params};

use super::{batch::Batch, failure::failed, job::Task};
use crate::columns::{column, journal_entry, journal_lines, limit};

const APPEND: &str = "INSERT INTO journal (line) VALUES (?1)";
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
