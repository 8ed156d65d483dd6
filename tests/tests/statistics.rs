//! The figures of every store agree with a naive count, however the requests came to be as they are.
//!
//! 40 histories of a store; 3,000 when `APPROVALS_FULL` is set. `APPROVALS_SEED` repeats what is tried.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::{collections::BTreeMap, path::Path, sync::Arc};

use approval_core::{
    clock::{Span, Timestamp, after},
    model::{Ballots, Dimension, Figures, Percentiles, Priority, Risk, Stats, StatsQuery, Text},
    store::{CommitOutcome, MemoryStore, Removal, Store},
};
use approval_store::SqliteStore;
use approval_tests::{
    matters::{ENDS, Ended, Matter, Voted},
    random::{Random, full, seed},
};

/// The nearest rank, as it is defined.
fn percentiles(mut times: Vec<Span>) -> Option<Percentiles> {
    times.sort_unstable();
    let least = |percent: usize| {
        times.iter().copied().find(|time| {
            let not_above = times.partition_point(|other| other <= time);
            not_above * 100 >= percent * times.len()
        })
    };
    Some(Percentiles { p50: least(50)?, p90: least(90)?, p99: least(99)? })
}

fn waited(matter: &Matter, at: Timestamp) -> Span {
    at.duration_since(matter.begins_at.unwrap_or(matter.created_at)).max(Span::ZERO)
}

fn figures(matters: &[&Matter], query: &StatsQuery) -> Figures {
    let mut figures = Figures::default();
    let mut times = Vec::new();
    for matter in matters {
        let Some((end, at)) = matter.end else {
            figures.pending += 1;
            continue;
        };
        if query.decided_from.is_some_and(|from| at < from)
            || query.decided_before.is_some_and(|before| at >= before)
        {
            continue;
        }
        match end {
            Ended::Approved => figures.approved += 1,
            Ended::Rejected => figures.rejected += 1,
            Ended::Expired => figures.expired += 1,
            Ended::ByTimeout => figures.approved_by_timeout += 1,
            Ended::Cancelled => figures.cancelled += 1,
            Ended::ByStanding | Ended::ByPolicy => figures.unasked += 1,
        }
        if matches!(end, Ended::Approved | Ended::Rejected) {
            times.push(waited(matter, at));
        }
    }
    figures.time_to_decision = percentiles(times);
    figures
}

fn ballots(votes: &[(&Matter, &Voted)]) -> Ballots {
    let count = |ballot| votes.iter().filter(|(_, vote)| vote.ballot == ballot).count() as u64;
    let mut ballots = Ballots::default();
    ballots.approvals = count("approve");
    ballots.rejections = count("reject");
    ballots.answers = count("answer");
    ballots.time_to_vote = percentiles(votes.iter().map(|(matter, vote)| waited(matter, vote.at)).collect());
    ballots
}

/// Groups by a key, and counts each; groups of which nothing was counted are left out.
fn grouped<T: Copy, K: Ord, F: PartialEq + Default>(
    all: &[T],
    key: impl Fn(T) -> K,
    count: impl Fn(&[T]) -> F,
) -> BTreeMap<K, F> {
    let mut groups: BTreeMap<K, Vec<T>> = BTreeMap::new();
    for one in all {
        groups.entry(key(*one)).or_default().push(*one);
    }
    let counted = groups.into_iter().map(|(key, group)| (key, count(&group)));
    counted.filter(|(_, figures)| *figures != F::default()).collect()
}

fn naive<'a>(matters: impl Iterator<Item = &'a Matter>, query: &StatsQuery) -> Stats {
    let is = |wanted: Option<&Text>, found: &str| wanted.is_none_or(|wanted| &**wanted == found);
    let wanted = |matter: &&Matter| {
        is(query.namespace.as_ref(), matter.namespace)
            && is(query.action.as_ref(), &matter.action)
            && is(query.agent.as_ref(), &matter.agent)
            && query.risk.is_none_or(|risk| risk == matter.risk)
            && query.priority.is_none_or(|priority| priority == matter.priority)
    };
    let matters: Vec<&Matter> = matters.filter(wanted).collect();
    let in_range = |at: Timestamp| {
        query.decided_from.is_none_or(|from| at >= from)
            && query.decided_before.is_none_or(|before| at < before)
    };
    let decided = matters.iter().filter(|matter| matter.end.is_some_and(|(_, at)| in_range(at)));
    let of = |matter: &&'a Matter| {
        let matter = *matter;
        matter.votes.iter().filter(|vote| !vote.void).map(move |vote| (matter, vote))
    };
    let votes: Vec<(&Matter, &Voted)> = decided.flat_map(of).collect();
    let mut stats = Stats::default();
    stats.total = figures(&matters, query);
    stats.votes = ballots(&votes);
    let counted = |group: &[&Matter]| figures(group, query);
    for dimension in &query.by {
        match dimension {
            Dimension::Action => {
                stats.by_action = grouped(&matters, |matter| Text::from(&*matter.action), counted);
            }
            Dimension::Agent => {
                stats.by_agent = grouped(&matters, |matter| Text::from(&*matter.agent), counted);
            }
            Dimension::Risk => stats.by_risk = grouped(&matters, |matter| matter.risk, counted),
            Dimension::Priority => stats.by_priority = grouped(&matters, |matter| matter.priority, counted),
            Dimension::Approver => {
                stats.by_approver = grouped(&votes, |(_, vote)| Text::from(&*vote.by), ballots);
            }
            Dimension::Channel => {
                stats.by_channel =
                    grouped(&votes, |(_, vote)| Text::from(vote.via.unwrap_or_default()), ballots);
            }
        }
    }
    stats
}

