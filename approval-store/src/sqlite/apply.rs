//! One change inside the writer's transaction: checked first, then written, so that a refused one leaves nothing.

use std::{collections::HashMap, sync::Arc};

use approval_core::{
    clock::Timestamp,
    id::{ExecutorId, RequestId},
    model::ExecutionState,
    store::{Change, CommitOutcome, Expect, RecordName, RecordWrite, StoreError, Stored},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    failure::failed,
    job::{Prepared, PreparedRow, claimable_at},
    rows::{self, column, micros},
};

const VERSION: &str = "SELECT version FROM requests WHERE id = ?1";
const INSERT: &str =
    "INSERT INTO requests (id, version, key, namespace, status, execution, action, requester, run, due_at,
    executor, created_at, document) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
const UPDATE: &str =
    "UPDATE requests SET version = ?2, status = ?3, execution = ?4, due_at = ?5, executor = ?6, document = ?7
    WHERE id = ?1";
const EVENT: &str = "INSERT INTO events (request, seq, line) VALUES (?1, ?2, ?3)";
const NOTICE: &str = "INSERT INTO notices (id, request, channel, claimable_at, body, delivery) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const RECORD_VERSION: &str = "SELECT version FROM records WHERE name = ?1";
const PUT_RECORD: &str =
    "INSERT INTO records (name, version, value, updated_at, batch) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (name) DO UPDATE SET version = ?2, value = ?3, updated_at = ?4, batch = ?5";
const DROP_RECORD: &str = "DELETE FROM records WHERE name = ?1";

/// One transaction of the writer.
pub(super) struct Batch<'a> {
    pub(super) connection: &'a Connection,
    /// Number of the transaction.
    pub(super) number: i64,
    /// Versions of records read in this transaction: many changes are bound to the same few.
    pub(super) records: HashMap<RecordName, Option<u64>>,
    /// What listeners are told once it is durable.
    pub(super) changes: Vec<Change>,
    /// Called at named points, for tests that kill the process there.
    pub(super) failpoint: &'a (dyn Fn(&'static str) + Send + Sync),
}

