//! Many deciders at the same time: each request gets one decision, and everybody who looks is told the same.
//!
//! Several managers on one store vote, cancel, halt, revoke and redeem against each other, while the clock leaps forward
//! and back. Afterwards the answers that they got are held against the row, the history, the waiters and the notices.
//!
//! Some thousand decisions; 100,000 when `APPROVALS_FULL` is set. `APPROVALS_SEED` repeats what is tried.

mod contest;
mod house;
mod redeem;
mod verdict;

use std::time::Duration;

use approval_core::clock::Span;
use approval_tests::random::{Random, full, seed};
use futures_util::future::join_all;

use contest::{Contest, Disturbance};
use house::House;

/// Requests that are contested at the same time.
const AT_ONCE: usize = 24;

/// How long a batch may take: far more than a slow machine needs.
const PATIENCE: Duration = Duration::from_mins(3);

/// What a run came to.
#[derive(Debug, Default)]
struct Tally {
    decisions: usize,
    refused: usize,
    runs: usize,
    redemptions: usize,
}

/// Contests batch by batch, until so many decisions were made.
async fn contests(test: &str, house: &House, decisions: usize) {
    let random = Random::new(seed(test));
    let mut tally = Tally::default();
    let mut batch = 0;
    while tally.decisions < decisions {
        let work = run(house, random.part(batch), &mut tally);
        tokio::time::timeout(PATIENCE, work)
            .await
            .unwrap_or_else(|_| panic!("{test}: batch {batch} never ended"));
        batch += 1;
    }
    house.notices_agree().await;
    println!("{test}: {tally:?}");
    assert!(tally.refused > tally.decisions, "the deciders did not get into each other's way: {tally:?}");
    assert!(tally.redemptions > tally.runs, "nobody fought for a grant: {tally:?}");
}

/// One batch: all its requests share a disturbance, since the clock and the halts are everybody's.
async fn run(house: &House, mut random: Random, tally: &mut Tally) {
    let disturbance = *random.one(&[
        Disturbance::None,
        Disturbance::None,
        Disturbance::Deadline,
        Disturbance::GrantExpiry,
        Disturbance::Halt,
    ]);
    let mut contests = Vec::new();
    for number in 0..AT_ONCE {
        contests.push(Contest::open(house, random.part(number as u64), disturbance).await);
    }
    tokio::join!(
        join_all(contests.iter_mut().map(|contest| contest.decide(house))),
        disturbance.while_deciding(house, &mut random),
    );
    for contest in &mut contests {
        contest.settle(house).await;
    }
    let mut random = random.part(1);
    tokio::join!(
        join_all(contests.iter_mut().map(|contest| contest.redeem(house))),
        disturbance.while_redeeming(house, &mut random),
    );
    for contest in &contests {
        contest.until_taken(house).await;
    }
    disturbance.over(house).await;
    // A clock that goes back revives nothing.
    house.clock.advance(-Span::from_hours(3));
    for contest in &mut contests {
        contest.check(house, tally).await;
    }
    house.clock.advance(Span::from_hours(3));
}

/// Sizes: `default` decisions, or `all` in the full run.
fn decisions(default: usize, all: usize) -> usize {
    if full() { all } else { default }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deciders_on_a_store_in_memory_agree_on_one_winner() {
    let house = House::in_memory(3);
    contests("deciders in memory", &house, decisions(2_000, 60_000)).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deciders_on_several_stores_of_one_sqlite_file_agree_on_one_winner() {
    let house = House::in_one_file(3);
    contests("deciders on SQLite", &house, decisions(500, 45_000)).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deciders_on_several_stores_of_one_postgres_schema_agree_on_one_winner() {
    let house = House::in_one_schema(3).await;
    contests("deciders on PostgreSQL", &house, decisions(300, 20_000)).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_redemptions_of_one_grant_on_postgres_one_succeeds() {
    let house = House::in_one_schema(4).await;
    redeem::many(&house, decisions(20, 1_000)).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_redemptions_of_one_grant_in_memory_one_succeeds() {
    let house = House::in_memory(4);
    redeem::many(&house, decisions(50, 10_000)).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_redemptions_of_one_grant_on_sqlite_one_succeeds() {
    let house = House::in_one_file(4);
    redeem::many(&house, decisions(20, 1_000)).await;
    house.close().await;
}
