//! Figures over all requests.

use approval_core::model::{Dimension, Figures, Stats, StatsQuery};

use super::{
    Check, Env, Stop, ensure_eq,
    env::{committed, creation, update},
};

async fn stats(env: &Env, query: &StatsQuery) -> Result<Stats, Stop> {
    Ok(env.store.stats(query).await?)
}

/// How many are pending, approved and rejected.
const fn counts(figures: &Figures) -> [u64; 3] {
    [figures.pending, figures.approved, figures.rejected]
}

pub(super) async fn figures_follow_the_requests(env: &mut Env) -> Check {
    let query = StatsQuery { by: vec![Dimension::Action, Dimension::Agent], ..StatsQuery::default() };
    ensure_eq!(stats(env, &query).await?, Stats::default(), "the figures of an empty store");
    let (_, first) = env.created().await?;
    let (id, second) = env.sample();
    let second = second.action("mail.send").requester("agent:other");
    env.create(id, &second).await?;
    ensure_eq!(counts(&stats(env, &query).await?.total), [2, 0, 0], "pending, approved, rejected");
    let now = env.now();
    committed(env.store.commit(update(1, &first.decided("approved", now))?).await?)?;
    let found = stats(env, &query).await?;
    ensure_eq!(counts(&found.total), [1, 1, 0], "pending, approved, rejected after an approval");
    ensure_eq!(found.by_action.get("mail.send").map(counts), Some([1, 0, 0]), "the same by action");
    ensure_eq!(found.by_agent.get("agent:suite").map(counts), Some([0, 1, 0]), "the same by agent");
    let second = second.decided("rejected", now);
    committed(env.store.commit(update(1, &second)?).await?)?;
    committed(env.store.commit(update(2, &second.remark("too late", now))?).await?)?;
    let found = stats(env, &query).await?;
    ensure_eq!(counts(&found.total), [0, 1, 1], "pending, approved, rejected when both are decided");
    let one = StatsQuery { action: Some("mail.send".into()), ..StatsQuery::default() };
    ensure_eq!(counts(&stats(env, &one).await?.total), [0, 0, 1], "the same of one action");
    Ok(())
}

pub(super) async fn figures_keep_to_their_range(env: &mut Env) -> Check {
    for seconds in [10, 20, 30] {
        let (_, sample) = env.sample();
        let sample = sample.decided("approved", env.seconds(seconds));
        committed(env.store.commit(creation(&sample)?).await?)?;
    }
    for (from, before, wanted) in
        [(None, None, 3), (Some(10), None, 3), (Some(20), Some(30), 1), (None, Some(10), 0)]
    {
        let query = StatsQuery {
            decided_from: from.map(|seconds| env.seconds(seconds)),
            decided_before: before.map(|seconds| env.seconds(seconds)),
            ..StatsQuery::default()
        };
        let found = stats(env, &query).await?.total;
        ensure_eq!(found.approved, wanted, "how many were approved in a range");
    }
    Ok(())
}

pub(super) async fn figures_count_what_other_stores_wrote(env: &mut Env) -> Check {
    let other = env.another().await?;
    let query = StatsQuery::default();
    ensure_eq!(other.stats(&query).await?.total.pending, 0, "the figures of an empty store");
    let (_, sample) = env.created().await?;
    ensure_eq!(other.stats(&query).await?.total.pending, 1, "pending in the other store");
    let now = env.now();
    committed(other.commit(update(1, &sample.decided("rejected", now))?).await?)?;
    for store in [&env.store, &other] {
        ensure_eq!(counts(&store.stats(&query).await?.total), [0, 0, 1], "pending, approved, rejected");
    }
    Ok(())
}
