//! Notices: claiming, settling, listing.

use approval_core::{
    clock::{Timestamp, after},
    id::RequestId,
    model::{OutboxNotice, Text},
    store::{ClaimedNotice, NoticeClaim, NoticeClaims, NoticeSettlement, StoreError},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    failure::failed,
    job::{claimable_at, json},
    rows::{column, micros, moment},
};

/// The channels are a JSON array; an empty one means any.
const NEXT: &str = "SELECT claimable_at FROM notices WHERE claimable_at IS NOT NULL
    AND (?1 = '[]' OR channel IN (SELECT value FROM json_each(?1))) ORDER BY claimable_at LIMIT 1";
const CLAIMABLE: &str = "SELECT number, body, delivery FROM notices WHERE claimable_at <= ?1
    AND (?2 = '[]' OR channel IN (SELECT value FROM json_each(?2))) ORDER BY claimable_at, number LIMIT ?3";
const CLAIM: &str = "UPDATE notices SET claimable_at = ?2, owner = ?3 WHERE number = ?1";
const SETTLE: &str = "UPDATE notices SET delivery = ?4, claimable_at = ?5, owner = NULL
    WHERE request = ?1 AND id = ?2 AND owner = ?3";
const OF_REQUEST: &str = "SELECT body, delivery FROM notices WHERE request = ?1 ORDER BY number";

fn array(channels: &[Text]) -> Result<String, StoreError> {
    json(&channels)
}

fn notice(body: &str, delivery: &str) -> Result<OutboxNotice, StoreError> {
    let unreadable = |e| StoreError::unreadable(format!("a notice in the store cannot be read: {e}"));
    let mut notice: OutboxNotice = serde_json::from_str(body).map_err(unreadable)?;
    notice.delivery = serde_json::from_str(delivery).map_err(unreadable)?;
    Ok(notice)
}

/// When a notice of these channels can be claimed next.
pub(super) fn next(connection: &Connection, channels: &[Text]) -> Result<Option<Timestamp>, StoreError> {
    let fail = failed("the outbox could not be read");
    let mut statement = connection.prepare_cached(NEXT).map_err(&fail)?;
    let next: Option<i64> =
        statement.query_row([array(channels)?], |row| row.get(0)).optional().map_err(&fail)?;
    next.map(moment).transpose()
}

pub(super) fn claim(
    connection: &Connection,
    claim: &NoticeClaim,
    now: Timestamp,
) -> Result<NoticeClaims, StoreError> {
    let fail = failed("notices could not be claimed");
    let until = after(now, claim.lease);
    let mut select = connection.prepare_cached(CLAIMABLE).map_err(&fail)?;
    let rows = select
        .query_map(params![micros(now), array(&claim.channels)?, column(claim.limit as u64)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        });
    let mut rows = rows.map_err(&fail)?.collect::<Result<Vec<_>, _>>().map_err(&fail)?;
    rows.sort_unstable_by_key(|(number, ..)| *number);
    let mut update = connection.prepare_cached(CLAIM).map_err(&fail)?;
    let mut notices = Vec::with_capacity(rows.len());
    for (number, body, delivery) in rows {
        update.execute(params![number, micros(until), claim.owner.as_bytes()]).map_err(&fail)?;
        notices.push(ClaimedNotice { notice: notice(&body, &delivery)?, until });
    }
    Ok(NoticeClaims { notices, next: next(connection, &claim.channels)? })
}

/// Records settlements; tells whether a notice may be claimed again.
pub(super) fn settle(connection: &Connection, settlements: &[NoticeSettlement]) -> Result<bool, StoreError> {
    let fail = failed("it could not be noted what became of notices");
    let mut update = connection.prepare_cached(SETTLE).map_err(&fail)?;
    let mut again = false;
    for settlement in settlements {
        let at = claimable_at(&settlement.delivery);
        let changed = update
            .execute(params![
                settlement.request.as_bytes(),
                settlement.id.as_bytes(),
                settlement.owner.as_bytes(),
                json(&settlement.delivery)?,
                at.map(micros)
            ])
            .map_err(&fail)?;
        again |= changed > 0 && at.is_some();
    }
    Ok(again)
}

pub(super) fn notices(connection: &Connection, request: RequestId) -> Result<Vec<OutboxNotice>, StoreError> {
    let fail = failed("notices could not be read");
    let mut statement = connection.prepare_cached(OF_REQUEST).map_err(&fail)?;
    let rows = statement
        .query_map([&request.as_bytes()[..]], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .map_err(&fail)?;
    rows.map(|row| {
        let (body, delivery) = row.map_err(&fail)?;
        notice(&body, &delivery)
    })
    .collect()
}
