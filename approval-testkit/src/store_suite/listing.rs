//! Finding requests.

use approval_core::{
    clock::Span,
    id::RequestId,
    model::{ExecutionState, Status},
    store::{Order, Query},
};

use super::{
    Check, Env, Sample, Stop, ensure, ensure_eq,
    env::{committed, update},
    notices::owner,
};

async fn ids(env: &Env, query: &Query) -> Result<Vec<RequestId>, Stop> {
    Ok(env.store.list(query).await?.items.into_iter().map(|stored| stored.request.id).collect())
}

/// Every page of a query, from page to page.
async fn all_pages(env: &Env, mut query: Query) -> Result<Vec<RequestId>, Stop> {
    let mut all = Vec::new();
    loop {
        let page = env.store.list(&query).await?;
        ensure!(page.items.len() <= query.limit, "a page of {} has {}", query.limit, page.items.len());
        ensure!(page.next.is_none() || !page.items.is_empty(), "a page that is not the last has no requests");
        all.extend(page.items.iter().map(|stored| stored.request.id));
        ensure!(all.len() < 1000, "the pages have no end");
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(all),
        }
    }
}

async fn several(env: &Env, count: usize) -> Result<Vec<RequestId>, Stop> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(env.created().await?.0);
    }
    Ok(ids)
}

pub(super) async fn an_empty_store_lists_nothing(env: &mut Env) -> Check {
    let page = env.store.list(&Query::default()).await?;
    ensure!(page.items.is_empty() && page.next.is_none(), "an empty store lists {page:?}");
    Ok(())
}

pub(super) async fn a_list_is_in_the_order_of_opening(env: &mut Env) -> Check {
    let mut wanted = several(env, 20).await?;
    ensure_eq!(ids(env, &Query::default()).await?, wanted, "the list");
    wanted.reverse();
    let query = Query { order: Order::Descending, ..Query::default() };
    ensure_eq!(ids(env, &query).await?, wanted, "the list, newest first");
    Ok(())
}

pub(super) async fn pages_follow_each_other(env: &mut Env) -> Check {
    let mut wanted = several(env, 23).await?;
    for limit in [1, 5, 22, 23, 24] {
        let query = Query { limit, ..Query::default() };
        ensure_eq!(all_pages(env, query).await?, wanted, "the pages together");
    }
    wanted.reverse();
    for limit in [1, 7, 23] {
        let query = Query { limit, order: Order::Descending, ..Query::default() };
        ensure_eq!(all_pages(env, query).await?, wanted, "the pages together, newest first");
    }
    Ok(())
}

pub(super) async fn a_page_goes_on_after_any_id(env: &mut Env) -> Check {
    let first = several(env, 2).await?;
    let gap = env.id();
    let last = several(env, 2).await?;
    let after = Some(gap);
    ensure_eq!(
        ids(env, &Query { after, ..Query::default() }).await?,
        last,
        "what comes after an id not there"
    );
    let query = Query { after, order: Order::Descending, ..Query::default() };
    let down: Vec<RequestId> = first.into_iter().rev().collect();
    ensure_eq!(ids(env, &query).await?, down, "what comes before an id not there");
    Ok(())
}

pub(super) async fn a_list_shows_the_latest_state(env: &mut Env) -> Check {
    let (_, sample) = env.created().await?;
    let sample = sample.remark("new", env.now());
    committed(env.store.commit(update(1, &sample)?).await?)?;
    let items = env.store.list(&Query::default()).await?.items;
    let found: Vec<_> = items.iter().map(|stored| (stored.version, &*stored.request)).collect();
    let document = sample.document()?;
    ensure_eq!(found, vec![(2, &**document.request())], "the list");
    Ok(())
}

