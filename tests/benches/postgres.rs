//! Whole approvals on PostgreSQL, in one process and in two, and what waiting costs the server: ours and bare code in
//! turns, on one server, each measurement in a fresh database.

use std::{sync::Arc, time::Duration};

use approval_core::id::RequestId;
use approval_test_cluster::{Cluster, Database};
use approval_tests::bench::{
    bare_postgres::{self, BarePostgres, TOPIC},
    load::{self, Approvals, runtime},
    mode::sized,
    other::{self, Other},
    ours::Ours,
    pairs::{Pair, Pairs, median_seconds, timed},
    postgres, processor,
    sample::Sample,
    statements_postgres::StatementsPostgres,
    table::{CASES, Goal, Row},
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_postgres::Client;
use uuid::Uuid;

/// How long the one who decides thinks about it, at least: whoever waits has gone to sleep by then.
const THINKING: Duration = Duration::from_millis(1);

fn main() {
    if let Some(told) = other::told() {
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        return runtime().block_on(child(&told));
    }
    let wanted = |name: &str| {
        let names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
        names.is_empty() || names.iter().any(|one| one == name)
    };
    let cluster = postgres::cluster();
    let sampled = cluster.database().expect("a database");
    runtime().block_on(postgres::sample(sampled.url()));
    let bench = Bench { cluster, sampled };
    if wanted("one") {
        bench.one_process();
    }
    if wanted("two") {
        bench.two_processes();
    }
    if wanted("latency") {
        bench.latency();
    }
    if wanted("waiting") {
        bench.waiting();
    }
}

struct Bench {
    cluster: Cluster,
    /// Holds what ours writes for one approval.
    sampled: Database,
}

impl Bench {
    /// A database with tables for this side.
    fn database(&self, side: &str) -> Database {
        let database = self.cluster.database().expect("a database");
        if side == "ours" {
            runtime().block_on(async { postgres::ours(database.url()).await.stop().await });
        } else {
            runtime().block_on(bare_postgres::make_tables(database.url()));
        }
        database
    }

    /// Seconds for one approval, when so many processes have so many in flight each.
    fn rate(&self, side: &str, processes: u32, in_flight: u32, count: u32) -> f64 {
        let database = self.database(side);
        let (in_flight, share) = (in_flight.to_string(), (count / processes).to_string());
        let arguments = ["load", side, database.url(), self.sampled.url(), &in_flight, &share];
        let mut others: Vec<_> = (0..processes).map(|_| Other::start(&arguments)).collect();
        others.iter_mut().for_each(|other| assert_eq!(other.line(), "ready"));
        let runtime = runtime();
        let client = runtime.block_on(postgres::connect(database.url()));
        let server = || processor::used_by_children_of(self.cluster.pid().expect("the server runs"));
        let before = server();
        let (said, took) = timed(|| {
            others.iter_mut().for_each(Other::go);
            let said: Vec<_> = others.iter_mut().map(Other::line).collect();
            runtime.block_on(delivered(&client));
            said
        });
        let (server, said) = (server() - before, said.join(", "));
        println!(
            "{side}, {processes} x {in_flight} in flight: {count} in {took:.2?}; processor: clients {said}, server {server:.2?}"
        );
        took.as_secs_f64() / f64::from(count)
    }

    fn one_process(&self) {
        let (batches, statements) = (Pairs::default(), Pairs::default());
        for turn in 0..sized(7, 1) {
            let ours = || self.rate("ours", 1, 64, sized(10_000, 128));
            let bare = || self.rate("bare", 1, 64, sized(10_000, 128));
            let (ours, bare) = in_turns(turn, ours, bare);
            batches.add(Pair { ours, bare });
            let bare = self.rate("statements", 1, 64, sized(3_000, 128));
            statements.add(Pair { ours, bare });
        }
        report(14, &batches, Goal::RateAtLeast(0.75));
        report(15, &statements, Goal::RateAtLeast(4.0));
    }

    fn two_processes(&self) {
        let pairs = Pairs::default();
        for turn in 0..sized(5, 1) {
            let ours = || self.rate("ours", 2, sized(512, 64), sized(40_000, 256));
            let bare = || self.rate("bare", 2, sized(512, 64), sized(40_000, 256));
            let (ours, bare) = in_turns(turn, ours, bare);
            pairs.add(Pair { ours, bare });
        }
        report(16, &pairs, Goal::RateAtLeast(0.65));
    }

    fn latency(&self) {
        let pairs = Pairs::default();
        for turn in 0..sized(7, 1) {
            let (ours, bare) = in_turns(turn, || self.awake("ours"), || self.awake("bare"));
            println!("decision to awake: ours {:.0} us, bare {:.0} us", ours * 1e6, bare * 1e6);
            pairs.add(Pair { ours, bare });
        }
        report(17, &pairs, Goal::TimeAtMost(1.3));
    }

    /// Seconds from a decision in this process until the other one is awake.
    fn awake(&self, side: &str) -> f64 {
        let count: u32 = sized(300, 10);
        let database = self.database(side);
        let mut other = Other::start(&["asks", side, database.url(), self.sampled.url(), &count.to_string()]);
        assert_eq!(other.line(), "ready");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let found = if side == "ours" {
            let decider = runtime.block_on(postgres::ours(database.url()));
            other.go();
            decisions(count, &mut other, |id| {
                let id: RequestId = id.parse().expect("an id");
                runtime.block_on(async {
                    // Whoever decides has been shown what it is about.
                    decider.see(id).await;
                    decider.quiet().await;
                    tokio::time::sleep(THINKING).await;
                    let at = other::moment();
                    decider.decide(id).await;
                    at
                })
            })
        } else {
            let (client, sample) = runtime.block_on(async {
                (postgres::connect(database.url()).await, postgres::read(self.sampled.url()).await)
            });
            let sql = "WITH decided AS (UPDATE requests SET version = 2, status = 'approved',
                    execution = 'not_started', due_at = $2, document = $3 WHERE id = $1)
                SELECT pg_notify($4, $5)";
            let statement = runtime.block_on(client.prepare(sql)).expect("SQL");
            other.go();
            decisions(count, &mut other, |text| {
                let id: Uuid = text.parse().expect("an id");
                runtime.block_on(async {
                    tokio::time::sleep(THINKING).await;
                    let at = other::moment();
                    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                        [&id, &sample.due_approved, &sample.document_approved, &TOPIC, &text];
                    client.execute(&statement, &values).await.expect("written");
                    at
                })
            })
        };
        median_seconds(&found)
    }

    /// What the server is asked while calls wait and nothing happens.
    fn waiting(&self) {
        let (many, few) = (self.queries(sized(10_000, 100)), self.queries(10));
        Row {
            case: CASES[19].to_owned(),
            ours: format!("{many:.1}"),
            bare: format!("{few:.1}"),
            ratio: "-".to_owned(),
            goal: "at most 1 more".to_owned(),
            met: many <= few + 1.0,
        }
        .report();
    }

    /// Transactions in a second while `count` calls wait.
    fn queries(&self, count: u32) -> f64 {
        let database = self.database("ours");
        let mut other =
            Other::start(&["waits", "ours", database.url(), self.sampled.url(), &count.to_string()]);
        assert_eq!(other.line(), "ready");
        let span = Duration::from_secs(sized(30, 2));
        let sql = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1";
        runtime().block_on(async {
            // Of another database, so that looking does not count.
            let client = postgres::connect(self.sampled.url()).await;
            let look =
                async || client.query_one(sql, &[&database.name()]).await.expect("a row").get::<_, i64>(0);
            // The counts of a session come in when it has been idle for a while.
            tokio::time::sleep(span / 2).await;
            let before = look().await;
            tokio::time::sleep(span).await;
            let after = look().await;
            let queries = f64::from(i32::try_from(after - before).expect("a small number"));
            queries / span.as_secs_f64()
        })
    }
}

