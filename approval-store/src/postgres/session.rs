//! Writing groups of work, each in one transaction, however many connections that takes.
//!
//! A lost connection leaves the outcome of a transaction open; it is found out by the next connection, which first sees to it
//! that nothing of the old one can be written any more.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use approval_core::store::{Change, Listeners, StoreError};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tokio_postgres::{Row, Statement, types::ToSql};
use uuid::Uuid;

use super::{
    arrays::{self, Arrays},
    connect::{Connector, Own},
    failure::{self, failed},
    reader::Reader,
    time::ServerTime,
    verdict::{self, Verdicts},
    work::Work,
};
use crate::{change, columns::claimable_at};

/// Enters a process, or takes over from an older connection of it. A transaction of that one which has marked its batch is
/// waited for; one that has not can never be committed.
const TAKE_OVER: &str = "INSERT INTO writers AS w (id, fence, batch, high_water, refused, reasons, failed)
    VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, 0, store_time($2), '{}', '{}', '{}')
    ON CONFLICT (id) DO UPDATE SET fence = w.fence + 1
    RETURNING fence, batch, high_water, refused, reasons, failed";

/// Forgets processes that have been silent for an hour. One that lives enters anew with its next change; its fence begins at
/// a moment, so that nothing of before fits it.
const FORGET: &str = "DELETE FROM writers
    WHERE id <> $1 AND high_water < (SELECT max(high_water) FROM writers) - 3600000000";

/// Pauses between attempts to connect: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

/// How many parameters of the statement come before the arrays.
const OWN: usize = 7;

/// How often a transaction is tried that others stand in the way of.
const ATTEMPTS: u32 = 20;

/// What the writing has to do with.
pub(super) struct Writing {
    pub(super) connector: Connector,
    pub(super) schema: Arc<str>,
    /// Names this process in the database.
    pub(super) me: Uuid,
    pub(super) tag: i32,
    pub(super) topic: String,
    pub(super) time: Arc<ServerTime>,
    pub(super) listeners: Arc<Listeners>,
    pub(super) reader: Reader,
    /// How long a change waits for a database that cannot be reached.
    pub(super) patience: Duration,
}

/// One connection after the other, of which one at most can write.
pub(super) struct Session {
    writing: Writing,
    connection: Option<Connected>,
    /// Counts the transactions of this process.
    batch: i64,
    /// Those that get the reason why their change was not written.
    answering: JoinSet<()>,
}

struct Connected {
    own: Own,
    fence: i64,
    commit: Statement,
}

/// What a connection found that the last transaction of this process left behind.
struct Left {
    batch: i64,
    verdicts: Verdicts,
}

/// Why a group was not written.
enum Failure {
    /// Nothing is written.
    Refused(StoreError),
    /// One of the group cannot be written; the others may be.
    AtWork(StoreError),
    /// It is not known whether it is written.
    Unknown(StoreError),
}

impl Session {
    pub(super) fn new(writing: Writing) -> Self {
        Self { writing, connection: None, batch: 0, answering: JoinSet::new() }
    }

    /// Enters this process in the database.
    pub(super) async fn enter(&mut self) -> Result<(), tokio_postgres::Error> {
        self.connect().await?;
        if let Some(connected) = &self.connection
            && let Err(error) = connected.own.client.execute(FORGET, &[&self.writing.me]).await
        {
            tracing::debug!(%error, "processes that are silent could not be forgotten");
        }
        Ok(())
    }

    /// Returns once everybody is answered, and lets go of all connections.
    pub(super) async fn finish(mut self) {
        while self.answering.join_next().await.is_some() {}
        self.writing.reader.close();
    }

    /// Writes a group, each of its changes or none, and tells everybody what became of his own.
    pub(super) async fn write(&mut self, group: Vec<Work>) {
        while self.answering.try_join_next().is_some() {}
        let failure = match self.transaction(&group).await {
            Ok(verdicts) => return self.answer(group, &verdicts),
            Err(failure) => failure,
        };
        match failure {
            Failure::AtWork(error) if group.len() > 1 => {
                tracing::warn!(%error, "a group of changes failed; each is tried by itself");
                for work in group {
                    Box::pin(self.write(vec![work])).await;
                }
            }
            Failure::Refused(error) | Failure::AtWork(error) | Failure::Unknown(error) => {
                for work in group {
                    work.refuse(error.clone());
                }
            }
        }
    }

