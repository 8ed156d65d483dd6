//! What must happen by itself.

use approval_core::{
    clock::{Span, Timestamp},
    id::RequestId,
};

use super::{
    Check, Env, Sample, Stop, ensure, ensure_eq,
    env::{committed, update},
};

async fn due(env: &Env, limit: usize) -> Result<(Vec<RequestId>, Option<Timestamp>), Stop> {
    let due = env.store.due("default", limit).await?;
    Ok((due.items.into_iter().map(|stored| stored.request.id).collect(), due.next))
}

/// A request that is due then. The columns of a request say when that is, so they are asked.
async fn due_at(env: &Env, at: Timestamp) -> Result<(RequestId, Sample), Stop> {
    let (id, sample) = env.sample();
    let sample = sample.deadline(Some(at));
    ensure_eq!(sample.document()?.index().due_at, Some(at), "the due time of a request by its deadline");
    env.create(id, &sample).await?;
    Ok((id, sample))
}

pub(super) async fn nothing_is_due_without_a_due_time(env: &mut Env) -> Check {
    ensure_eq!(due(env, 10).await?, (vec![], None), "what is due in an empty store");
    let (id, sample) = env.sample();
    env.create(id, &sample.deadline(None)).await?;
    env.clock.advance(Span::from_hours(24 * 365));
    ensure_eq!(due(env, 10).await?, (vec![], None), "what is due");
    Ok(())
}

pub(super) async fn a_request_is_due_from_its_moment_on(env: &mut Env) -> Check {
    let at = env.seconds(60);
    let (id, _) = due_at(env, at).await?;
    ensure_eq!(due(env, 10).await?, (vec![], Some(at)), "what is due long before");
    env.clock.set(at - Span::from_micros(1));
    ensure_eq!(due(env, 10).await?, (vec![], Some(at)), "what is due just before");
    env.clock.set(at);
    ensure_eq!(due(env, 10).await?, (vec![id], None), "what is due at the moment");
    env.clock.advance(Span::from_hours(1));
    ensure_eq!(due(env, 10).await?, (vec![id], None), "what is due later");
    env.clock.set(at - Span::from_secs(30));
    ensure_eq!(due(env, 10).await?, (vec![id], None), "what is due with the clock set back");
    Ok(())
}

pub(super) async fn the_longest_due_comes_first(env: &mut Env) -> Check {
    let mut all = Vec::new();
    for seconds in [50, 10, 40, 20, 30, 90, 100] {
        let at = env.seconds(seconds);
        all.push((at, due_at(env, at).await?.0));
    }
    all.sort_unstable();
    env.clock.advance(Span::from_secs(60));
    let wanted: Vec<RequestId> = all.iter().take(5).map(|(_, id)| *id).collect();
    ensure_eq!(due(env, 10).await?, (wanted, all.get(5).map(|(at, _)| *at)), "what is due");
    Ok(())
}

pub(super) async fn the_limit_cuts_what_is_due(env: &mut Env) -> Check {
    let mut all = Vec::new();
    for seconds in 1..=10 {
        let at = env.seconds(seconds);
        all.push((at, due_at(env, at).await?.0));
    }
    env.clock.advance(Span::from_secs(60));
    for limit in [1, 4, 9] {
        let (found, next) = due(env, limit).await?;
        let wanted: Vec<RequestId> = all.iter().take(limit).map(|(_, id)| *id).collect();
        ensure_eq!(found, wanted, "what is due");
        ensure_eq!(next, all.get(limit).map(|(at, _)| *at), "when the next is due after a cut");
    }
    ensure_eq!(due(env, 10).await?.1, None, "when the next is due after the last");
    Ok(())
}

pub(super) async fn the_due_time_follows_changes(env: &mut Env) -> Check {
    let (first, later) = (env.seconds(60), env.seconds(120));
    let (id, sample) = due_at(env, first).await?;
    env.clock.set(first);
    let sample = sample.deadline(Some(later));
    committed(env.store.commit(update(1, &sample)?).await?)?;
    ensure_eq!(due(env, 10).await?, (vec![], Some(later)), "what is due after the moment was moved");
    env.clock.set(later);
    let items = env.store.due("default", 10).await?.items;
    ensure_eq!(
        items.iter().map(|s| (s.request.id, s.version)).collect::<Vec<_>>(),
        vec![(id, 2)],
        "what is due"
    );
    committed(env.store.commit(update(2, &sample.deadline(None))?).await?)?;
    ensure_eq!(due(env, 10).await?, (vec![], None), "what is due after the moment was taken away");
    Ok(())
}

pub(super) async fn many_may_be_due_at_one_moment(env: &mut Env) -> Check {
    let at = env.seconds(1);
    let mut wanted = Vec::new();
    for _ in 0..50 {
        wanted.push(due_at(env, at).await?.0);
    }
    env.clock.set(at);
    let (mut found, next) = due(env, 50).await?;
    found.sort_unstable();
    ensure_eq!(found, wanted, "what is due");
    ensure_eq!(next, None, "when the next is due");
    let (found, next) = due(env, 49).await?;
    ensure!(found.len() == 49 && next == Some(at), "a limit of 49 gives {} and {next:?}", found.len());
    Ok(())
}

pub(super) async fn due_requests_of_other_namespaces_starve_nobody(env: &mut Env) -> Check {
    for seconds in 1..=300 {
        let (id, sample) = env.sample();
        let namespace = if seconds % 2 == 0 { "other" } else { "default/" };
        env.create(id, &sample.namespace(namespace).deadline(Some(env.seconds(seconds)))).await?;
    }
    let (first, second) = (env.seconds(400), env.seconds(500));
    let (id, _) = due_at(env, first).await?;
    due_at(env, second).await?;
    ensure_eq!(due(env, 10).await?, (vec![], Some(first)), "what is due before its time");
    env.clock.set(first);
    ensure_eq!(due(env, 1).await?, (vec![id], Some(second)), "what is due behind 300 of other namespaces");
    ensure_eq!(due(env, 10).await?, (vec![id], Some(second)), "what is due");
    let others = env.store.due("other", 1000).await?;
    ensure_eq!((others.items.len(), others.next), (150, None), "what is due in another namespace");
    let nobody = env.store.due("Default", 10).await?;
    ensure_eq!((nobody.items.len(), nobody.next), (0, None), "what is due in an unused namespace");
    Ok(())
}
