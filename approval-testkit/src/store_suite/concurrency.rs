//! Many at once, and some that give up.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use approval_core::store::{Commit, CommitOutcome, Condition, RecordName, RowWrite, Store, StoreError};
use tokio::task::JoinHandle;

use super::{
    Check, Env, Stop, ensure, ensure_eq,
    env::{absent, committed, creation, line, notice, update, write},
};

type Answer = JoinHandle<Result<CommitOutcome, StoreError>>;

fn spawn(store: &Arc<dyn Store>, commit: Commit) -> Answer {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.commit(commit).await })
}

/// How many of them were written.
async fn winners(tasks: Vec<Answer>) -> Result<usize, Stop> {
    let mut won = 0;
    for task in tasks {
        won += usize::from(matches!(task.await??, CommitOutcome::Committed { .. }));
    }
    Ok(won)
}

pub(super) async fn one_of_many_commits_on_a_version_wins(env: &mut Env) -> Check {
    for _ in 0..10 {
        let (id, sample) = env.created().await?;
        let mut tasks = Vec::new();
        for number in 0..64 {
            let sample = sample.clone().remark(&number.to_string(), env.now());
            tasks.push(spawn(&env.store, update(1, &sample)?));
        }
        ensure_eq!(winners(tasks).await?, 1, "how many of 64 commits on one version were written");
        ensure_eq!(env.stored(id).await?.version, 2, "the version afterwards");
        ensure_eq!(env.store.history(id).await?.len(), 2, "the number of lines afterwards");
    }
    Ok(())
}

pub(super) async fn the_losers_see_the_winner(env: &mut Env) -> Check {
    let (id, sample) = env.created().await?;
    let mut tasks = Vec::new();
    for number in 0..64 {
        let sample = sample.clone().remark(&number.to_string(), env.now());
        tasks.push(spawn(&env.store, update(1, &sample)?));
    }
    let mut seen = Vec::new();
    for task in tasks {
        if let CommitOutcome::Conflict(found) = task.await?? {
            seen.push(found);
        }
    }
    let winner = Some(env.stored(id).await?);
    ensure!(seen.iter().all(|found| *found == winner), "a loser is shown another request than the winner's");
    Ok(())
}

pub(super) async fn one_of_many_creations_with_a_key_wins(env: &mut Env) -> Check {
    for number in 0..10 {
        let key = format!("key-{number}");
        let mut tasks = Vec::new();
        for _ in 0..32 {
            tasks.push(spawn(&env.store, creation(&env.sample().1.key(&key))?));
        }
        ensure_eq!(winners(tasks).await?, 1, "how many of 32 creations with one key were written");
        ensure!(env.store.find(&key).await?.is_some(), "the key finds nothing afterwards");
    }
    Ok(())
}

