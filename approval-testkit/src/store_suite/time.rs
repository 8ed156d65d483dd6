//! Time bounds, and the store's own time.

use approval_core::{
    clock::{Span, Timestamp},
    store::Commit,
};

use super::{
    Check, Env, ensure, ensure_eq,
    env::{committed, creation, outside_time, update, write},
};

/// The shortest time that a store tells apart.
const TICK: Span = Span::from_micros(1);

fn bounds(not_before: Option<Timestamp>, not_after: Option<Timestamp>) -> Commit {
    Commit { not_before, not_after, writes: vec![write("touched", b"")], ..Commit::default() }
}

pub(super) async fn not_before_begins_at_its_moment(env: &mut Env) -> Check {
    let bound = env.seconds(10);
    env.clock.set(bound - TICK);
    let now = outside_time(env.store.commit(bounds(Some(bound), None)).await?)?;
    ensure_eq!(now, bound - TICK, "the time in the refusal");
    env.clock.set(bound);
    committed(env.store.commit(bounds(Some(bound), None)).await?)?;
    Ok(())
}

pub(super) async fn not_after_ends_at_its_moment(env: &mut Env) -> Check {
    let bound = env.seconds(10);
    env.clock.set(bound - TICK);
    committed(env.store.commit(bounds(None, Some(bound))).await?)?;
    env.clock.set(bound);
    let now = outside_time(env.store.commit(bounds(None, Some(bound))).await?)?;
    ensure_eq!(now, bound, "the time in the refusal");
    Ok(())
}

pub(super) async fn bounds_hold_for_requests(env: &mut Env) -> Check {
    let (_, sample) = env.sample();
    let mut late = creation(&sample)?;
    late.not_after = Some(env.now());
    outside_time(env.store.commit(late).await?)?;
    let (id, sample) = env.created().await?;
    let mut early = update(1, &sample)?;
    early.not_before = Some(env.seconds(1));
    outside_time(env.store.commit(early.clone()).await?)?;
    ensure_eq!(env.stored(id).await?.version, 1, "the version after a refusal");
    env.clock.advance(Span::from_secs(1));
    committed(env.store.commit(early).await?)?;
    Ok(())
}

pub(super) async fn a_commit_tells_the_time_of_the_write(env: &mut Env) -> Check {
    for _ in 0..3 {
        env.clock.advance(Span::from_millis(1500));
        ensure_eq!(env.store.now().await?, env.now(), "the store's time");
        let (at, _) = committed(env.store.commit(bounds(None, None)).await?)?;
        ensure_eq!(at, env.now(), "the time of the write");
    }
    Ok(())
}

pub(super) async fn time_never_goes_back(env: &mut Env) -> Check {
    let start = env.now();
    committed(env.store.commit(bounds(None, None)).await?)?;
    env.clock.set(start - Span::from_hours(1));
    ensure_eq!(env.store.now().await?, start, "the store's time with its clock set back");
    let (at, _) = committed(env.store.commit(bounds(None, None)).await?)?;
    ensure_eq!(at, start, "the time of a write with the clock set back");
    ensure!(env.store.now().await? >= at, "the store's time is before its last write");
    env.clock.set(start + Span::from_secs(1));
    ensure_eq!(env.store.now().await?, env.now(), "the store's time when the clock has caught up");
    Ok(())
}

pub(super) async fn a_clock_set_back_revives_nothing(env: &mut Env) -> Check {
    let deadline = env.seconds(60);
    env.clock.set(deadline);
    outside_time(env.store.commit(bounds(None, Some(deadline))).await?)?;
    env.clock.set(deadline - Span::from_secs(30));
    outside_time(env.store.commit(bounds(None, Some(deadline))).await?)?;
    Ok(())
}

pub(super) async fn time_never_goes_back_over_a_restart(env: &mut Env) -> Check {
    let start = env.now();
    let (at, _) = committed(env.store.commit(bounds(None, None)).await?)?;
    env.clock.set(start - Span::from_hours(24));
    env.reopen().await?;
    ensure_eq!(env.store.now().await?, at, "the store's time after a restart with the clock set back");
    let (later, _) = committed(env.store.commit(bounds(None, None)).await?)?;
    ensure!(later >= at, "a write after a restart is dated {later}, before the one at {at}");
    outside_time(env.store.commit(bounds(None, Some(at))).await?)?;
    Ok(())
}
