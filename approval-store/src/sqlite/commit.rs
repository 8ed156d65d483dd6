//! A change of a request, with its history, notices and records.

use approval_core::{
    clock::Timestamp,
    model::ExecutionState,
    store::{Commit, CommitOutcome, Expect, Record, RecordName, RecordWrite, StoreError},
};
use rusqlite::{OptionalExtension, params};

use super::{
    batch::Batch,
    failure::failed,
    job::Task,
    outbox,
    rows::{self, Raw, column, micros},
};
use crate::change::{Encoded, Row};

const VERSION: &str = "SELECT version FROM requests WHERE id = ?1";
const KEY_OWNER: &str = "SELECT 1 FROM requests WHERE key = ?1";
const INSERT: &str =
    "INSERT INTO requests (id, version, key, namespace, status, execution, action, requester, run,
    due_at, executor, created_at, document) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
    ON CONFLICT DO NOTHING";
const UPDATE: &str =
    "UPDATE requests SET version = ?3, status = ?4, execution = ?5, due_at = ?6, executor = ?7,
    document = ?8 WHERE id = ?1 AND version = ?2";
const EVENT: &str = "INSERT INTO events (request, seq, line) VALUES (?1, ?2, ?3)";
const PUT_RECORD: &str = "INSERT INTO records (name, version, value, updated_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (name) DO UPDATE SET version = ?2, value = ?3, updated_at = ?4";
const DROP_RECORD: &str = "DELETE FROM records WHERE name = ?1";
const LOG_RECORD: &str = "INSERT INTO record_log (name) VALUES (?1)";

/// What became of a change; documents are as they were read.
pub(super) enum Verdict {
    Committed { at: Timestamp, version: u64 },
    Conflict(Option<Raw>),
    KeyTaken(Raw),
    OutsideTime(Timestamp),
    ConditionFailed(RecordName, Option<Record>),
}

/// A change, to be written.
pub(super) struct CommitTask(Encoded);

impl CommitTask {
    /// Encodes a change.
    ///
    /// # Errors
    /// When it is no single change, or cannot be encoded.
    pub(super) fn new(commit: Commit) -> Result<Self, StoreError> {
        Encoded::new(commit).map(Self)
    }

    /// Why the change cannot be made, time and conditions considered; version and key are the row's matter.
    fn refused(&self, batch: &mut Batch<'_>, now: Timestamp) -> Result<Option<Verdict>, StoreError> {
        let early = self.0.not_before.is_some_and(|bound| now < bound);
        let late = self.0.not_after.is_some_and(|bound| now >= bound);
        if early || late {
            return Ok(Some(Verdict::OutsideTime(now)));
        }
        for condition in &self.0.conditions {
            let name = condition.name();
            if !condition.holds(batch.record_version(name)?) {
                let found = rows::record(batch.connection(), name)?;
                return Ok(Some(Verdict::ConditionFailed(name.clone(), found)));
            }
        }
        Ok(None)
    }

    fn write_rest(&self, batch: &mut Batch<'_>, now: Timestamp) -> Result<(), StoreError> {
        if let (Some(row), false) = (&self.0.row, self.0.events.is_empty()) {
            let fail = failed("history could not be written");
            let request = row.document.request().id;
            let mut insert = batch.statement(EVENT, &fail)?;
            for event in &self.0.events {
                insert
                    .execute(params![request.as_bytes(), column(event.seq), &*event.text])
                    .map_err(&fail)?;
            }
        }
        let claim = self.0.claim.as_ref().map(|claim| (claim.by.owner, claim.until(now)));
        let namespace = self.0.namespace();
        for notice in &self.0.notices {
            outbox::write(notice, namespace, batch, claim)?;
        }
        for write in &self.0.writes {
            write_record(batch, write, now)?;
        }
        Ok(())
    }
}

impl Task for CommitTask {
    type Outcome = Verdict;

    fn run(&self, batch: &mut Batch<'_>, now: Timestamp) -> Result<Verdict, StoreError> {
        let refused = self.refused(batch, now)?;
        let mut version = 0;
        if let Some(row) = &self.0.row {
            // A refusal for the version goes before all others; it is looked for only when there is another one, since the
            // write itself compares the version.
            if refused.is_some()
                && let Some(conflict) = row.conflict(batch)?
            {
                return Ok(conflict);
            }
            if refused.is_none() {
                (batch.failpoint)("before the row");
                match row.write(batch)? {
                    Ok(written) => version = written,
                    Err(conflict) => return Ok(conflict),
                }
            }
        }
        if let Some(refused) = refused {
            return Ok(refused);
        }
        (batch.failpoint)("before the events");
        self.write_rest(batch, now)?;
        (batch.failpoint)("after the change");
        self.0.note_changes(&mut batch.changes, now, version);
        Ok(Verdict::Committed { at: now, version })
    }
}

