//! Claiming notices.

use std::sync::Arc;

use approval_core::{
    clock::after,
    store::{NoticeClaim, NoticeClaims, StoreError},
};

use super::{reader::Reader, text};
use crate::columns::{RawNotice, claimed, limit, moment};

const CLAIM: &str = "SELECT at, bodies, deliveries, next FROM claim_notices($1, $2, $3, $4, $5, $6)";

pub(super) async fn claim(
    reader: &Reader,
    claim: &NoticeClaim,
    given: Option<i64>,
) -> Result<NoticeClaims, StoreError> {
    let channels: Arc<[String]> =
        claim.channels.iter().map(|channel| text::column(channel).into_owned()).collect();
    let namespace: Arc<str> = text::column(&claim.namespace).into();
    // No lease is longer.
    let lease = i64::try_from(claim.lease.as_micros()).unwrap_or(i64::MAX / 4);
    let (owner, most, until) = (claim.owner, limit(claim.limit), claim.lease);
    reader
        .read("notices could not be claimed", move |connection| {
            let (channels, namespace) = (Arc::clone(&channels), Arc::clone(&namespace));
            async move {
                let statement = connection.prepare_cached(CLAIM).await?;
                let row = connection
                    .query_one(
                        &statement,
                        &[owner.as_uuid(), &&*namespace, &&*channels, &given, &lease, &most],
                    )
                    .await?;
                let at = moment(row.try_get(0)?)?;
                let bodies: Vec<String> = row.try_get(1)?;
                let deliveries: Vec<Option<String>> = row.try_get(2)?;
                let next: Option<i64> = row.try_get(3)?;
                let notices = bodies.into_iter().zip(deliveries);
                let notices: Vec<_> = notices.map(|(body, delivery)| RawNotice { body, delivery }).collect();
                Ok(NoticeClaims {
                    notices: claimed(&notices, after(at, until)),
                    next: next.map(moment).transpose()?,
                })
            }
        })
        .await
}
