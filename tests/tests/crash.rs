//! Processes that are killed (SIGKILL) while they work on an SQLite store under load: nothing that was acknowledged is lost,
//! no body runs twice, and every request ends as predicted.
//!
//! 25 kills; 500 when `APPROVALS_FULL` is set. `APPROVALS_SEED` repeats a run: its courses and the moments of its kills,
//! though not what the scheduler makes of them.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
};

use approval_tests::{
    crash::{
        check::Scene,
        child::Orders,
        kill::{BODY_POINTS, store_points},
        ledger::Line,
    },
    random::{Random, full, seed},
};

/// Kills on one file, before a new one is begun.
const KILLS_ON_A_FILE: u64 = 10;

/// When a child is killed.
#[derive(Debug)]
enum Moment {
    /// By itself, at the n-th time that it is at this point.
    Point(String, u64),
    /// From outside, when it has said so many lines.
    Lines(u64),
    /// From outside, so soon after its start, in microseconds.
    Start(u64),
}

/// Starts a child on the scene's store and kills it. Gives back the lines that it said.
async fn kill(scene: &mut Scene, name: &str, moment: &Moment, random: &mut Random) -> Vec<Line> {
    // Now and then its clock is far behind what the store has seen before.
    let behind = if random.chance(20) && !scene.ledger.entries.is_empty() { 3_600_000 } else { 0 };
    let (point, hit) = match moment {
        Moment::Point(point, hit) => (Some(point.clone()), *hit),
        Moment::Lines(_) | Moment::Start(_) => (None, 0),
    };
    let unfinished = scene.ledger.unfinished();
    let orders = Orders {
        store: scene.store(),
        bodies: scene.bodies(),
        clock_off: i64::try_from(scene.ahead.as_millis()).expect("a short time") - behind,
        seed: random.any(),
        prefix: name.to_owned(),
        requests: 120,
        lanes: 12,
        channel: true,
        unfinished: unfinished.into_iter().map(|(key, plan, done)| (key, plan.to_string(), done)).collect(),
        point,
        hit,
    };
    let mut child = Command::new(env!("CARGO_BIN_EXE_crash_child"))
        .arg(serde_json::to_string(&orders).expect("orders are JSON"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    if let Moment::Start(micros) = moment {
        tokio::time::sleep(std::time::Duration::from_micros(*micros)).await;
        child.kill().expect("a child can be killed");
    }
    let lines = listen(&mut child, moment);
    let status = child.wait().expect("the child ends");
    assert_eq!(
        status.signal(),
        Some(9),
        "{name} at {moment:?}: the child was not killed, but ended with {status}"
    );
    if let Moment::Point(point, _) = moment {
        // Other threads may say something more until the signal has come.
        assert!(lines.contains(&Line::At(point.clone())), "{name}: it was killed, but not at {point:?}");
    }
    for line in &lines {
        scene.ledger.hear(line);
    }
    lines
}

/// Reads what a child says to its end, and kills it when it has said enough.
fn listen(child: &mut Child, moment: &Moment) -> Vec<Line> {
    let stdout = child.stdout.take().expect("its output is a pipe");
    let mut lines = Vec::new();
    for text in BufReader::new(stdout).lines() {
        let text = text.expect("lines of text");
        lines.push(Line::read(&text).unwrap_or_else(|| panic!("the child said {text:?}")));
        if let Moment::Lines(enough) = moment
            && lines.len() as u64 == *enough
        {
            child.kill().expect("a child can be killed");
        }
    }
    lines
}

/// Kills children at the given moments, and looks at the store after each.
async fn series(test: &str, seed: u64, moments: impl IntoIterator<Item = Moment>, long_times: bool) {
    let (mut kills, mut said) = (0, 0);
    let mut scene = Scene::new();
    for moment in moments {
        let mut random = Random::new(seed).part(kills);
        if kills > 0 && kills % KILLS_ON_A_FILE == 0 {
            scene = Scene::new();
        }
        let lines = kill(&mut scene, &format!("k{kills}"), &moment, &mut random).await;
        scene.check(50, &mut random).await;
        if long_times {
            scene.check_after_a_long_time().await;
        }
        kills += 1;
        said += lines.iter().filter(|line| matches!(line, Line::Done { .. })).count();
    }
    println!("{test}: {kills} kills, {said} acknowledgements before them");
    assert!(said as u64 > kills * 10, "the children were killed before they had done anything");
}

/// Sizes: `default` kills, or `all` in the full run.
fn kills(default: u64, all: u64) -> u64 {
    if full() { all } else { default }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_failpoint_loses_nothing_acknowledged_and_runs_no_body_twice() {
    let test = "kills at failpoints";
    let seed = seed(test);
    let points: Vec<String> =
        store_points().into_iter().chain(BODY_POINTS.iter().map(|point| (*point).to_owned())).collect();
    let mut random = Random::new(seed);
    let rounds = kills(1, 250_u64.div_ceil(points.len() as u64));
    let moments: Vec<Moment> = (0..rounds)
        .flat_map(|_| points.clone())
        .map(|point| {
            // A body is reached less often than a commit.
            let most = if BODY_POINTS.contains(&point.as_str()) { 30 } else { 60 };
            Moment::Point(point, 1 + random.below(most))
        })
        .collect();
    series(test, seed, moments, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_a_random_moment_loses_nothing_acknowledged_and_runs_no_body_twice() {
    let test = "kills at random moments";
    let seed = seed(test);
    let mut random = Random::new(seed);
    let moments: Vec<Moment> = (0..kills(10, 200))
        .map(|_| {
            if random.chance(20) {
                Moment::Start(random.below(60_000))
            } else {
                Moment::Lines(1 + random.below(500))
            }
        })
        .collect();
    series(test, seed, moments, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fell_due_while_the_process_was_dead_happens_once() {
    let test = "kills, and a long time after each";
    let seed = seed(test);
    let mut random = Random::new(seed);
    let moments: Vec<Moment> = (0..kills(5, 50)).map(|_| Moment::Lines(50 + random.below(300))).collect();
    series(test, seed, moments, true).await;
}
