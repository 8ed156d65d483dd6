//! Writing, claiming and settling notices.

use approval_core::{
    clock::{Timestamp, after},
    id::{ExecutorId, RequestId},
    model::{OutboxNotice, Text},
    store::{Change, NoticeClaim, NoticeClaims, NoticeSettlement, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    batch::Batch,
    failure::failed,
    job::Task,
    rows::{limit, micros, moment},
};
use crate::columns::{NewNotice, RawNotice, Settlement, claimable_at, claimed};

/// The namespace is that of the request: handed in if the request is written too, else looked up.
const INSERT: &str = "INSERT INTO notices (id, request, channel, claimable_at, body, owner, namespace)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, coalesce(?7, (SELECT namespace FROM requests WHERE id = ?2), 'default'))";
/// Steps from channel to channel on the index, without touching their notices.
const CHANNELS: &str = "WITH RECURSIVE waiting (channel) AS (
        SELECT min(channel) FROM notices WHERE namespace = ?1 AND claimable_at IS NOT NULL
        UNION ALL
        SELECT (SELECT min(channel) FROM notices
                WHERE namespace = ?1 AND claimable_at IS NOT NULL AND channel > waiting.channel)
            FROM waiting WHERE waiting.channel IS NOT NULL
    ) SELECT channel FROM waiting WHERE channel IS NOT NULL";
const NEXT: &str = "SELECT min(claimable_at) FROM notices
    WHERE namespace = ?1 AND channel = ?2 AND claimable_at IS NOT NULL";
const CLAIMABLE: &str = "SELECT claimable_at, number, body, delivery FROM notices
    WHERE namespace = ?1 AND channel = ?2 AND claimable_at <= ?3 ORDER BY claimable_at LIMIT ?4";
const CLAIM: &str = "UPDATE notices SET claimable_at = ?2, owner = ?3 WHERE number = ?1";
const SETTLE: &str = "UPDATE notices SET delivery = ?4, claimable_at = ?5, owner = NULL
    WHERE request = ?1 AND id = ?2 AND owner = ?3";
const OF_REQUEST: &str = "SELECT body, delivery FROM notices WHERE request = ?1 ORDER BY number";

/// Writes a notice about a request of `namespace` (`None`: look it up), claimed by an owner until a moment or not at all.
pub(super) fn write(
    notice: &NewNotice,
    namespace: Option<&str>,
    batch: &Batch<'_>,
    claim: Option<(ExecutorId, Timestamp)>,
) -> Result<(), StoreError> {
    let fail = failed("a notice could not be written");
    let (claimable_at, owner) = match (notice.claimable_at, claim) {
        (Some(at), Some((owner, until))) => (Some(at.max(micros(until))), Some(*owner.as_bytes())),
        (claimable_at, _) => (claimable_at, None),
    };
    batch
        .statement(INSERT, &fail)?
        .execute(params![
            notice.id,
            notice.request,
            &*notice.channel,
            claimable_at,
            notice.body,
            owner,
            namespace
        ])
        .map_err(&fail)?;
    Ok(())
}

/// The channels of a claim that have waiting notices, or might.
fn channels(connection: &Connection, claim: &NoticeClaim) -> Result<Vec<Text>, StoreError> {
    if !claim.channels.is_empty() {
        let mut channels = claim.channels.to_vec();
        channels.sort_unstable();
        channels.dedup();
        return Ok(channels);
    }
    let fail = failed("the outbox could not be read");
    let mut statement = connection.prepare_cached(CHANNELS).map_err(&fail)?;
    let channels = statement
        .query_map([&*claim.namespace], |row| Ok(Text::from(row.get_ref(0)?.as_str()?)))
        .map_err(&fail)?;
    channels.map(|channel| channel.map_err(&fail)).collect()
}

