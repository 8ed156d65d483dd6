//! What other processes wrote.
//!
//! One connection per process listens. A notification says which requests changed; whatever was not notified, because the
//! connection was lost or the server restarted, is read from the log of changes: after every connecting, and once in a
//! while in any case.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use approval_core::{
    id::RequestId,
    store::{Change, Listeners, RecordName},
};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver},
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};
use tokio_postgres::{Client, Notification, Row, Statement};
use uuid::Uuid;

use super::{
    changes,
    connect::{Connector, Own},
    failure,
    reader::LOAD,
    rows,
    time::ServerTime,
};
use crate::columns::moment;

const NOW: &str = "SELECT t.at, clock_lag($1, t.at) FROM store_time($1) AS t (at)";
const OF_BATCH: &str = "SELECT batch, writer, requests, records, notices FROM changes WHERE batch = $1";
const MISSED: &str = "SELECT batch, writer, requests, records, notices FROM changes
    WHERE batch >= $1 AND batch < $2 ORDER BY batch LIMIT 1000";

/// After so many missed batches it is cheaper to look at everything that is waited for.
const MANY: usize = 20_000;

/// Most batches that are remembered as reported. What is not remembered is reported twice, which does no harm.
const MARKS: usize = 100_000;

/// Most requests that are read by one statement.
const TOGETHER: usize = 256;

/// More numbers of batches than a crash of the server can take back.
const GIVEN_AGAIN: i64 = 1000;

/// Pauses between attempts to connect: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];
/// How long the server may take to answer before the connection counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the listening has to do with.
pub(super) struct Ear {
    pub(super) connector: Connector,
    pub(super) me: Uuid,
    pub(super) tag: i32,
    pub(super) topic: String,
    pub(super) time: Arc<ServerTime>,
    pub(super) listeners: Arc<Listeners>,
    /// How often it is looked whether something was missed.
    pub(super) every: Duration,
}

/// A connection that listens.
pub(super) struct Line {
    own: Own,
    of_batch: Statement,
    load: Statement,
    heard: UnboundedReceiver<Notification>,
}

/// How much of the log was reported.
struct Told {
    /// All batches below this number.
    below: i64,
    /// Batches from there on of which was notified, with a mark of what. Everybody who may connect to the database may
    /// notify anything: what the log says otherwise is reported, too.
    also: HashMap<i64, u64>,
    marks: RandomState,
}

impl Ear {
    /// Connects, and listens from now on. The number of the first batch that is not settled yet.
    pub(super) async fn listen(&self) -> Result<(Line, i64), tokio_postgres::Error> {
        let (hear, heard) = mpsc::unbounded_channel();
        let own = self.connector.own(Some(hear)).await?;
        own.client.batch_execute(&format!("LISTEN \"{}\"", self.topic)).await?;
        let below = changes::unsettled_now(&own.client, self.tag).await?;
        let of_batch = own.client.prepare(OF_BATCH).await?;
        let load = own.client.prepare(LOAD).await?;
        Ok((Line { own, of_batch, load, heard }, below))
    }

    /// Listens for ever.
    pub(super) async fn run(self, mut line: Line, below: i64) {
        let mut told = Told { below, also: HashMap::new(), marks: RandomState::new() };
        let mut looks = interval_at(Instant::now() + self.every, self.every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let went_well = tokio::select! {
                heard = line.heard.recv() => match heard {
                    Some(first) => timeout(PATIENCE, self.hear(first, &mut line, &mut told)).await,
                    None => Ok(Err(Lost::Closed)),
                },
                _ = looks.tick() => timeout(PATIENCE, self.look(&line.own.client, &mut told)).await,
            };
            let lost = match went_well {
                Ok(Ok(())) => continue,
                Ok(Err(lost)) => lost.to_string(),
                Err(_) => "no answer in time".to_owned(),
            };
            tracing::warn!(lost, "the connection that listens was lost; connecting again");
            line = self.again(&mut told).await;
        }
    }