impl Batch<'_> {
    fn record_version(&mut self, name: &RecordName) -> Result<Option<u64>, StoreError> {
        if let Some(known) = self.records.get(name) {
            return Ok(*known);
        }
        let fail = failed("a record could not be read");
        let mut statement = self.connection.prepare_cached(RECORD_VERSION).map_err(&fail)?;
        let found: Option<i64> =
            statement.query_row([name.as_str()], |row| row.get(0)).optional().map_err(&fail)?;
        let version = found.map(rows::count).transpose()?;
        self.records.insert(name.clone(), version);
        Ok(version)
    }

    /// Applies one change at the moment `now`.
    pub(super) fn apply(&mut self, prepared: &Prepared, now: Timestamp) -> Result<CommitOutcome, StoreError> {
        let version = match &prepared.row {
            Some(row) => match self.check_row(row)? {
                Ok(version) => version,
                Err(refused) => return Ok(refused),
            },
            None => 0,
        };
        let early = prepared.not_before.is_some_and(|bound| now < bound);
        let late = prepared.not_after.is_some_and(|bound| now >= bound);
        if early || late {
            return Ok(CommitOutcome::OutsideTime { now });
        }
        for condition in &prepared.conditions {
            let found = self.record_version(condition.name())?;
            if !condition.holds(found) {
                let found = rows::record(self.connection, condition.name())?;
                return Ok(CommitOutcome::ConditionFailed { name: condition.name().clone(), found });
            }
        }
        (self.failpoint)("before the row");
        if let Some(row) = &prepared.row {
            self.write_row(row, version)?;
        }
        (self.failpoint)("before the events");
        self.write_rest(prepared, now)?;
        (self.failpoint)("after the change");
        self.note_changes(prepared, version);
        Ok(CommitOutcome::Committed { at: now, version })
    }

    /// The version that the row will have, or why it cannot be written.
    fn check_row(&self, row: &PreparedRow) -> Result<Result<u64, CommitOutcome>, StoreError> {
        let fail = failed("a request could not be read");
        let id = row.document.request().id;
        let mut statement = self.connection.prepare_cached(VERSION).map_err(&fail)?;
        let found: Option<i64> =
            statement.query_row([&id.as_bytes()[..]], |row| row.get(0)).optional().map_err(&fail)?;
        let found = found.map(rows::count).transpose()?;
        match (row.expect, found) {
            (Expect::Absent, None) => {}
            (Expect::Version(expected), Some(found)) if expected == found => return Ok(Ok(found + 1)),
            (Expect::Absent | Expect::Version(_), _) => {
                return Ok(Err(CommitOutcome::Conflict(rows::load(self.connection, id)?)));
            }
        }
        if let Some(key) = row.document.index().key
            && let Some(owner) = rows::find(self.connection, key)?
        {
            return Ok(Err(CommitOutcome::KeyTaken(owner)));
        }
        Ok(Ok(1))
    }

    fn write_row(&self, row: &PreparedRow, version: u64) -> Result<(), StoreError> {
        let fail = failed("a request could not be written");
        let index = row.document.index();
        let execution = index.execution.map(ExecutionState::as_str);
        let (due, executor) = (index.due_at.map(micros), index.executor.map(|id: ExecutorId| *id.as_bytes()));
        let done = if version == 1 {
            self.connection.prepare_cached(INSERT).map_err(&fail)?.execute(params![
                index.id.as_bytes(),
                index.key,
                index.namespace,
                index.status.as_str(),
                execution,
                index.action,
                index.requester,
                index.run,
                due,
                executor,
                micros(index.created_at),
                row.bytes,
            ])
        } else {
            self.connection.prepare_cached(UPDATE).map_err(&fail)?.execute(params![
                index.id.as_bytes(),
                column(version),
                index.status.as_str(),
                execution,
                due,
                executor,
                row.bytes,
            ])
        };
        match done.map_err(&fail)? {
            1 => Ok(()),
            _ => Err(StoreError::unavailable("a request was not where it had just been")),
        }
    }

    fn write_rest(&mut self, prepared: &Prepared, now: Timestamp) -> Result<(), StoreError> {
        let fail = failed("history, notices or records could not be written");
        if let (Some(row), false) = (&prepared.row, prepared.events.is_empty()) {
            let request = *row.document.request().id.as_bytes();
            let mut insert = self.connection.prepare_cached(EVENT).map_err(&fail)?;
            for event in &prepared.events {
                insert.execute(params![request, column(event.seq), &*event.text]).map_err(&fail)?;
            }
        }
        if !prepared.notices.is_empty() {
            let mut insert = self.connection.prepare_cached(NOTICE).map_err(&fail)?;
            for one in &prepared.notices {
                let notice = &one.notice;
                let at = claimable_at(&notice.delivery).map(micros);
                insert
                    .execute(params![
                        notice.id.as_bytes(),
                        notice.request.as_bytes(),
                        &*notice.channel,
                        at,
                        one.body,
                        one.delivery
                    ])
                    .map_err(&fail)?;
            }
        }
        for write in &prepared.writes {
            self.write_record(write, now)?;
        }
        Ok(())
    }

    fn write_record(&mut self, write: &RecordWrite, now: Timestamp) -> Result<(), StoreError> {
        let fail = failed("a record could not be written");
        let version = if let Some(value) = &write.value {
            let version = self.record_version(&write.name)?.unwrap_or(0) + 1;
            let mut put = self.connection.prepare_cached(PUT_RECORD).map_err(&fail)?;
            put.execute(params![write.name.as_str(), column(version), value, micros(now), self.number])
                .map_err(&fail)?;
            Some(version)
        } else {
            let mut remove = self.connection.prepare_cached(DROP_RECORD).map_err(&fail)?;
            remove.execute([write.name.as_str()]).map_err(&fail)?;
            None
        };
        self.records.insert(write.name.clone(), version);
        Ok(())
    }

    fn note_changes(&mut self, prepared: &Prepared, version: u64) {
        if let Some(row) = &prepared.row {
            let request = Arc::clone(row.document.request());
            let id: RequestId = request.id;
            self.changes.push(Change::Request { id, stored: Some(Stored { version, request }) });
        }
        if !prepared.notices.is_empty() {
            self.changes.push(Change::Notices);
        }
        self.changes.extend(prepared.writes.iter().map(|write| Change::Record(write.name.clone())));
    }
}