/// When a notice that is asked for can be claimed next.
pub(super) fn next(connection: &Connection, claim: &NoticeClaim) -> Result<Option<Timestamp>, StoreError> {
    let fail = failed("the outbox could not be read");
    let mut statement = connection.prepare_cached(NEXT).map_err(&fail)?;
    let mut earliest: Option<i64> = None;
    for channel in channels(connection, claim)? {
        let next: Option<i64> =
            statement.query_row([&*claim.namespace, &*channel], |row| row.get(0)).map_err(&fail)?;
        earliest = [earliest, next].into_iter().flatten().min();
    }
    earliest.map(moment).transpose()
}

pub(super) struct ClaimTask(pub(super) NoticeClaim);

/// What was claimed, not decoded.
pub(super) struct Claimed {
    notices: Vec<RawNotice>,
    until: Timestamp,
    next: Option<Timestamp>,
}

impl Task for ClaimTask {
    type Outcome = Claimed;

    fn run(&self, batch: &mut Batch<'_>, now: Timestamp) -> Result<Claimed, StoreError> {
        let (claim, connection) = (&self.0, batch.connection());
        let fail = failed("notices could not be claimed");
        let mut found = Vec::new();
        let mut select = batch.statement(CLAIMABLE, &fail)?;
        for channel in channels(connection, claim)? {
            let wanted = params![&*claim.namespace, &*channel, micros(now), limit(claim.limit)];
            let rows = select.query_map(wanted, |row| {
                let notice = RawNotice { body: row.get(2)?, delivery: row.get(3)? };
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, notice))
            });
            for row in rows.map_err(&fail)? {
                found.push(row.map_err(&fail)?);
            }
        }
        // Of all channels together those that have waited longest, then in the order of writing.
        found.sort_unstable_by_key(|(at, number, _)| (*at, *number));
        found.truncate(claim.limit);
        found.sort_unstable_by_key(|(_, number, _)| *number);
        let until = after(now, claim.lease);
        let mut update = batch.statement(CLAIM, &fail)?;
        for (_, number, _) in &found {
            update.execute(params![number, micros(until), claim.owner.as_bytes()]).map_err(&fail)?;
        }
        let notices = found.into_iter().map(|(.., notice)| notice).collect();
        Ok(Claimed { notices, until, next: next(connection, claim)? })
    }
}

impl Claimed {
    /// As the caller sees it.
    pub(super) fn decode(self) -> NoticeClaims {
        NoticeClaims { notices: claimed(&self.notices, self.until), next: self.next }
    }
}

pub(super) struct SettleTask(Vec<Settlement>);

impl SettleTask {
    pub(super) fn new(settlements: Vec<NoticeSettlement>) -> Result<Self, StoreError> {
        settlements.into_iter().map(Settlement::new).collect::<Result<_, _>>().map(Self)
    }
}

impl Task for SettleTask {
    type Outcome = ();

    fn run(&self, batch: &mut Batch<'_>, _: Timestamp) -> Result<(), StoreError> {
        let fail = failed("it could not be noted what became of notices");
        let mut update = batch.statement(SETTLE, &fail)?;
        let mut again = false;
        for Settlement { by, delivery } in &self.0 {
            let at = claimable_at(&by.delivery);
            let changed = update
                .execute(params![by.request.as_bytes(), by.id.as_bytes(), by.owner.as_bytes(), delivery, at])
                .map_err(&fail)?;
            again |= changed > 0 && at.is_some();
        }
        if again {
            batch.changes.push(Change::Notices);
        }
        Ok(())
    }
}

pub(super) fn notices(connection: &Connection, request: RequestId) -> Result<Vec<OutboxNotice>, StoreError> {
    let fail = failed("notices could not be read");
    let mut statement = connection.prepare_cached(OF_REQUEST).map_err(&fail)?;
    let rows = statement
        .query_map([&request.as_bytes()[..]], |row| {
            Ok(RawNotice { body: row.get(0)?, delivery: row.get(1)? })
        })
        .map_err(&fail)?;
    rows.map(|row| row.map_err(&fail)?.decode()).collect()
}