    /// Connects again, as often as it takes, and tells what was missed meanwhile.
    async fn again(&self, told: &mut Told) -> Line {
        let [mut pause, longest] = PAUSES;
        // Numbers that were taken and not written may be given again after a crash of the server. What is reported twice does
        // no harm.
        told.below = told.below.saturating_sub(GIVEN_AGAIN);
        told.also.clear();
        loop {
            let attempt = async {
                let (line, bound) = self.listen().await?;
                if bound < told.below {
                    // A standby took over that did not have everything: its numbers begin further back.
                    told.below = bound;
                    self.listeners.tell(&[Change::Everything]);
                }
                self.look(&line.own.client, told).await?;
                Ok::<_, Lost>(line)
            };
            match timeout(PATIENCE, attempt).await {
                Ok(Ok(line)) => {
                    // What waits in the outbox keeps no log.
                    self.listeners.tell(&[Change::Notices]);
                    return line;
                }
                Ok(Err(error)) => tracing::debug!(%error, "the database cannot be reached"),
                Err(_) => tracing::debug!("the database did not answer in time"),
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(longest);
        }
    }

    /// Tells what was notified: everything that has come in by now.
    async fn hear(&self, first: Notification, line: &mut Line, told: &mut Told) -> Result<(), Lost> {
        let (mut changes, mut marks) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(notification) = next {
            if let Some(heard) = Heard::read(notification.payload())
                && heard.writer != self.me
                && heard.number >= told.below
            {
                let batch = match heard.batch {
                    None => {
                        let row = line.own.client.query_opt(&line.of_batch, &[&heard.number]).await?;
                        row.as_ref().map(Batch::of_row).transpose()?.map(|(_, batch)| batch)
                    }
                    named => named,
                };
                if let Some(batch) = batch.filter(|batch| !told.knows(heard.number, batch)) {
                    marks.push((heard.number, told.marks.hash_one(&batch)));
                    batch.tell(self.me, &mut changes);
                }
            }
            next = line.heard.try_recv().ok();
        }
        let wanted = self.take_wanted(&mut changes);
        self.listeners.tell(&changes);
        for wanted in wanted.chunks(TOGETHER) {
            self.tell_how_they_stand(line, wanted).await?;
        }
        // Only now: had the connection been lost before, the log would tell it all.
        let room = MARKS.saturating_sub(told.also.len());
        told.also.extend(marks.into_iter().take(room));
        Ok(())
    }

    /// Takes out the requests that are waited for in this process.
    fn take_wanted(&self, changes: &mut Vec<Change>) -> Vec<Uuid> {
        let mut wanted = Vec::new();
        changes.retain(|change| match change {
            Change::Request { id, stored: None } if self.listeners.wait_for(*id) => {
                wanted.push(*id.as_uuid());
                false
            }
            _ => true,
        });
        wanted
    }

    /// Reads requests that were changed elsewhere, and tells how they stand: those who wait for them would ask next. With
    /// the connection that just heard of them, since a server is quickest where it is awake.
    async fn tell_how_they_stand(&self, line: &Line, wanted: &[Uuid]) -> Result<(), Lost> {
        let rows = line.own.client.query(&line.load, &[&wanted]).await?;
        let found = rows.iter().map(rows::raw).collect::<Result<Vec<_>, _>>()?;
        let mut found: HashMap<_, _> = found.into_iter().map(|raw| (raw.id.clone(), raw)).collect();
        let told = wanted.iter().map(|id| Change::Request {
            id: RequestId::from_uuid(*id),
            // Those who wait look themselves, and get the error.
            stored: found.remove(&id.as_bytes()[..]).and_then(|raw| raw.decode().ok()),
        });
        self.listeners.tell(&told.collect::<Vec<_>>());
        Ok(())
    }

    /// Tells what was written and not notified.
    async fn look(&self, client: &Client, told: &mut Told) -> Result<(), Lost> {
        let row = client.query_one(NOW, &[&self.time.given()]).await?;
        let (now, lag): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        if let Ok(now) = moment(now) {
            self.time.told(now, lag);
        }
        let bound = changes::unsettled_now(client, self.tag).await?;
        let (mut from, mut seen) = (told.below, 0_usize);
        while from < bound {
            let rows = client.query(MISSED, &[&from, &bound]).await?;
            let Some(last) = rows.last() else { break };
            from = last.try_get::<_, i64>(0)?.saturating_add(1);
            seen = seen.saturating_add(rows.len());
            let mut changes = Vec::new();
            for row in &rows {
                let (number, batch) = Batch::of_row(row)?;
                if !told.knows(number, &batch) {
                    batch.tell(self.me, &mut changes);
                }
            }
            self.listeners.tell(&changes);
            if seen >= MANY {
                self.listeners.tell(&[Change::Everything]);
                break;
            }
        }
        told.below = bound.max(told.below);
        told.also.retain(|batch, _| *batch >= bound);
        Ok(())
    }
}

impl Told {
    /// Whether this was notified.
    fn knows(&self, number: i64, batch: &Batch) -> bool {
        self.also.get(&number).is_some_and(|mark| *mark == self.marks.hash_one(batch))
    }
}

/// Why the connection is of no more use.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("{}", failure::told(.0))]
    Database(#[from] tokio_postgres::Error),
    #[error("it was closed")]
    Closed,
}

/// What a batch changed.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Batch {
    writer: Uuid,
    requests: Vec<Uuid>,
    records: Vec<Vec<u8>>,
    notices: bool,
}

