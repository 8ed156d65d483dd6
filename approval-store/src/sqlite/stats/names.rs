//! The numbers of subjects and of voters.

use std::collections::HashMap;

use approval_core::{lifecycle::statistics::Subject, model::Text, store::StoreError};
use rusqlite::{OptionalExtension, params};

use crate::sqlite::{batch::Batch, failure::failed};

const SUBJECT: &str = "SELECT id FROM stats_subjects
    WHERE action = ?1 AND agent = ?2 AND namespace = ?3 AND risk = ?4 AND priority = ?5";
const NEW_SUBJECT: &str = "INSERT INTO stats_subjects (action, agent, namespace, risk, priority) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id";
const VOTER: &str = "SELECT id FROM stats_voters WHERE approver = ?1 AND channel = ?2";
const NEW_VOTER: &str = "INSERT INTO stats_voters (approver, channel) VALUES (?1, ?2) RETURNING id";

/// Numbers that were looked up in one transaction.
#[derive(Default)]
pub(super) struct Names {
    subjects: HashMap<Subject, u32>,
    voters: HashMap<(Text, Text), u32>,
}

impl Names {
    /// The number of a subject, which is given one if it has none.
    pub(super) fn subject(&mut self, batch: &Batch<'_>, subject: Subject) -> Result<u32, StoreError> {
        if let Some(known) = self.subjects.get(&subject) {
            return Ok(*known);
        }
        let Subject { namespace, action, agent, risk, priority } = &subject;
        let values = params![&**action, &**agent, &**namespace, risk.as_str(), priority.as_str()];
        let number = number(batch, [SUBJECT, NEW_SUBJECT], values)?;
        self.subjects.insert(subject, number);
        Ok(number)
    }

    /// The number of a person and a channel, which are given one if they have none.
    pub(super) fn voter(
        &mut self,
        batch: &Batch<'_>,
        approver: Text,
        channel: Text,
    ) -> Result<u32, StoreError> {
        let of = (approver, channel);
        if let Some(known) = self.voters.get(&of) {
            return Ok(*known);
        }
        let number = number(batch, [VOTER, NEW_VOTER], params![&*of.0, &*of.1])?;
        self.voters.insert(of, number);
        Ok(number)
    }
}

fn number(
    batch: &Batch<'_>,
    [find, insert]: [&'static str; 2],
    values: &[&dyn rusqlite::ToSql],
) -> Result<u32, StoreError> {
    let fail = failed("a name could not be written for the statistics");
    let found: Option<u32> =
        batch.statement(find, &fail)?.query_row(values, |row| row.get(0)).optional().map_err(&fail)?;
    match found {
        Some(found) => Ok(found),
        None => batch.statement(insert, &fail)?.query_row(values, |row| row.get(0)).map_err(&fail),
    }
}
