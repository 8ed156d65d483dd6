//! Requests, their versions and their keys.

use approval_core::store::CommitOutcome;

use super::{
    Check, Env, Sample, ensure, ensure_eq, ensure_is,
    env::{committed, conflict, creation, update},
};

pub(super) async fn a_new_request_has_version_one(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let (_, version) = committed(env.store.commit(creation(&sample)?).await?)?;
    ensure_eq!(version, 1, "the version in the answer");
    ensure_eq!(env.stored(id).await?.version, 1, "the stored version");
    Ok(())
}

pub(super) async fn versions_count_up_by_one(env: &mut Env) -> Check {
    let (id, mut sample) = env.created().await?;
    for version in 1..20 {
        sample = sample.remark(&version.to_string(), env.now());
        let (_, new) = committed(env.store.commit(update(version, &sample)?).await?)?;
        ensure_eq!(new, version + 1, "the version in the answer");
        let stored = env.stored(id).await?;
        ensure_eq!(stored.version, version + 1, "the stored version");
        ensure_eq!(&stored.request, sample.document()?.request(), "the stored request");
    }
    Ok(())
}

pub(super) async fn load_gives_back_what_was_written(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let sample = sample
        .key("key")
        .namespace("tenant")
        .run("run")
        .intent("because")
        .argument("12345678901234567890")
        .deadline(Some(env.seconds(60)))
        .remark("a remark", env.now());
    let stored = env.create(id, &sample).await?;
    ensure_eq!(&stored.request, sample.document()?.request(), "the stored request");
    Ok(())
}

pub(super) async fn load_of_an_unknown_id_finds_nothing(env: &mut Env) -> Check {
    env.created().await?;
    ensure!(env.store.load(env.id()).await?.is_none(), "an unknown id finds a request");
    Ok(())
}

pub(super) async fn a_stale_version_conflicts(env: &mut Env) -> Check {
    let (id, sample) = env.created().await?;
    let second = sample.clone().remark("second", env.now());
    committed(env.store.commit(update(1, &second)?).await?)?;
    let late = sample.remark("late", env.now());
    let found = conflict(env.store.commit(update(1, &late)?).await?)?;
    let stored = env.stored(id).await?;
    ensure_eq!(found.as_ref(), Some(&stored), "what the refusal shows");
    ensure_eq!(stored.version, 2, "the version after a refusal");
    ensure_eq!(&stored.request, second.document()?.request(), "the request after a refusal");
    Ok(())
}

pub(super) async fn a_version_to_come_conflicts(env: &mut Env) -> Check {
    let (id, sample) = env.created().await?;
    for version in [0, 2, 3, u64::MAX - 1] {
        let mut commit = update(version, &sample.clone().remark("early", env.now()))?;
        commit.events = vec![super::env::line(2)];
        let found = conflict(env.store.commit(commit).await?)?;
        ensure_eq!(found, Some(env.stored(id).await?), "what the refusal shows");
    }
    ensure_eq!(env.stored(id).await?.version, 1, "the version after the refusals");
    Ok(())
}

pub(super) async fn an_update_of_nothing_conflicts(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let found = conflict(env.store.commit(update(1, &sample)?).await?)?;
    ensure!(found.is_none(), "the refusal shows a request that was never written");
    ensure!(env.store.load(id).await?.is_none(), "the refused request is there");
    Ok(())
}

pub(super) async fn a_second_creation_conflicts(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let sample = sample.key("one");
    let first = env.create(id, &sample).await?;
    let mut again = creation(&sample.clone().remark("again", env.now()))?;
    again.events = vec![super::env::line(2)];
    let found = conflict(env.store.commit(again).await?)?;
    ensure_eq!(found.as_ref(), Some(&first), "what the refusal shows");
    ensure_eq!(env.stored(id).await?, first, "the request after the refusal");
    Ok(())
}

pub(super) async fn a_key_finds_its_request(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let stored = env.create(id, &sample.key("run-1/refund")).await?;
    env.created().await?;
    ensure_eq!(env.store.find("run-1/refund").await?, Some(stored), "what the key finds");
    ensure!(env.store.find("run-1/refun").await?.is_none(), "an unknown key finds a request");
    Ok(())
}

pub(super) async fn a_key_belongs_to_one_request(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let owner = env.create(id, &sample.key("one")).await?;
    let (late, sample) = env.sample();
    let outcome = env.store.commit(creation(&sample.key("one"))?).await?;
    let found =
        ensure_is!(outcome, CommitOutcome::KeyTaken(found) => found, "the answer to a key that is taken");
    ensure_eq!(found, owner, "the request that the refusal shows");
    ensure!(env.store.load(late).await?.is_none(), "the refused request is there");
    Ok(())
}

pub(super) async fn a_key_stays_with_a_decided_request(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let sample = sample.key("one");
    env.create(id, &sample).await?;
    committed(env.store.commit(update(1, &sample.status("rejected"))?).await?)?;
    let found = env.store.find("one").await?;
    ensure_eq!(found.map(|stored| stored.version), Some(2), "the version that the key finds");
    let (_, sample) = env.sample();
    let outcome = env.store.commit(creation(&sample.key("one"))?).await?;
    ensure!(
        matches!(&outcome, CommitOutcome::KeyTaken(found) if found.request.id == id),
        "the key of a decided request is given away: {outcome:?}"
    );
    Ok(())
}

pub(super) async fn keys_are_compared_byte_by_byte(env: &mut Env) -> Check {
    let keys = ["key", "KEY", "key ", " key", "ke\u{301}y", "k\u{e9}y", "key\0", "key\0x", "%", "_", "'", ""];
    for key in keys {
        let (id, sample) = env.sample();
        env.create(id, &sample.key(key)).await?;
    }
    for key in keys {
        let found = env.store.find(key).await?;
        ensure_eq!(
            found.as_ref().and_then(|f| f.request.key.as_deref()),
            Some(key),
            "the key that was found"
        );
    }
    Ok(())
}

pub(super) async fn requests_without_a_key_do_not_clash(env: &mut Env) -> Check {
    let samples: Vec<Sample> = (0..5).map(|_| env.sample().1).collect();
    for sample in &samples {
        committed(env.store.commit(creation(sample)?).await?)?;
    }
    Ok(())
}