impl Batch {
    /// A row of the log.
    fn of_row(row: &Row) -> Result<(i64, Self), tokio_postgres::Error> {
        let batch = Self {
            writer: row.try_get(1)?,
            requests: row.try_get(2)?,
            records: row.try_get(3)?,
            notices: row.try_get(4)?,
        };
        Ok((row.try_get(0)?, batch))
    }

    /// Adds what there is to tell, unless this process wrote it.
    fn tell(self, me: Uuid, changes: &mut Vec<Change>) {
        if self.writer == me {
            return;
        }
        let request = |id| Change::Request { id: RequestId::from_uuid(id), stored: None };
        changes.extend(self.requests.into_iter().map(request));
        let record = |name| match String::from_utf8(name) {
            Ok(name) => Change::Record(RecordName::new(name)),
            // None of ours: a task that waits for anything looks again.
            Err(_) => Change::Everything,
        };
        changes.extend(self.records.into_iter().map(record));
        if self.notices {
            changes.push(Change::Notices);
        }
    }
}

/// A notification, read.
#[derive(Debug)]
struct Heard {
    number: i64,
    writer: Uuid,
    /// What changed; `None`: the log tells.
    batch: Option<Batch>,
}

impl Heard {
    /// Reads `number writer`, or `number writer notices ids` with ids of 32 digits each. `None` for anything else: the log
    /// tells, at the next look.
    fn read(payload: &str) -> Option<Self> {
        let mut parts = payload.split(' ');
        let (number, writer) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let Some(notices) = parts.next() else { return Some(Self { number, writer, batch: None }) };
        let (ids, rest) = parts.next().unwrap_or_default().as_bytes().as_chunks::<32>();
        if !rest.is_empty() {
            return None;
        }
        let requests = ids.iter().map(|id| Uuid::try_parse_ascii(id)).collect::<Result<_, _>>().ok()?;
        let batch = Batch { writer, requests, records: Vec::new(), notices: notices == "1" };
        Some(Self { number, writer, batch: Some(batch) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_read_and_nonsense_is_left_to_the_log() {
        let writer = Uuid::from_u128(7);
        let ids = [Uuid::from_u128(1), Uuid::from_u128(u128::MAX)];
        let text: String = ids.iter().map(|id| id.simple().to_string()).collect();
        let heard = Heard::read(&format!("42 {writer} 1 {text}")).unwrap();
        assert_eq!((heard.number, heard.writer), (42, writer));
        let batch = Batch { writer, requests: ids.to_vec(), records: Vec::new(), notices: true };
        assert_eq!(heard.batch, Some(batch));
        let notices_alone = Heard::read(&format!("43 {writer} 1")).unwrap().batch.unwrap();
        assert!(notices_alone.notices && notices_alone.requests.is_empty());
        assert!(Heard::read(&format!("44 {writer}")).unwrap().batch.is_none());
        for nonsense in ["", "x", "1 2 3", &format!("1 {writer} 0 abc"), &format!("x {writer}")] {
            assert!(Heard::read(nonsense).is_none(), "{nonsense}");
        }
    }
}