/// Writing a request.
trait WriteRow {
    /// Why the row cannot be written, if it cannot. Reads only.
    fn conflict(&self, batch: &Batch<'_>) -> Result<Option<Verdict>, StoreError>;

    /// Writes the row, if its version and key are as expected. The new version.
    fn write(&self, batch: &Batch<'_>) -> Result<Result<u64, Verdict>, StoreError>;

    /// What there is instead of what was expected.
    fn refusal(&self, batch: &Batch<'_>) -> Result<Verdict, StoreError>;
}

impl WriteRow for Row {
    fn conflict(&self, batch: &Batch<'_>) -> Result<Option<Verdict>, StoreError> {
        let fail = failed("a request could not be read");
        let mut statement = batch.statement(VERSION, &fail)?;
        let found: Option<i64> =
            statement.query_row([&self.id().as_bytes()[..]], |row| row.get(0)).optional().map_err(&fail)?;
        match (self.expect, found) {
            (Expect::Absent, None) => {}
            (Expect::Version(expected), Some(found)) if column(expected) == found => return Ok(None),
            (Expect::Absent | Expect::Version(_), _) => return self.refusal(batch).map(Some),
        }
        let Some(key) = self.document.index().key else { return Ok(None) };
        let mut statement = batch.statement(KEY_OWNER, &fail)?;
        if statement.exists([key]).map_err(&fail)? { self.refusal(batch).map(Some) } else { Ok(None) }
    }

    fn write(&self, batch: &Batch<'_>) -> Result<Result<u64, Verdict>, StoreError> {
        let fail = failed("a request could not be written");
        let index = self.document.index();
        let execution = index.execution.map(ExecutionState::as_str);
        let (due, executor) = (index.due_at.map(micros), index.executor.map(|id| *id.as_bytes()));
        let (version, done) = match self.expect {
            Expect::Absent => {
                let done = batch.statement(INSERT, &fail)?.execute(params![
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
                    self.bytes,
                ]);
                (1, done)
            }
            Expect::Version(expected) => {
                let version = self.version();
                let done = batch.statement(UPDATE, &fail)?.execute(params![
                    index.id.as_bytes(),
                    column(expected),
                    column(version),
                    index.status.as_str(),
                    execution,
                    due,
                    executor,
                    self.bytes,
                ]);
                (version, done)
            }
        };
        if done.map_err(&fail)? == 1 { Ok(Ok(version)) } else { self.refusal(batch).map(Err) }
    }

    fn refusal(&self, batch: &Batch<'_>) -> Result<Verdict, StoreError> {
        let there = rows::load(batch.connection(), self.id())?;
        if let (Expect::Absent, None, Some(key)) = (self.expect, &there, self.document.index().key) {
            let owner = rows::find(batch.connection(), key)?;
            return owner.map(Verdict::KeyTaken).ok_or_else(|| {
                StoreError::unavailable("the owner of a key was gone when it was looked for")
            });
        }
        Ok(Verdict::Conflict(there))
    }
}

/// The version after this one, as long as the column can count on.
fn next_version(before: Option<u64>) -> Result<u64, StoreError> {
    let next = before.unwrap_or(0).checked_add(1).filter(|next| i64::try_from(*next).is_ok());
    next.ok_or_else(|| StoreError::unreadable("a record has the highest version that there is"))
}

fn write_record(batch: &mut Batch<'_>, write: &RecordWrite, now: Timestamp) -> Result<(), StoreError> {
    let fail = failed("a record could not be written");
    let name = write.name.as_str();
    let version = if let Some(value) = &write.value {
        let version = next_version(batch.record_version(&write.name)?)?;
        batch
            .statement(PUT_RECORD, &fail)?
            .execute(params![name, column(version), value, micros(now)])
            .map_err(&fail)?;
        Some(version)
    } else {
        batch.statement(DROP_RECORD, &fail)?.execute([name]).map_err(&fail)?;
        None
    };
    batch.statement(LOG_RECORD, &fail)?.execute([name]).map_err(&fail)?;
    batch.note_record(&write.name, version);
    Ok(())
}

impl Verdict {
    /// As the caller sees it.
    ///
    /// # Errors
    /// When the request that is there instead cannot be read.
    pub(super) fn decode(self) -> Result<CommitOutcome, StoreError> {
        Ok(match self {
            Self::Committed { at, version } => CommitOutcome::Committed { at, version },
            Self::Conflict(found) => CommitOutcome::Conflict(found.map(Raw::decode).transpose()?),
            Self::KeyTaken(owner) => CommitOutcome::KeyTaken(owner.decode()?),
            Self::OutsideTime(now) => CommitOutcome::OutsideTime { now },
            Self::ConditionFailed(name, found) => CommitOutcome::ConditionFailed { name, found },
        })
    }
}