    /// Writes a group in one transaction, however many connections that takes.
    async fn transaction(&mut self, group: &[Work]) -> Result<Verdicts, Failure> {
        let schema = Arc::clone(&self.writing.schema);
        let arrays = Arrays::of(group, &schema);
        self.batch = self.batch.saturating_add(1);
        let deadline = Instant::now() + self.writing.patience;
        let (mut in_doubt, mut attempts, mut careful) = (false, 0, false);
        loop {
            // One that is known to be lost is not tried: what was never sent is not in doubt.
            if self.connection.as_ref().is_none_or(|connected| connected.own.client.is_closed()) {
                let left = match self.reconnect(deadline).await {
                    Ok(left) => left,
                    Err(error) if in_doubt => {
                        let message = format!("the connection was lost while writing, and {error}");
                        return Err(Failure::Unknown(StoreError::OutcomeUnknown { message }));
                    }
                    Err(error) => return Err(Failure::Refused(error)),
                };
                if in_doubt && left.batch >= self.batch {
                    tracing::info!("the connection was lost while a change was written; the change counts");
                    return Ok(left.verdicts);
                }
                in_doubt = false;
            }
            let Some(connected) = &self.connection else { continue };
            match self.send(connected, careful, &arrays, deadline).await {
                Ok(row) if !connected.own.warned.swap(false, Ordering::AcqRel) => {
                    return Verdicts::read(&row).map_err(Failure::Unknown);
                }
                // It is written, but perhaps not on the standbys that must have it: connecting again waits for them.
                Ok(_) => (self.connection, in_doubt) = (None, true),
                Err(Some(error)) if failure::asks_for_care(&error) && !careful => careful = true,
                Err(Some(error)) if failure::is_passing(&error) && attempts < ATTEMPTS => attempts += 1,
                // Forgotten after a long silence. Nothing is written by this attempt.
                Err(Some(error)) if failure::is_fenced(&error) && attempts < ATTEMPTS => {
                    attempts += 1;
                    self.connection = None;
                }
                Err(Some(error)) if !failure::is_of_connection(&error) => {
                    return Err(Failure::AtWork(failed("a change could not be written")(error)));
                }
                Err(error) => {
                    let error =
                        error.map_or_else(|| "no answer in time".to_owned(), |error| failure::told(&error));
                    tracing::warn!(error, "the connection to the database was lost while writing");
                    (self.connection, in_doubt) = (None, true);
                }
            }
        }
    }

    /// Has the statement done. `Err(None)`: there was no answer in time.
    async fn send(
        &self,
        connected: &Connected,
        careful: bool,
        arrays: &Arrays<'_>,
        deadline: Instant,
    ) -> Result<Row, Option<tokio_postgres::Error>> {
        let Writing { me, tag, topic, time, .. } = &self.writing;
        let given = time.given();
        let ours: [&(dyn ToSql + Sync); OWN] =
            [&me, &connected.fence, &self.batch, &given, &tag, &topic, &careful];
        let parameters: Vec<_> = ours.into_iter().chain(arrays.parameters()).collect();
        let answered = connected.own.client.query_one(&connected.commit, &parameters);
        match timeout_at(deadline, answered).await {
            Ok(answer) => answer.map_err(Some),
            Err(_) => Err(None),
        }
    }

    /// Connects again, with pauses, until the deadline.
    async fn reconnect(&mut self, deadline: Instant) -> Result<Left, StoreError> {
        let [mut pause, longest] = PAUSES;
        loop {
            let error = match timeout_at(deadline, self.connect()).await {
                Ok(Ok(left)) => return Ok(left),
                Ok(Err(error)) => error,
                Err(_) => return Err(StoreError::unavailable("the database did not answer in time")),
            };
            if Instant::now() + pause >= deadline || !failure::is_of_connection(&error) {
                return Err(failed("the database cannot be reached")(error));
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(longest);
        }
    }

    async fn connect(&mut self) -> Result<Left, tokio_postgres::Error> {
        let own = self.writing.connector.own(None).await?;
        let row = own.client.query_one(TAKE_OVER, &[&self.writing.me, &self.writing.time.given()]).await?;
        let commit = own.client.prepare(&commit_statement()).await?;
        let left = Left { batch: row.try_get(1)?, verdicts: Verdicts::read_from(&row, 2)? };
        self.connection = Some(Connected { own, fence: row.try_get(0)?, commit });
        Ok(left)
    }

    /// Tells all listeners what was written, and each caller what became of its change.
    fn answer(&mut self, group: Vec<Work>, verdicts: &Verdicts) {
        let at = match verdicts.at() {
            Ok(at) => at,
            Err(error) => {
                for work in group {
                    work.refuse(error.clone());
                }
                return;
            }
        };
        self.writing.time.told(at, verdicts.lag);
        let failed = if verdicts.failed.is_empty() {
            Vec::new()
        } else {
            verdict::failed(&group, verdicts, &self.writing.schema)
        };
        let mut changes = Vec::new();
        for (place, work) in group.iter().enumerate() {
            match work {
                Work::Change(change, _) if verdicts.reason(place).is_none() => {
                    let version = change.row.as_ref().map_or(0, change::Row::version);
                    change.note_changes(&mut changes, at, version);
                }
                Work::Settle(settlements, _)
                    if settlements.iter().any(|one| claimable_at(&one.by.delivery).is_some()) =>
                {
                    changes.push(Change::Notices);
                }
                Work::Change(..) | Work::Settle(..) | Work::Journal(..) => {}
            }
        }
        self.writing.listeners.tell(&changes);
        for (place, work) in group.into_iter().enumerate() {
            match work {
                Work::Settle(_, answer) | Work::Journal(_, answer) => drop(answer.send(Ok(()))),
                Work::Change(change, answer) => match verdicts.reason(place) {
                    None => {
                        let version = change.row.as_ref().map_or(0, change::Row::version);
                        drop(answer.send(Ok(verdict::committed(at, version))));
                    }
                    Some(reason) => {
                        let failed = failed.iter().find(|(of, _)| *of == place).map(|(_, name)| name.clone());
                        let reader = self.writing.reader.clone();
                        self.answering.spawn(async move {
                            drop(answer.send(verdict::refused(&reader, &change, reason, failed, at).await));
                        });
                    }
                },
            }
        }
    }
}

fn commit_statement() -> String {
    let parameters = (1..=arrays::COUNT.saturating_add(OWN)).map(|number| format!("${number}"));
    format!(
        "SELECT at, refused, reasons, failed, lag FROM commit_batch({})",
        parameters.collect::<Vec<_>>().join(", ")
    )
}