pub(super) async fn filters_select(env: &mut Env) -> Check {
    let executor = owner(7);
    let now = env.now();
    let change: [&(dyn Fn(Sample) -> Sample + Sync); 8] = [
        &|sample| sample,
        &|sample| sample.namespace("tenant"),
        &|sample| sample.action("mail.send"),
        &|sample| sample.requester("agent:other"),
        &|sample| sample.run("run-1"),
        &|sample| sample.status("rejected"),
        &Sample::unstarted,
        &|sample| sample.executing(executor, now),
    ];
    let mut made = Vec::new();
    for change in change {
        let (id, sample) = env.sample();
        env.create(id, &change(sample)).await?;
        made.push(id);
    }
    let queries = [
        (Query { namespace: Some("tenant".into()), ..Query::default() }, vec![1]),
        (
            Query { namespace: Some("default".into()), limit: 3, ..Query::default() },
            vec![0, 2, 3, 4, 5, 6, 7],
        ),
        (Query { action: Some("mail.send".into()), ..Query::default() }, vec![2]),
        (Query { action: Some("mail".into()), ..Query::default() }, vec![]),
        (Query { requester: Some("agent:other".into()), ..Query::default() }, vec![3]),
        (Query { run: Some("run-1".into()), ..Query::default() }, vec![4]),
        (Query { run: Some("%".into()), ..Query::default() }, vec![]),
        (Query { status: vec![Status::Rejected], ..Query::default() }, vec![5]),
        (Query { status: vec![Status::Pending], limit: 2, ..Query::default() }, vec![0, 1, 2, 3, 4]),
        (
            Query { status: vec![Status::Approved, Status::Rejected], limit: 1, ..Query::default() },
            vec![5, 6, 7],
        ),
        (Query { status: vec![Status::Expired, Status::InfoRequested], ..Query::default() }, vec![]),
        (Query { execution: vec![ExecutionState::NotStarted], ..Query::default() }, vec![6]),
        (
            Query {
                execution: vec![ExecutionState::Executing, ExecutionState::NotStarted],
                limit: 1,
                ..Query::default()
            },
            vec![6, 7],
        ),
        (Query { execution: vec![ExecutionState::Failed], ..Query::default() }, vec![]),
        (Query { executor: Some(executor), ..Query::default() }, vec![7]),
        (Query { executor: Some(owner(8)), ..Query::default() }, vec![]),
        (
            Query {
                status: vec![Status::Pending],
                action: Some("payments.refund".into()),
                run: Some("run-1".into()),
                ..Query::default()
            },
            vec![4],
        ),
        (
            Query { status: vec![Status::Rejected], action: Some("mail.send".into()), ..Query::default() },
            vec![],
        ),
    ];
    for (query, places) in queries {
        let mut wanted: Vec<RequestId> =
            places.iter().filter_map(|place| made.get(*place)).copied().collect();
        let shown = format!("{query:?}");
        let found = all_pages(env, query.clone()).await?;
        ensure!(found == wanted, "{shown} finds {found:?}, not {wanted:?}");
        wanted.reverse();
        let found = all_pages(env, Query { order: Order::Descending, ..query }).await?;
        ensure!(found == wanted, "newest first, {shown} finds {found:?}, not {wanted:?}");
    }
    Ok(())
}

pub(super) async fn filters_follow_changes(env: &mut Env) -> Check {
    let (id, sample) = env.created().await?;
    let states: [(Sample, Status, Option<ExecutionState>); 4] = [
        (sample.clone().status("info_requested"), Status::InfoRequested, None),
        (sample.clone().unstarted(), Status::Approved, Some(ExecutionState::NotStarted)),
        (sample.clone().executing(owner(1), env.now()), Status::Approved, Some(ExecutionState::Executing)),
        (sample.status("cancelled"), Status::Cancelled, None),
    ];
    for (version, (sample, status, execution)) in (1..).zip(states) {
        committed(env.store.commit(update(version, &sample)?).await?)?;
        for candidate in Status::ALL {
            let found = ids(env, &Query { status: vec![*candidate], ..Query::default() }).await?;
            let wanted = if *candidate == status { vec![id] } else { vec![] };
            ensure_eq!(found, wanted, "what a filter by status finds after a change");
        }
        for candidate in [ExecutionState::NotStarted, ExecutionState::Executing] {
            let found = ids(env, &Query { execution: vec![candidate], ..Query::default() }).await?;
            let wanted = if execution == Some(candidate) { vec![id] } else { vec![] };
            ensure_eq!(found, wanted, "what a filter by execution finds after a change");
        }
        let running = ids(env, &Query { executor: Some(owner(1)), ..Query::default() }).await?;
        let wanted = if execution == Some(ExecutionState::Executing) { vec![id] } else { vec![] };
        ensure_eq!(running, wanted, "what a filter by executor finds after a change");
    }
    Ok(())
}

pub(super) async fn the_time_of_opening_selects(env: &mut Env) -> Check {
    let mut made = Vec::new();
    for _ in 0..3 {
        env.clock.advance(Span::from_secs(1));
        made.push((env.created().await?.0, env.now()));
    }
    let [(a, _), (b, at), (c, _)] = made[..] else { return Ok(()) };
    let tick = Span::from_micros(1);
    for (from, before, wanted) in [
        (Some(at), None, vec![b, c]),
        (Some(at + tick), None, vec![c]),
        (None, Some(at), vec![a]),
        (None, Some(at + tick), vec![a, b]),
        (Some(at), Some(at), vec![]),
        (Some(at), Some(at + tick), vec![b]),
    ] {
        let query = Query { created_from: from, created_before: before, ..Query::default() };
        ensure_eq!(ids(env, &query).await?, wanted, "what was opened in that time");
    }
    Ok(())
}