/// Returns once every notice is delivered. Asked here for all sides alike: it costs the server something.
async fn delivered(client: &Client) {
    let sql = "SELECT EXISTS (SELECT FROM notices WHERE claimable_at IS NOT NULL)";
    let statement = client.prepare(sql).await.expect("SQL");
    while client.query_one(&statement, &[]).await.expect("an answer").get(0) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn report(case: usize, pairs: &Pairs, goal: Goal) {
    if let Some(medians) = pairs.medians() {
        Row::of_pairs(CASES[case], &medians, goal).report();
    }
}

/// First the one, next time first the other.
fn in_turns(turn: u32, ours: impl Fn() -> f64, bare: impl Fn() -> f64) -> (f64, f64) {
    if turn.is_multiple_of(2) {
        let ours = ours();
        (ours, bare())
    } else {
        let bare = bare();
        (ours(), bare)
    }
}

/// The other process opens requests one after the other and tells when it was woken; `decide` tells when it decided.
fn decisions(count: u32, other: &mut Other, decide: impl Fn(&str) -> Duration) -> Vec<Duration> {
    let mut found = Vec::new();
    for _ in 0..count {
        let decided = decide(&other.line());
        let awake: u64 = other.line().parse().expect("nanoseconds");
        found.push(Duration::from_nanos(awake) - decided);
    }
    found
}

async fn child(told: &[&str]) {
    let [what, side, url, sampled, rest @ ..] = told else { panic!("{told:?}") };
    let sample = postgres::read(sampled).await;
    let count = rest.last().expect("a number").parse().expect("a number");
    match (*what, *side) {
        ("load", "ours") => {
            let ours = Arc::new(postgres::ours(url).await);
            run(&ours, rest).await;
            ours.stop().await;
        }
        ("load", "bare") => run(&Arc::new(BarePostgres::new(url, sample).await), rest).await,
        ("load", "statements") => run(&Arc::new(StatementsPostgres::new(url, sample).await), rest).await,
        ("asks", "ours") => asks(postgres::ours(url).await, count).await,
        ("asks", "bare") => bare_asks(url, &sample, count).await,
        ("waits", "ours") => {
            let ours = Arc::new(postgres::ours(url).await);
            let mut opening = JoinSet::new();
            for place in 0..64 {
                let ours = Arc::clone(&ours);
                opening.spawn(async move {
                    for _ in (place..count).step_by(64) {
                        drop(tokio::spawn(Ours::wait(ours.create().await.1)));
                    }
                });
            }
            opening.join_all().await;
            ours.quiet().await;
            other::say("ready");
            std::future::pending().await
        }
        _ => panic!("{told:?}"),
    }
}

/// Runs a load when told to.
async fn run<A: Approvals>(approvals: &Arc<A>, rest: &[&str]) {
    let [in_flight, count] = rest else { panic!("{rest:?}") };
    let number = |text: &str| text.parse().expect("a number");
    other::say("ready");
    other::wait();
    let used = processor::used();
    load::all(approvals, number(in_flight), number(count)).await;
    other::say(&format!("{:.2?}", processor::used() - used));
    other::wait();
}

async fn asks(ours: Ours, count: u32) {
    ours.quiet().await;
    other::say("ready");
    other::wait();
    for _ in 0..count {
        let (id, waiter) = ours.create().await;
        other::say(&id.to_string());
        Ours::wait(waiter).await;
        other::say(&other::moment().as_nanos().to_string());
    }
}

/// Inserts a row and waits for the notification that names it.
async fn bare_asks(url: &str, sample: &Sample, count: u32) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let hear = move |notification: &tokio_postgres::Notification| {
        tell.send(notification.payload().to_owned()).unwrap_or_default();
    };
    let listening = postgres::connect_and_hear(url, hear).await;
    listening.batch_execute(&format!("LISTEN {TOPIC}")).await.expect("it listens");
    let client = postgres::connect(url).await;
    other::say("ready");
    other::wait();
    for _ in 0..count {
        let id = bare_request(&client, sample).await.to_string();
        other::say(&id);
        assert_eq!(told.recv().await.as_ref(), Some(&id));
        other::say(&other::moment().as_nanos().to_string());
    }
}

async fn bare_request(client: &Client, sample: &Sample) -> Uuid {
    let id = Uuid::now_v7();
    let sql = "INSERT INTO requests (id, version, namespace, status, action, requester, due_at, created_at, document)
        VALUES ($1, 1, 'default', 'pending', $2, $3, $4, $5, $6)";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] = [
        &id,
        &sample.action,
        &sample.requester,
        &sample.due_pending,
        &sample.created_at,
        &sample.document_pending,
    ];
    client.execute(sql, &values).await.expect("written");
    id
}