fn begin() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().unwrap()
}

fn moment(random: &mut Random) -> Timestamp {
    after(begin(), Span::from_secs(random.below(20_000).try_into().unwrap()))
}

fn query(random: &mut Random) -> StatsQuery {
    let mut query = StatsQuery::in_full();
    query.by.retain(|_| random.chance(80));
    query.decided_from = random.chance(40).then(|| moment(random));
    query.decided_before = random.chance(40).then(|| moment(random));
    query.namespace = random.chance(20).then(|| "other".into());
    query.action = random.chance(20).then(|| "bench.action_1".into());
    query.agent = random.chance(20).then(|| "agent:worker-1".into());
    query.risk = random.chance(20).then(|| *random.one(Risk::ALL));
    query.priority = random.chance(20).then(|| *random.one(Priority::ALL));
    query
}

async fn written(store: &dyn Store, matter: &mut Matter) {
    let outcome = store.commit(matter.commit()).await.unwrap();
    assert!(matches!(outcome, CommitOutcome::Committed { .. }), "{outcome:?}");
    matter.version += 1;
}

/// One history of a store. `open` opens another store on the same data; `counts_removed` says whether what was removed
/// stays counted.
async fn history(random: &mut Random, open: impl Fn() -> Arc<dyn Store>, counts_removed: bool) {
    let mut stores = [open(), open()];
    let (mut matters, mut removed): (Vec<Matter>, Vec<Matter>) = (Vec::new(), Vec::new());
    for _ in 0..20 + random.below(200) {
        let place = usize::try_from(random.below(2)).unwrap();
        let store = Arc::clone(&stores[place]);
        match random.below(100) {
            0..40 => {
                let at = moment(random);
                let mut matter = Matter::random(random, at, 3, 3);
                if random.chance(20) {
                    matter.end(random, *random.clone().one(&ENDS), Span::from_secs(8000), 3);
                }
                written(&*store, &mut matter).await;
                matters.push(matter);
            }
            40..75 if !matters.is_empty() => {
                let count = matters.len() as u64;
                let matter = &mut matters[usize::try_from(random.below(count)).unwrap()];
                // What is decided may still change: it is run, for one thing.
                if matter.end.is_none() {
                    if random.chance(60) {
                        matter.end(random, *random.clone().one(&ENDS), Span::from_secs(8000), 3);
                    } else {
                        matter.priority = *random.one(Priority::ALL);
                    }
                }
                written(&*store, matter).await;
            }
            75..80 if !matters.is_empty() => {
                let count = matters.len() as u64;
                let matter = matters.swap_remove(usize::try_from(random.below(count)).unwrap());
                let removal = Removal { request: matter.id, version: matter.version };
                let outcome = store.remove(removal).await.unwrap();
                assert!(matches!(outcome, CommitOutcome::Committed { .. }), "{outcome:?}");
                removed.push(matter);
            }
            80..85 => stores[place] = open(),
            _ => {
                let query = query(random);
                // What was open when it was removed is neither pending nor decided.
                let gone = removed.iter().filter(|matter| counts_removed && matter.end.is_some());
                let expected = naive(matters.iter().chain(gone), &query);
                assert_eq!(store.stats(&query).await.unwrap(), expected, "{query:?}");
            }
        }
    }
}

fn histories() -> u64 {
    if full() { 3000 } else { 40 }
}

#[tokio::test]
async fn figures_of_a_store_in_memory_agree_with_a_naive_count() {
    let random = Random::new(seed("figures in memory"));
    for part in 0..histories() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        history(&mut random.part(part), || Arc::clone(&store), false).await;
    }
}

#[tokio::test]
async fn figures_of_stores_on_one_sqlite_file_agree_with_a_naive_count() {
    let random = Random::new(seed("figures on SQLite"));
    for part in 0..histories() {
        let folder = tempfile::tempdir().unwrap();
        let file: &Path = &folder.path().join("approvals.db");
        let open = || Arc::new(SqliteStore::open(file).unwrap()) as Arc<dyn Store>;
        history(&mut random.part(part), open, true).await;
    }
}

/// More than one step of looking, and more than one row of facts, with a range that cuts rows.
#[tokio::test]
async fn figures_of_many_agree_with_a_naive_count() {
    const COUNT: usize = 6000;
    let random = &mut Random::new(seed("figures of many"));
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("approvals.db")).unwrap();
    let mut matters = Vec::new();
    for _ in 0..COUNT {
        let at = moment(random);
        let mut matter = Matter::random(random, at, 20, 50);
        if random.chance(90) {
            matter.end(random, *random.clone().one(&ENDS), Span::from_secs(8000), 20);
        }
        matters.push(matter);
    }
    let commits = matters.iter().map(|matter| store.commit(matter.commit()));
    for outcome in futures_util::future::join_all(commits).await {
        assert!(matches!(outcome.unwrap(), CommitOutcome::Committed { .. }));
    }
    for _ in 0..8 {
        let query = query(random);
        assert_eq!(store.stats(&query).await.unwrap(), naive(matters.iter(), &query), "{query:?}");
    }
}
