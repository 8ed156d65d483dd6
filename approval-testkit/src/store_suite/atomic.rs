//! All of a commit is written, or nothing.

use approval_core::{
    id::RequestId,
    store::{Commit, CommitOutcome, RecordName},
};

use super::{
    Check, Env, Stop, ensure, ensure_eq,
    env::{absent, committed, creation, line, notice, update, write},
};

/// Adds notices and records to a commit about `id`.
fn laden(mut commit: Commit, id: RequestId, env: &Env) -> Result<Commit, Stop> {
    commit.notices = vec![notice(id, "mail", env.now())?, notice(id, "slack", env.now())?];
    commit.writes = vec![write("count", b"1"), write("last", b"2")];
    Ok(commit)
}

/// How many lines, notices and records there are.
async fn weigh(env: &Env, id: RequestId) -> Result<(usize, usize, usize), Stop> {
    let lines = env.store.history(id).await?.len();
    let notices = env.store.notices(id).await?.len();
    let records =
        env.store.records("", None, 100).await?.iter().filter(|r| r.name.as_str() != "taken").count();
    Ok((lines, notices, records))
}

pub(super) async fn a_commit_writes_all_of_it(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let mut commit = laden(creation(&sample)?, id, env)?;
    commit.events = vec![line(1), line(2), line(3)];
    committed(env.store.commit(commit).await?)?;
    ensure_eq!(weigh(env, id).await?, (3, 2, 2), "lines, notices, records");
    let commit = laden(update(3, &sample)?, id, env)?;
    ensure!(
        matches!(env.store.commit(commit).await?, CommitOutcome::Conflict(_)),
        "version 3 is accepted where version 1 is"
    );
    let mut commit = laden(update(1, &sample)?, id, env)?;
    commit.events = vec![line(4)];
    committed(env.store.commit(commit).await?)?;
    ensure_eq!(weigh(env, id).await?, (4, 4, 2), "lines, notices, records");
    let count = env.store.record(&RecordName::new("count")).await?;
    ensure_eq!(count.map(|record| record.version), Some(2), "the version of a record written twice");
    Ok(())
}

pub(super) async fn a_refused_commit_writes_nothing(env: &mut Env) -> Check {
    env.write_record("taken", b"").await?;
    let (first, sample) = env.sample();
    env.create(first, &sample.key("one")).await?;
    let (_, late) = env.sample();
    let late = late.key("one");
    let (id, sample) = env.created().await?;
    let weight = weigh(env, id).await?;

    let good = laden(update(1, &sample.remark("refused", env.now()))?, id, env)?;
    let mut stale = laden(update(5, &env.sample().1)?, id, env)?;
    stale.row.clone_from(&good.row);
    if let Some(row) = &mut stale.row {
        row.expect = approval_core::store::Expect::Version(5);
    }
    let mut key_taken = creation(&late)?;
    key_taken.writes = vec![write("count", b"1")];
    let early = Commit { not_before: Some(env.seconds(1)), ..good.clone() };
    let overdue = Commit { not_after: Some(env.seconds(-1)), ..good.clone() };
    let unmet = Commit { conditions: vec![absent("taken")], ..good.clone() };
    for (why, commit) in [
        ("version", stale),
        ("key", key_taken),
        ("lower time bound", early),
        ("upper time bound", overdue),
        ("condition", unmet),
    ] {
        let outcome = env.store.commit(commit).await?;
        ensure!(
            !matches!(outcome, CommitOutcome::Committed { .. }),
            "a commit is accepted against its {why}"
        );
        ensure_eq!(weigh(env, id).await?, weight, "what is there after a refusal (lines, notices, records)");
        ensure_eq!(env.stored(id).await?.version, 1, "the version after a refusal");
    }
    let claimed = env.store.claim_notices(&super::env::claim(super::notices::owner(1), &[])).await?;
    ensure_eq!(claimed.notices, vec![], "notices of refused commits");
    committed(env.store.commit(good).await?)?;
    Ok(())
}

pub(super) async fn a_refusal_spares_its_neighbours(env: &mut Env) -> Check {
    let (_, contested) = env.created().await?;
    let mut tasks = Vec::new();
    for number in 0..60_u64 {
        let commit = if number % 2 == 0 {
            creation(&env.sample().1)?
        } else {
            let mut stale = update(9, &contested)?;
            stale.events = vec![line(10 + number)];
            stale
        };
        let store = std::sync::Arc::clone(&env.store);
        tasks.push(tokio::spawn(async move { store.commit(commit).await }));
    }
    for (number, task) in tasks.into_iter().enumerate() {
        let written = matches!(task.await??, CommitOutcome::Committed { .. });
        ensure_eq!(written, number % 2 == 0, "whether a commit among refused ones was written");
    }
    Ok(())
}

pub(super) async fn a_malformed_commit_is_an_error(env: &mut Env) -> Check {
    let (id, sample) = env.created().await?;
    let other = env.id();
    let weight = weigh(env, id).await?;
    let good = laden(update(1, &sample.remark("malformed", env.now()))?, id, env)?;

    let mut doubled = good.clone();
    doubled.events = vec![line(1)];
    let mut backwards = good.clone();
    backwards.events = vec![line(3), line(2)];
    let mut astray = good.clone();
    astray.notices.push(notice(other, "mail", env.now())?);
    let mut rowless = good.clone();
    rowless.row = None;
    let mut twice = good.clone();
    twice.writes.push(write("count", b"3"));
    for (why, commit) in [
        ("a line of history twice", doubled),
        ("lines in the wrong order", backwards),
        ("notices about two requests", astray),
        ("lines without a request", rowless),
        ("one record twice", twice),
    ] {
        ensure!(env.store.commit(commit).await.is_err(), "a commit that writes {why} is accepted");
        ensure_eq!(weigh(env, id).await?, weight, "what is there after an error (lines, notices, records)");
        ensure_eq!(env.stored(id).await?.version, 1, "the version after an error");
    }
    committed(env.store.commit(good).await?)?;
    Ok(())
}
