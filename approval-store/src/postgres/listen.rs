//! What other processes wrote.
//!
//! One connection per process listens. A notification says which requests changed; whatever was not notified, because the
//! connection was lost or the server restarted, is read from the log of changes: after every connecting, and once in a
//! while in any case.

use std::{
    collections::{HashMap, HashSet},
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

const NOW: &str = "SELECT store_time($1)";
const OF_BATCH: &str = "SELECT batch, writer, requests, records, notices FROM changes WHERE batch = $1";
const MISSED: &str = "SELECT batch, writer, requests, records, notices FROM changes
    WHERE batch >= $1 AND batch < $2 ORDER BY batch LIMIT 1000";

/// After so many missed batches it is cheaper to look at everything that somebody waits for.
const MANY: usize = 20_000;

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

/// How much of the log was told.
struct Told {
    /// All batches below this number.
    below: i64,
    /// Batches from there on that were notified.
    also: HashSet<i64>,
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
        let mut told = Told { below, also: HashSet::new() };
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
        // Numbers that were taken and not written may be given again after a crash of the server. What is told twice does
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
        let (mut changes, mut batches) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(notification) = next {
            if let Some(heard) = Heard::read(notification.payload())
                && told.is_new(heard.batch)
            {
                match heard.changes {
                    _ if heard.writer == self.me => {}
                    Some(of_batch) => changes.extend(of_batch),
                    None => {
                        let rows = line.own.client.query(&line.of_batch, &[&heard.batch]).await?;
                        rows.iter().try_for_each(|row| collect(row, self.me, &mut changes))?;
                    }
                }
                batches.push(heard.batch);
            }
            next = line.heard.try_recv().ok();
        }
        let wanted = self.take_wanted(&mut changes);
        self.listeners.tell(&changes);
        for wanted in wanted.chunks(TOGETHER) {
            self.tell_how_they_stand(line, wanted).await?;
        }
        // Only now: had the connection been lost before, the log would tell it all.
        told.also.extend(batches);
        Ok(())
    }

    /// Takes out the requests that somebody waits for in this process.
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

    /// Reads requests that were changed elsewhere, and tells how they stand: whoever waits for them would ask next. With
    /// the connection that just heard of them, since a server is quickest where it is awake.
    async fn tell_how_they_stand(&self, line: &Line, wanted: &[Uuid]) -> Result<(), Lost> {
        let rows = line.own.client.query(&line.load, &[&wanted]).await?;
        let found = rows.iter().map(rows::raw).collect::<Result<Vec<_>, _>>()?;
        let mut found: HashMap<_, _> = found.into_iter().map(|raw| (raw.id.clone(), raw)).collect();
        let told = wanted.iter().map(|id| Change::Request {
            id: RequestId::from_uuid(*id),
            // Whoever waits looks for himself, and is told what is wrong.
            stored: found.remove(&id.as_bytes()[..]).and_then(|raw| raw.decode().ok()),
        });
        self.listeners.tell(&told.collect::<Vec<_>>());
        Ok(())
    }

    /// Tells what was written and not notified.
    async fn look(&self, client: &Client, told: &mut Told) -> Result<(), Lost> {
        let now: i64 = client.query_one(NOW, &[&self.time.given()]).await?.try_get(0)?;
        if let Ok(now) = moment(now) {
            self.time.told(now);
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
                if !told.also.contains(&row.try_get(0)?) {
                    collect(row, self.me, &mut changes)?;
                }
            }
            self.listeners.tell(&changes);
            if seen >= MANY {
                self.listeners.tell(&[Change::Everything]);
                break;
            }
        }
        told.below = bound.max(told.below);
        told.also.retain(|batch| *batch >= bound);
        Ok(())
    }
}

impl Told {
    fn is_new(&self, batch: i64) -> bool {
        batch >= self.below && !self.also.contains(&batch)
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

/// Adds what a row of the log tells, unless this process wrote it.
fn collect(row: &Row, me: Uuid, changes: &mut Vec<Change>) -> Result<(), tokio_postgres::Error> {
    if row.try_get::<_, Uuid>(1)? == me {
        return Ok(());
    }
    let requests: Vec<Uuid> = row.try_get(2)?;
    changes.extend(requests.into_iter().map(changed));
    let records: Vec<&[u8]> = row.try_get(3)?;
    changes.extend(
        records
            .into_iter()
            .map(|name| Change::Record(RecordName::new(String::from_utf8_lossy(name).into_owned()))),
    );
    if row.try_get(4)? {
        changes.push(Change::Notices);
    }
    Ok(())
}

const fn changed(id: Uuid) -> Change {
    Change::Request { id: RequestId::from_uuid(id), stored: None }
}

/// A notification, read.
#[derive(Debug)]
struct Heard {
    batch: i64,
    writer: Uuid,
    /// What changed; `None`: the log tells.
    changes: Option<Vec<Change>>,
}

impl Heard {
    /// Reads `batch writer`, or `batch writer notices ids` with ids of 32 digits each. `None` for anything else: the log
    /// tells, at the next look.
    fn read(payload: &str) -> Option<Self> {
        let mut parts = payload.split(' ');
        let (batch, writer) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let Some(notices) = parts.next() else { return Some(Self { batch, writer, changes: None }) };
        let (ids, rest) = parts.next().unwrap_or_default().as_bytes().as_chunks::<32>();
        if !rest.is_empty() {
            return None;
        }
        let ids = ids.iter().map(|id| Uuid::try_parse_ascii(id).map(changed));
        let mut changes = ids.collect::<Result<Vec<_>, _>>().ok()?;
        if notices == "1" {
            changes.push(Change::Notices);
        }
        Some(Self { batch, writer, changes: Some(changes) })
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
        assert_eq!((heard.batch, heard.writer), (42, writer));
        let told = heard.changes.unwrap();
        assert!(matches!(told[0], Change::Request { id, stored: None } if *id.as_uuid() == ids[0]));
        assert!(matches!(told[1], Change::Request { id, stored: None } if *id.as_uuid() == ids[1]));
        assert!(matches!(told[2], Change::Notices) && told.len() == 3);
        let notices_alone = Heard::read(&format!("43 {writer} 1")).unwrap();
        assert!(matches!(notices_alone.changes.as_deref(), Some([Change::Notices])));
        assert!(Heard::read(&format!("44 {writer}")).unwrap().changes.is_none());
        for nonsense in ["", "x", "1 2 3", &format!("1 {writer} 0 abc"), &format!("x {writer}")] {
            assert!(Heard::read(nonsense).is_none(), "{nonsense}");
        }
    }
}
