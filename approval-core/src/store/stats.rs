//! Figures of a store that has no better way: every request is looked at.

use std::collections::HashMap;

use super::{Query, Store, StoreError, Tally};
use crate::{
    lifecycle::statistics::{Subject, decided},
    model::{Stats, StatsQuery},
};

/// Requests that are read at a time.
const PAGE: usize = 1000;

pub(super) async fn by_pages<S: Store + ?Sized>(store: &S, query: &StatsQuery) -> Result<Stats, StoreError> {
    let mut tally = Tally::new(query);
    let (mut subjects, mut voters) = (HashMap::new(), HashMap::new());
    let mut pages = Query {
        namespace: query.namespace.clone(),
        action: query.action.clone(),
        requester: query.agent.clone(),
        limit: PAGE,
        ..Query::default()
    };
    loop {
        let page = store.list(&pages).await?;
        for request in page.items.iter().map(|stored| &*stored.request) {
            let of = Subject::of(request);
            let known = subjects.entry(of.clone()).or_insert_with(|| tally.subject(of));
            let Some(subject) = *known else { continue };
            match decided(request) {
                Some(decided) => tally.decided(subject, &decided, |tally, vote| {
                    let of = (vote.approver.clone(), vote.channel.clone());
                    *voters.entry(of.clone()).or_insert_with(|| tally.voter(of.0, of.1))
                }),
                None if request.status.is_open() => tally.pending(subject, 1),
                None => {}
            }
        }
        match page.next {
            Some(next) => pages.after = Some(next),
            None => return Ok(tally.finish()),
        }
    }
}
