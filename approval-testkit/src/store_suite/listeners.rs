//! Telling of changes.

use std::sync::Arc;

use approval_core::{
    model::Delivery,
    store::{Change, Commit, NoticeSettlement, RecordName},
};

use super::{
    Check, Env, ensure, ensure_eq,
    env::{Ear, claim, committed, conflict, creation, is_about, notice, notices, remove, update, write},
    notices::owner,
};

/// Whether a change tells of this record.
fn is_record(change: &Change, wanted: &str) -> bool {
    match change {
        Change::Record(name) => *name == RecordName::new(wanted),
        Change::Everything => true,
        _ => false,
    }
}

const fn is_notices(change: &Change) -> bool {
    matches!(change, Change::Notices | Change::Everything)
}

pub(super) async fn listeners_hear_of_requests(env: &mut Env) -> Check {
    let mut ear = env.ear();
    let (id, sample) = env.created().await?;
    ear.until(|change| is_about(change, id)).await?;
    let sample = sample.remark("new", env.now());
    committed(env.store.commit(update(1, &sample)?).await?)?;
    let told = ear.until(|change| is_about(change, id)).await?;
    if let Some(Change::Request { stored: Some(stored), .. }) = told.last() {
        ensure_eq!(stored.version, 2, "the version that was reported");
        ensure_eq!(&stored.request, sample.document()?.request(), "the request that was reported");
    }
    Ok(())
}

pub(super) async fn listeners_hear_of_notices(env: &mut Env) -> Check {
    let mut ear = env.ear();
    let (id, sample) = env.sample();
    let mut commit = creation(&sample)?;
    commit.notices = vec![notice(id, "mail", env.now())?];
    committed(env.store.commit(commit).await?)?;
    ear.until(is_notices).await?;
    committed(env.store.commit(notices(vec![notice(id, "mail", env.now())?])).await?)?;
    ear.until(is_notices).await?;
    for got in env.store.claim_notices(&claim(owner(1), &[])).await?.notices {
        let delivery = Delivery::Waiting { attempts: 1, next_at: env.now() };
        let back = NoticeSettlement { request: id, id: got.notice.id, owner: owner(1), delivery };
        env.store.settle_notices(vec![back]).await?;
    }
    ear.until(is_notices).await?;
    Ok(())
}

pub(super) async fn listeners_hear_of_records(env: &mut Env) -> Check {
    let mut ear = env.ear();
    env.write_record("halt", b"1").await?;
    ear.until(|change| is_record(change, "halt")).await?;
    committed(env.store.commit(Commit { writes: vec![remove("halt")], ..Commit::default() }).await?)?;
    ear.until(|change| is_record(change, "halt")).await?;
    let (id, sample) = env.sample();
    let mut commit = creation(&sample)?;
    commit.writes = vec![write("budget", b"1")];
    committed(env.store.commit(commit).await?)?;
    let told = ear.until(|change| is_record(change, "budget")).await?;
    if !told.iter().any(|change| is_about(change, id)) {
        ear.until(|change| is_about(change, id)).await?;
    }
    Ok(())
}

pub(super) async fn listeners_do_not_hear_of_refusals(env: &mut Env) -> Check {
    let (id, sample) = env.created().await?;
    let mut ear = env.ear();
    let mut stale = update(5, &sample)?;
    stale.events.clear();
    stale.writes = vec![write("refused", b"")];
    conflict(env.store.commit(stale).await?)?;
    env.write_record("end", b"").await?;
    let told = ear.until(|change| is_record(change, "end")).await?;
    let refused = told.iter().any(|change| match change {
        Change::Request { id: told, .. } => *told == id,
        Change::Record(name) => name.as_str() == "refused",
        _ => false,
    });
    ensure!(!refused, "a refused commit is reported: {told:.300?}");
    Ok(())
}

pub(super) async fn changes_of_a_request_are_told_in_order(env: &mut Env) -> Check {
    const VERSIONS: u64 = 200;
    let mut ear = env.ear();
    let (id, sample) = env.created().await?;
    let document = sample.document()?;
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (store, document) = (Arc::clone(&env.store), document.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let Some(stored) = store.load(id).await? else { return Ok(()) };
                if stored.version >= VERSIONS {
                    return Ok::<_, approval_core::store::StoreError>(());
                }
                let expect = approval_core::store::Expect::Version(stored.version);
                let row = approval_core::store::RowWrite { expect, document: document.clone() };
                store.commit(Commit { row: Some(row), ..Commit::default() }).await?;
            }
        }));
    }
    for task in tasks {
        task.await??;
    }
    let wanted = env.stored(id).await?.version;
    let mut last = 0;
    while last < wanted {
        let told = ear.until(|change| is_about(change, id)).await?;
        match told.last() {
            Some(Change::Request { stored: Some(stored), .. }) => {
                ensure!(
                    stored.version >= last,
                    "version {} is reported after version {last}",
                    stored.version
                );
                last = stored.version;
            }
            // It tells that something changed and leaves the rest to loading: that cannot be out of order.
            _ => return Ok(()),
        }
    }
    Ok(())
}

pub(super) async fn what_is_told_can_be_loaded(env: &mut Env) -> Check {
    let mut ear = env.ear();
    for _ in 0..50 {
        let (id, sample) = env.sample();
        let (store, commit) = (Arc::clone(&env.store), creation(&sample)?);
        let writer = tokio::spawn(async move { store.commit(commit).await });
        ear.until(|change| is_about(change, id)).await?;
        ensure!(env.store.load(id).await?.is_some(), "a request is reported before it can be loaded");
        committed(writer.await??)?;
    }
    Ok(())
}

pub(super) async fn every_listener_hears(env: &mut Env) -> Check {
    let mut ears: Vec<Ear> = (0..5).map(|_| env.ear()).collect();
    let (id, _) = env.created().await?;
    for ear in &mut ears {
        ear.until(|change| is_about(change, id)).await?;
    }
    Ok(())
}

pub(super) async fn a_listener_that_is_gone_is_forgotten(env: &mut Env) -> Check {
    let gone = env.ear().into_weak();
    ensure!(gone.upgrade().is_none(), "the store keeps a listener alive");
    let mut ear = env.ear();
    let (id, _) = env.created().await?;
    ear.until(|change| is_about(change, id)).await?;
    Ok(())
}

pub(super) async fn listeners_hear_of_other_stores(env: &mut Env) -> Check {
    let other = env.another().await?;
    let mut ear = Ear::on(&*other);
    let within = other.notices_others_within();
    ensure!(within.is_some(), "it does not say how soon it notices other processes");
    let (id, sample) = env.created().await?;
    ear.until(|change| is_about(change, id)).await?;
    ensure_eq!(
        other.load(id).await?.map(|stored| stored.version),
        Some(1),
        "the version that the other loads"
    );
    committed(env.store.commit(update(1, &sample)?).await?)?;
    ear.until(|change| is_about(change, id)).await?;
    committed(env.store.commit(notices(vec![notice(id, "mail", env.now())?])).await?)?;
    ear.until(is_notices).await?;
    env.write_record("halt", b"").await?;
    ear.until(|change| is_record(change, "halt")).await?;
    committed(env.store.commit(Commit { writes: vec![remove("halt")], ..Commit::default() }).await?)?;
    ear.until(|change| is_record(change, "halt")).await?;
    Ok(())
}