pub(super) async fn no_count_is_lost(env: &mut Env) -> Check {
    let name = RecordName::new("count");
    env.write_record("count", b"0").await?;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let (store, name) = (Arc::clone(&env.store), name.clone());
        tasks.push(tokio::spawn(async move {
            let mut done = 0;
            while done < 20 {
                let Some(record) = store.record(&name).await? else { return Ok(()) };
                let count: u32 = String::from_utf8_lossy(&record.value).parse().unwrap_or(0);
                let swap = Commit {
                    conditions: vec![Condition::Version(name.clone(), record.version)],
                    writes: vec![write("count", (count + 1).to_string().as_bytes())],
                    ..Commit::default()
                };
                done += i32::from(matches!(store.commit(swap).await?, CommitOutcome::Committed { .. }));
            }
            Ok::<_, StoreError>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let record = env.store.record(&name).await?;
    let found = record.map(|r| (String::from_utf8_lossy(&r.value).into_owned(), r.version));
    ensure_eq!(found, Some(("160".to_owned(), 161)), "the count after 160 increments");
    Ok(())
}

pub(super) async fn commits_on_different_requests_do_not_disturb_each_other(env: &mut Env) -> Check {
    let mut tasks = Vec::new();
    for _ in 0..64 {
        let (id, sample) = env.sample();
        let commits = [creation(&sample)?, update(1, &sample)?, update(2, &sample)?, update(3, &sample)?];
        let store = Arc::clone(&env.store);
        tasks.push((
            id,
            tokio::spawn(async move {
                for commit in commits {
                    committed(store.commit(commit).await?)?;
                }
                Ok::<_, Stop>(())
            }),
        ));
    }
    for (id, task) in tasks {
        task.await??;
        ensure_eq!(env.stored(id).await?.version, 4, "the version after four commits");
        ensure_eq!(env.store.history(id).await?, (1..=4).map(line).collect::<Vec<_>>(), "the history");
    }
    Ok(())
}

pub(super) async fn a_condition_and_its_record_do_not_race(env: &mut Env) -> Check {
    // A halt is written between two commits that are refused under a halt: the second one must be refused.
    for round in 0..20 {
        let name = format!("halt-{round}");
        let mut tasks = Vec::new();
        for _ in 0..16 {
            let mut commit = creation(&env.sample().1)?;
            commit.conditions = vec![absent(&name)];
            tasks.push(spawn(&env.store, commit));
        }
        let halt = spawn(&env.store, Commit { writes: vec![write(&name, b"")], ..Commit::default() });
        committed(halt.await??)?;
        let mut late = creation(&env.sample().1)?;
        late.conditions = vec![absent(&name)];
        let outcome = env.store.commit(late).await?;
        ensure!(
            matches!(outcome, CommitOutcome::ConditionFailed { .. }),
            "a commit after a halt is answered by {outcome:.300?}"
        );
        winners(tasks).await?;
    }
    Ok(())
}

pub(super) async fn a_dropped_commit_is_whole_or_nothing(env: &mut Env) -> Check {
    for round in 0..100 {
        let (id, sample) = env.sample();
        let name = format!("dropped-{round}");
        let mut commit = creation(&sample)?;
        commit.notices = vec![notice(id, "mail", env.now())?];
        commit.writes = vec![write(&name, b"")];
        {
            let mut future = env.store.commit(commit);
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..round % 3 {
                if let Poll::Ready(outcome) = future.as_mut().poll(&mut context) {
                    committed(outcome?)?;
                    break;
                }
            }
        }
        // Later commits are answered after earlier ones, so this tells which of the two it was.
        let outcome = env.store.commit(creation(&sample)?).await?;
        let done = match outcome {
            CommitOutcome::Conflict(Some(_)) => 1,
            CommitOutcome::Committed { .. } => 0,
            other => return Err(Stop::Broken(format!("the answer to a creation is {other:?}"))),
        };
        let notices = env.store.notices(id).await?.len();
        let record = usize::from(env.store.record(&RecordName::new(&*name)).await?.is_some());
        ensure_eq!((notices, record), (done, done), "what a dropped commit left (notices, records)");
        ensure_eq!(env.store.history(id).await?.len(), 1, "the number of lines");
    }
    Ok(())
}

pub(super) async fn readers_see_whole_commits(env: &mut Env) -> Check {
    let (id, sample) = env.created().await?;
    let document = sample.document()?;
    let store = Arc::clone(&env.store);
    let writer = tokio::spawn(async move {
        for version in 1..100 {
            let row = RowWrite {
                expect: approval_core::store::Expect::Version(version),
                document: document.clone(),
            };
            let commit = Commit { row: Some(row), events: vec![line(version + 1)], ..Commit::default() };
            committed(store.commit(commit).await?)?;
        }
        Ok::<_, Stop>(())
    });
    let mut last = 0;
    while last < 100 {
        let version = env.stored(id).await?.version;
        let lines = env.store.history(id).await?.len() as u64;
        ensure!(version >= last, "version {version} is loaded after version {last}");
        ensure!(lines >= version, "version {version} is loaded, and then a history of {lines} lines");
        last = version;
        tokio::task::yield_now().await;
        if writer.is_finished() && last < 100 {
            ensure_eq!(env.stored(id).await?.version, 100, "the version after the last commit");
        }
    }
    writer.await??;
    Ok(())
}
