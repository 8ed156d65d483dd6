//! Closing.

use std::sync::Arc;

use approval_core::{
    model::StatsQuery,
    store::{Commit, CommitOutcome, Query, RecordName, StoreError},
};

use super::{
    Check, Env, ensure,
    env::{claim, creation},
    notices::owner,
};

fn is_closed<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Closed))
}

pub(super) async fn a_closed_store_says_so(env: &mut Env) -> Check {
    let (id, _) = env.created().await?;
    let store = Arc::clone(&env.store);
    store.close().await?;
    store.close().await?;
    let name = RecordName::new("r");
    for (call, closed) in [
        ("now", is_closed(&store.now().await)),
        ("commit", is_closed(&store.commit(Commit::default()).await)),
        ("load", is_closed(&store.load(id).await)),
        ("find", is_closed(&store.find("key").await)),
        ("list", is_closed(&store.list(&Query::default()).await)),
        ("due", is_closed(&store.due("default", 1).await)),
        ("stats", is_closed(&store.stats(&StatsQuery::default()).await)),
        ("history", is_closed(&store.history(id).await)),
        ("claim_notices", is_closed(&store.claim_notices(&claim(owner(1), &[])).await)),
        ("settle_notices", is_closed(&store.settle_notices(vec![]).await)),
        ("notices", is_closed(&store.notices(id).await)),
        ("record", is_closed(&store.record(&name).await)),
        ("records", is_closed(&store.records("", None, 1).await)),
        ("append_journal", is_closed(&store.append_journal(vec![]).await)),
        ("read_journal", is_closed(&store.read_journal(0, 1).await)),
    ] {
        ensure!(closed, "{call} on a closed store does not fail with `Closed`");
    }
    Ok(())
}

pub(super) async fn closing_finishes_what_was_begun(env: &mut Env) -> Check {
    let mut tasks = Vec::new();
    for _ in 0..64 {
        let (id, sample) = env.sample();
        let (store, commit) = (Arc::clone(&env.store), creation(&sample)?);
        tasks.push((id, tokio::spawn(async move { store.commit(commit).await })));
    }
    tokio::task::yield_now().await;
    env.store.close().await?;
    let mut acknowledged = Vec::new();
    for (id, task) in tasks {
        match task.await? {
            Ok(CommitOutcome::Committed { .. }) => acknowledged.push(id),
            Err(StoreError::Closed) => {}
            other => ensure!(false, "a commit while the store closes is answered by {other:.300?}"),
        }
    }
    if env.home.survives() {
        env.reopen().await?;
        for id in acknowledged {
            ensure!(
                env.store.load(id).await?.is_some(),
                "request {id} was acknowledged while closing, and is lost"
            );
        }
    }
    Ok(())
}
