//! How much memory a pending request takes, its waiter alive: ours and bare code. Each case is a process of its own, so
//! that what others left behind does not count.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use approval_core::store::MemoryStore;
use approval_tests::bench::{
    bare_memory::BareMemory,
    bare_postgres::{self, BarePostgres},
    load::{Approvals, runtime},
    mode::{self, sized},
    ours::Ours,
    postgres, resident, sqlite,
    table::{CASES, Row, thousands},
};

/// Requests that are opened at a time.
const IN_FLIGHT: usize = 256;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, child, case, count, urls @ ..] = arguments.as_slice()
        && child == "--child"
    {
        let count = count.parse().expect("a number");
        let each = runtime().block_on(child_main(case, count, urls));
        println!("{each}");
        return;
    }
    let count = mode::pending(sized(1_000_000, 1_000));
    row(CASES[5], (count, count), ("memory-ours", "memory-bare"), &[], 2000.0);
    // What bare code keeps on SQLite for each is the same as in memory, besides SQLite's cache: fewer will do, and filling
    // a file takes minutes.
    row(CASES[6], (count, count.min(200_000)), ("sqlite-ours", "sqlite-bare"), &[], 900.0);
    let cluster = postgres::cluster();
    let [sampled, ours, bare] = [(); 3].map(|()| cluster.database().expect("a database"));
    runtime().block_on(async {
        postgres::sample(sampled.url()).await;
        bare_postgres::make_tables(bare.url()).await;
    });
    let counts = (count.min(200_000), count.min(100_000));
    let urls = [sampled.url(), ours.url(), bare.url()];
    row(CASES[18], counts, ("postgres-ours", "postgres-bare"), &urls, 900.0);
}

/// Measures both sides and reports the row.
fn row(
    case: &str,
    (count, bare_count): (usize, usize),
    (ours, bare): (&str, &str),
    urls: &[&str],
    most: f64,
) {
    let (ours, bare) = (measured(ours, count, urls), measured(bare, bare_count, urls));
    Row {
        case: case.to_owned(),
        ours: format!("{} bytes", thousands(ours)),
        bare: format!("{} bytes", thousands(bare)),
        ratio: format!("{:.1}x", ours / bare),
        goal: format!("at most {} bytes", thousands(most)),
        met: ours <= most,
    }
    .report();
}

/// Bytes for each of `count` pending requests, found out by a child process.
fn measured(case: &str, count: usize, urls: &[&str]) -> f64 {
    let itself = std::env::current_exe().expect("the path of this program");
    let mut child = Command::new(itself);
    child.args(["--child", case, &count.to_string()]).args(urls);
    if mode::measuring() {
        child.arg("--bench");
    }
    let output = child.output().expect("a child process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{case}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines().last().and_then(|line| line.trim().parse().ok()).expect("a number")
}

async fn child_main(case: &str, count: usize, urls: &[String]) -> f64 {
    match case {
        "memory-ours" => {
            let ours = Ours::new(Arc::new(MemoryStore::new())).await;
            each_of(Arc::new(ours), count).await
        }
        "memory-bare" => each_of(Arc::new(BareMemory::new()), count).await,
        "sqlite-ours" => each_of(Arc::new(sqlite::ours().await), count).await,
        "sqlite-bare" => each_of(Arc::new(sqlite::bare(sqlite::sample().await)), count).await,
        "postgres-ours" => each_of(Arc::new(postgres::ours(&urls[1]).await), count).await,
        "postgres-bare" => {
            let sample = postgres::read(&urls[0]).await;
            each_of(Arc::new(BarePostgres::new(&urls[2], sample).await), count).await
        }
        _ => panic!("no case {case}"),
    }
}

/// Opens `count` requests, each with a task that waits for it, and tells by how many bytes for each of them the process
/// has grown. Then decides one, to see that they are alive.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn each_of<A: Approvals>(approvals: Arc<A>, count: usize) -> f64 {
    approvals.quiet().await;
    let begin = Instant::now();
    let before = resident::bytes();
    let mut opening = tokio::task::JoinSet::new();
    for place in 0..IN_FLIGHT {
        let share = count / IN_FLIGHT + usize::from(place < count % IN_FLIGHT);
        let approvals = Arc::clone(&approvals);
        opening.spawn(async move {
            let mut last = None;
            for _ in 0..share {
                let (ticket, waiter) = approvals.create().await;
                last = Some((ticket, tokio::spawn(A::wait(waiter))));
            }
            last
        });
    }
    let mut alive = Vec::with_capacity(IN_FLIGHT);
    while let Some(opened) = opening.join_next().await {
        alive.extend(opened.expect("all are opened"));
    }
    approvals.quiet().await;
    let after = resident::bytes();
    eprintln!("{count} requests opened in {:?}", begin.elapsed());
    for (ticket, waiting) in alive {
        approvals.decide(ticket).await;
        let awake = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        awake.expect("in time").expect("the waiter is alive");
    }
    (after - before) / f64::from(u32::try_from(count).expect("a small number"))
}
