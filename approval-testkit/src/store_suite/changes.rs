//! Which histories grew, and removing requests.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use approval_core::{
    id::{ExecutorId, RequestId},
    store::{ChangeCursor, Changes, CommitOutcome, Query, Removal, Store, StoreError},
};

use super::{
    Check, Env, Stop, ensure, ensure_eq,
    env::{claim, committed, conflict, creation, is_about, notices, update},
};

/// What grew after a place; a store that cannot tell is not asked.
async fn changes(store: &dyn Store, after: &ChangeCursor, limit: usize) -> Result<Changes, Stop> {
    match store.changes(after, limit).await {
        Err(StoreError::Unsupported { .. }) => Err(Stop::NotApplicable),
        answer => Ok(answer?),
    }
}

async fn remove(store: &dyn Store, request: RequestId, version: u64) -> Result<CommitOutcome, Stop> {
    match store.remove(Removal { request, version }).await {
        Err(StoreError::Unsupported { .. }) => Err(Stop::NotApplicable),
        answer => Ok(answer?),
    }
}

/// Goes on to the end; what was named on the way.
async fn follow(
    store: &dyn Store,
    cursor: &mut ChangeCursor,
    limit: usize,
) -> Result<BTreeSet<RequestId>, Stop> {
    let mut named = BTreeSet::new();
    loop {
        let found = changes(store, cursor, limit).await?;
        named.extend(found.requests);
        let moved = found.next != *cursor;
        *cursor = found.next;
        if !found.more {
            return Ok(named);
        }
        ensure!(moved, "there is more after {cursor:?}, which is where it was asked to go on");
    }
}

pub(super) async fn every_grown_history_is_named(env: &mut Env) -> Check {
    let mut cursor = ChangeCursor::default();
    ensure_eq!(follow(&*env.store, &mut cursor, 10).await?, BTreeSet::new(), "what grew in an empty store");
    let (first, sample) = env.created().await?;
    let (second, _) = env.created().await?;
    ensure_eq!(
        follow(&*env.store, &mut cursor, 10).await?,
        BTreeSet::from([first, second]),
        "what was created"
    );
    committed(env.store.commit(update(1, &sample.remark("grown", env.now()))?).await?)?;
    let grown = follow(&*env.store, &mut cursor, 10).await?;
    ensure!(grown.contains(&first), "{first} is not named after it grew");
    let all = follow(&*env.store, &mut ChangeCursor::default(), 10).await?;
    ensure_eq!(all, BTreeSet::from([first, second]), "what grew since the beginning");
    Ok(())
}

pub(super) async fn what_was_there_before_the_first_look_is_named(env: &mut Env) -> Check {
    let mut created = BTreeSet::new();
    for _ in 0..25 {
        created.insert(env.created().await?.0);
    }
    for limit in [1, 7, 25, 1000] {
        let named = follow(&*env.store, &mut ChangeCursor::default(), limit).await?;
        ensure_eq!(named, created, "what grew since the beginning, a page at a time,");
    }
    Ok(())
}

pub(super) async fn no_grown_history_is_passed_over(env: &mut Env) -> Check {
    const WRITERS: usize = 16;
    const WRITES: u64 = 12;
    let mut samples = Vec::new();
    for _ in 0..WRITERS {
        samples.push(env.created().await?);
    }
    let now = env.now();
    let mut writers = Vec::new();
    for (id, sample) in samples {
        let store = Arc::clone(&env.store);
        writers.push(tokio::spawn(async move {
            let mut sample = sample;
            for version in 1..=WRITES {
                sample = sample.remark("again", now);
                committed(store.commit(update(version, &sample)?).await?)?;
                tokio::task::yield_now().await;
            }
            Ok::<_, Stop>(id)
        }));
    }
    // A follower looks at a request only when it is named.
    let mut seen: BTreeMap<RequestId, u64> = BTreeMap::new();
    let mut cursor = ChangeCursor::default();
    loop {
        let finished = writers.iter().all(tokio::task::JoinHandle::is_finished);
        for id in follow(&*env.store, &mut cursor, 5).await? {
            seen.insert(id, env.stored(id).await?.version);
        }
        if finished {
            break;
        }
        tokio::task::yield_now().await;
    }
    for writer in writers {
        let id = writer.await??;
        let found = seen.get(&id).copied();
        ensure_eq!(found, Some(WRITES + 1), "the version that was seen when a request was named last");
    }
    Ok(())
}

