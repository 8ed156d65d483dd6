//! How long a start takes with many pending requests, some of them past due: from opening the file until those are
//! expired and a first vote is acknowledged. Once with a million, once with ten thousand, in turns.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use approval_core::{
    ActionSpec, Clock, RequestId, SystemClock,
    clock::{Span, Timestamp, after},
    model::{Ballot, Principal, Status},
    store::{Change, ChangeListener, Store},
};
use approval_store::SqliteStore;
use approval_tests::bench::{
    load::runtime,
    mode::{self, sized},
    ours::{self, APPROVER, arguments, call},
    pairs::{median, median_seconds},
    sqlite,
    table::{CASES, Row, thousands},
};
use async_trait::async_trait;
use tokio::sync::Notify;

/// Starts on each file. Before each, so many more requests have come to be past due.
const STARTS: u32 = 3;
/// Requests that are opened at a time.
const IN_FLIGHT: u32 = 256;

/// The system's clock, some time ahead.
#[derive(Clone, Copy, Debug)]
struct Ahead(Span);

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        after(SystemClock.now(), self.0)
    }

    async fn sleep_until(&self, at: Timestamp) {
        SystemClock.sleep_until(at.checked_sub(self.0).unwrap_or(at)).await;
    }
}

fn main() {
    let past_due = sized(1000, 20);
    let count = u32::try_from(mode::pending(sized(1_000_000, 200))).expect("a small number");
    let few = sized(10_000, 100);
    let runtime = runtime();
    let (large, small) = (sqlite::folder(), sqlite::folder());
    let files = [(large.path().join("large.db"), count), (small.path().join("small.db"), few)];
    let votes = files.clone().map(|(file, count)| runtime.block_on(fill(&file, count, past_due)));
    let mut took = [Vec::new(), Vec::new()];
    for turn in 1..=STARTS {
        for (place, (file, _)) in files.iter().enumerate() {
            let vote = votes[place][turn as usize];
            took[place].push(runtime.block_on(start(file, turn, past_due, vote)));
        }
    }
    report(count, past_due, &took);
}

fn report(count: u32, past_due: u32, took: &[Vec<Duration>; 2]) {
    let ratios = took[0].iter().zip(&took[1]).map(|(large, small)| large.as_secs_f64() / small.as_secs_f64());
    let ratio = median(ratios).unwrap_or_default();
    let (large, small) = (median_seconds(&took[0]), median_seconds(&took[1]));
    println!("{} pending, {past_due} past due", thousands(f64::from(count)));
    let row = |case: usize, ratio: String, goal: &str, met| Row {
        case: CASES[case].to_owned(),
        ours: format!("{large:.2} s"),
        bare: format!("{small:.2} s with 10,000"),
        ratio,
        goal: goal.to_owned(),
        met,
    };
    row(7, "-".to_owned(), "at most 4 s", large <= 4.0).report();
    row(8, format!("{ratio:.2}x"), "at most 1.2x", ratio <= 1.2).report();
}

/// How far the clock is ahead at a start: an hour more each time, so that those of that hour are past due.
fn ahead(turn: u32) -> Span {
    Span::from_hours(i64::from(turn)) + Span::from_mins(30)
}

/// Fills a file: for each start `past_due` requests that will be past due then, the others with much time. Gives some of
/// the latter to vote on.
async fn fill(file: &Path, count: u32, past_due: u32) -> Vec<RequestId> {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(file).expect("a store"));
    let manager = ours::manager(Arc::clone(&store));
    let mut opening = tokio::task::JoinSet::new();
    for place in 0..IN_FLIGHT {
        let manager = manager.clone();
        opening.spawn(async move {
            let arguments = arguments();
            let mut last = None;
            for number in (place..count).step_by(IN_FLIGHT as usize) {
                let cohort = number / past_due + 1;
                let hours = if cohort <= STARTS { cohort } else { 24 * 365 };
                let spec = spec(Span::from_hours(i64::from(hours)));
                let pending = manager.request(call(&spec, &arguments)).await.expect("it is opened");
                last = (cohort > STARTS).then(|| pending.detach()).or(last);
            }
            last
        });
    }
    let mut kept = Vec::new();
    while let Some(opened) = opening.join_next().await {
        kept.extend(opened.expect("all are opened"));
    }
    ours::outbox_empty(&store).await;
    manager.shutdown().await.expect("everything is written");
    drop(manager);
    store.close().await.expect("the file is closed");
    kept
}

fn spec(timeout: Span) -> Arc<ActionSpec> {
    let spec = ActionSpec::new("payments.refund").expect("a name").timeout(timeout);
    Arc::new(spec.approvers([APPROVER]).expect("a person"))
}

/// Starts, waits until those past due are expired and a vote is acknowledged, and stops.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn start(file: &PathBuf, turn: u32, past_due: u32, vote: RequestId) -> Duration {
    let clock: Arc<dyn Clock> = Arc::new(Ahead(ahead(turn)));
    let begin = Instant::now();
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::builder(file).clock(Arc::clone(&clock)).open().expect("a store"));
    let expired = Expired::of(past_due, &*store);
    let manager = ours::manager_on(Arc::clone(&store), clock);
    let decider = manager.decider("bench");
    let seen = decider.get(vote).await.expect("it is there");
    let approver = Principal::new(APPROVER).expect("a person");
    decider.vote(vote, &approver, seen.revision.digest, Ballot::Approve, None).await.expect("it counts");
    expired.all().await;
    let took = begin.elapsed();
    manager.shutdown().await.expect("everything is written");
    drop(manager);
    store.close().await.expect("the file is closed");
    took
}

/// Counts the requests that expire, as the store tells of them.
struct Expired {
    left: AtomicUsize,
    all: Notify,
}

impl Expired {
    fn of(count: u32, store: &dyn Store) -> Arc<Self> {
        let left = AtomicUsize::new(usize::try_from(count).expect("a small number"));
        let expired = Arc::new(Self { left, all: Notify::new() });
        let listener: Arc<dyn ChangeListener> = Arc::clone(&expired) as _;
        store.subscribe(Arc::downgrade(&listener));
        expired
    }

    async fn all(&self) {
        self.all.notified().await;
    }
}

impl ChangeListener for Expired {
    fn changed(&self, changes: &[Change]) {
        for change in changes {
            if let Change::Request { stored: Some(stored), .. } = change
                && stored.request.status == Status::Expired
                && self.left.fetch_sub(1, Ordering::Relaxed) == 1
            {
                self.all.notify_one();
            }
        }
    }
}
