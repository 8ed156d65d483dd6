//! In which order a commit is checked.

use approval_core::store::{Commit, CommitOutcome};

use super::{
    Check, Env, ensure,
    env::{absent, conflict, creation, line, outside_time, update},
};

/// Makes a commit fail by its time and by a condition too.
async fn spoil(env: &Env, mut commit: Commit) -> Result<Commit, super::Stop> {
    env.write_record("taken", b"x").await?;
    commit.not_after = Some(env.seconds(-1));
    commit.conditions = vec![absent("taken")];
    Ok(commit)
}

pub(super) async fn the_version_is_checked_first(env: &mut Env) -> Check {
    let (_, sample) = env.created().await?;
    let mut stale = update(7, &sample)?;
    stale.events = vec![line(2)];
    conflict(env.store.commit(spoil(env, stale).await?).await?)?;
    let mut again = creation(&sample)?;
    again.events = vec![line(2)];
    conflict(env.store.commit(spoil(env, again).await?).await?)?;
    Ok(())
}

pub(super) async fn the_key_is_checked_before_the_time(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    env.create(id, &sample.key("one")).await?;
    let (_, sample) = env.sample();
    let outcome = env.store.commit(spoil(env, creation(&sample.key("one"))?).await?).await?;
    ensure!(matches!(outcome, CommitOutcome::KeyTaken(_)), "a taken key is answered by {outcome:?}");
    Ok(())
}

pub(super) async fn the_time_is_checked_before_conditions(env: &mut Env) -> Check {
    let (_, sample) = env.created().await?;
    outside_time(env.store.commit(spoil(env, update(1, &sample)?).await?).await?)?;
    outside_time(env.store.commit(spoil(env, Commit::default()).await?).await?)?;
    Ok(())
}