pub(super) async fn histories_grown_in_other_stores_are_named(env: &mut Env) -> Check {
    let other = env.another().await?;
    let mut cursor = ChangeCursor::default();
    follow(&*env.store, &mut cursor, 10).await?;
    let (id, sample) = env.sample();
    committed(other.commit(creation(&sample)?).await?)?;
    let named = follow(&*env.store, &mut cursor, 10).await?;
    ensure!(named.contains(&id), "{id} is not named after another store created it");
    Ok(())
}

pub(super) async fn a_removed_request_is_gone(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let sample = sample.key("removed").deadline(Some(env.seconds(-1)));
    committed(env.store.commit(creation(&sample)?).await?)?;
    committed(env.store.commit(notices(vec![super::env::notice(id, "mail", env.now())?])).await?)?;
    let (other, _) = env.created().await?;
    committed(remove(&*env.store, id, 1).await?)?;
    ensure_eq!(env.store.load(id).await?, None, "a removed request");
    ensure_eq!(env.store.find("removed").await?, None, "the request of its key");
    ensure_eq!(env.store.history(id).await?, vec![], "its history");
    ensure_eq!(env.store.notices(id).await?, vec![], "its notices");
    ensure_eq!(env.store.due("default", 10).await?.items, vec![], "what is due");
    let owner = ExecutorId::generate(env.now());
    ensure_eq!(env.store.claim_notices(&claim(owner, &[])).await?.notices, vec![], "what can be claimed");
    let listed = env.store.list(&Query::default()).await?;
    ensure_eq!(
        listed.items.iter().map(|stored| stored.request.id).collect::<Vec<_>>(),
        vec![other],
        "the list"
    );
    // Neither the id nor the key is taken any more.
    committed(env.store.commit(creation(&sample)?).await?)?;
    ensure_eq!(env.store.history(id).await?.len(), 1, "the number of lines of the new history");
    Ok(())
}

pub(super) async fn a_removal_is_bound_to_a_version(env: &mut Env) -> Check {
    let (id, sample) = env.created().await?;
    committed(env.store.commit(update(1, &sample.remark("grown", env.now()))?).await?)?;
    for version in [0, 1, 3] {
        let found = conflict(remove(&*env.store, id, version).await?)?;
        ensure_eq!(found.map(|stored| stored.version), Some(2), "the version that a refused removal shows");
    }
    ensure_eq!(env.store.history(id).await?.len(), 2, "the number of lines after refused removals");
    committed(remove(&*env.store, id, 2).await?)?;
    ensure_eq!(conflict(remove(&*env.store, id, 2).await?)?, None, "what a second removal finds");
    Ok(())
}

pub(super) async fn what_grows_after_a_removal_is_named(env: &mut Env) -> Check {
    let mut cursor = ChangeCursor::default();
    let mut last = env.created().await?.0;
    for _ in 0..3 {
        follow(&*env.store, &mut cursor, 10).await?;
        // Exactly what was written last is removed.
        committed(remove(&*env.store, last, 1).await?)?;
        let (next, _) = env.created().await?;
        let named = follow(&*env.store, &mut cursor.clone(), 10).await?;
        ensure!(named.contains(&next), "{next}, which was created after a removal, is not named");
        last = next;
    }
    Ok(())
}

pub(super) async fn listeners_hear_of_removals(env: &mut Env) -> Check {
    let (id, _) = env.created().await?;
    let mut ear = env.ear();
    committed(remove(&*env.store, id, 1).await?)?;
    ear.until(|change| is_about(change, id)).await?;
    Ok(())
}
