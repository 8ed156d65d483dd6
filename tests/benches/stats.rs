//! Figures over a million requests on SQLite, broken down by everything, beside a count of the statuses in SQL over the
//! same file. Before each answer a few more requests were decided.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use approval_core::{
    SystemClock,
    clock::{Clock, Span, Timestamp, after},
    model::{Priority, Risk, StatsQuery},
    store::Store,
};
use approval_store::SqliteStore;
use approval_tests::{
    bench::{
        load::runtime,
        mode::sized,
        pairs::{median_seconds, timed},
        sqlite,
        table::{CASES, Row, thousands},
    },
    matters::{Ended, Matter},
    random::Random,
};
use rusqlite::Connection;

/// Answers of which the median is taken.
const ANSWERS: u64 = 21;
/// Requests that are decided between two answers.
const BETWEEN: u64 = 100;
/// Requests that are written at a time.
const TOGETHER: usize = 4096;
/// How many actions, agents and people there are.
const ACTIONS: u64 = 20;
const AGENTS: u64 = 50;
const PEOPLE: u64 = 30;

fn main() {
    let count = sized(1_000_000, 500);
    let folder = sqlite::folder();
    let file = folder.path().join("store.db");
    let runtime = runtime();
    let store = SqliteStore::open(&file).expect("a store");
    let mut random = Random::new(1);
    runtime.block_on(fill(&store, &mut random, count, Span::from_hours(365 * 24)));
    let query = StatsQuery::in_full();
    let (first, looked) = timed(|| runtime.block_on(store.stats(&query)).expect("figures"));
    println!("first look at all of them: {:.1} s", looked.as_secs_f64());
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    let mut last = first;
    for _ in 0..ANSWERS {
        runtime.block_on(fill(&store, &mut random, BETWEEN, Span::from_mins(1)));
        let (stats, took) = timed(|| runtime.block_on(store.stats(&query)).expect("figures"));
        ours.push(took);
        let (rows, took) = count_in_sql(&file);
        bare.push(took);
        assert_eq!(stats.total.pending + stats.total.decided(), rows, "all are counted");
        last = stats;
    }
    let groups = last.by_action.len() + last.by_agent.len() + last.by_approver.len();
    println!("{} requests, {groups} groups", thousands(count as f64));
    report(median_seconds(&ours), median_seconds(&bare));
}

fn report(ours: f64, bare: f64) {
    Row {
        case: CASES[13].to_owned(),
        ours: format!("{:.0} ms", ours * 1e3),
        bare: format!("{:.0} ms", bare * 1e3),
        ratio: format!("{:.2}x", ours / bare),
        goal: "at most 100 ms".to_owned(),
        met: ours <= 0.1,
    }
    .report();
}

/// Requests opened one after another since `ago`: one in ten is pending, most of the others were approved.
async fn fill(store: &SqliteStore, random: &mut Random, count: u64, ago: Span) {
    let begin = after(SystemClock.now(), -ago);
    let step = ago / i32::try_from(count).expect("a small number");
    let moments: Vec<Timestamp> =
        std::iter::successors(Some(begin), |at| Some(after(*at, step))).take(count as usize).collect();
    for some in moments.chunks(TOGETHER) {
        let matters: Vec<Matter> = some.iter().map(|at| matter(random, *at)).collect();
        let commits = matters.iter().map(|matter| store.commit(matter.commit()));
        for outcome in futures_util::future::join_all(commits).await {
            outcome.expect("it is written");
        }
    }
}

fn matter(random: &mut Random, at: Timestamp) -> Matter {
    let mut matter = Matter::random(random, at, ACTIONS, AGENTS);
    // An action has one risk; its priority is raised now and then.
    let kind = matter.action.len() + usize::from(matter.action.ends_with(['1', '3', '7']));
    matter.risk = Risk::ALL[kind % Risk::ALL.len()];
    if random.chance(90) {
        matter.priority = Priority::ALL[kind % Priority::ALL.len()];
    }
    let end = match random.below(100) {
        0..10 => return matter,
        10..70 => Ended::Approved,
        70..85 => Ended::Rejected,
        85..95 => Ended::Expired,
        _ => Ended::ByStanding,
    };
    matter.end(random, end, Span::from_hours(24), PEOPLE);
    matter
}

/// What the same question costs without us, if it asked for nothing but statuses: a walk along the index.
fn count_in_sql(file: &Path) -> (u64, Duration) {
    let file = Connection::open(file).expect("the file");
    let mut statement =
        file.prepare("SELECT status, count(*) FROM requests GROUP BY status").expect("a statement");
    let begin = now();
    let rows = statement.query_map([], |row| row.get::<_, u32>(1)).expect("rows");
    (rows.map(|row| u64::from(row.expect("a count"))).sum(), begin.elapsed())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}
