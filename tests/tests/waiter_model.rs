//! The registry of waiters under a model checker: its own source, on the checker's locks, in thousands of schedules.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicUsize, Ordering},
};

/// What the source is built on, here from the model checker.
mod sync {
    pub(crate) use shuttle::sync::{Arc, Mutex, MutexGuard};

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }
}

#[path = "../../approval-core/src/manager/id_hasher.rs"]
mod id_hasher;
#[path = "../../approval-core/src/manager/waiters.rs"]
mod waiters;

use shuttle::{future, thread};
use sync::{Arc, Mutex, lock};
use waiters::{News, Waiters};

/// Schedules tried for each model; a hundred times as many in the full run.
fn schedules() -> usize {
    if std::env::var_os("APPROVALS_FULL").is_some() { 500_000 } else { 5_000 }
}

/// A store with one row, as far as a waiter sees it.
#[derive(Debug, Default)]
struct Row(Mutex<Option<u32>>);

/// Waits as the manager does: register, look, then wait for news.
async fn wait(waiters: &Waiters<u8, u32>, row: &Row) -> u32 {
    let cell = waiters.register(1);
    let decision = loop {
        if let Some(decision) = *lock(&row.0) {
            break decision;
        }
        if let News::Is(decision) = poll_fn(|context| cell.poll_news(context)).await {
            break decision;
        }
    };
    waiters.forget(1, &cell);
    decision
}

/// Decides as the manager does: write, then tell. `tell` says how.
fn check(tell: fn(&Waiters<u8, u32>)) {
    shuttle::check_pct(
        move || {
            let waiters: Arc<Waiters<u8, u32>> = Arc::new(Waiters::new(1));
            let row = Arc::new(Row::default());
            let waiting: Vec<_> = (0..2)
                .map(|_| {
                    let (waiters, row) = (Arc::clone(&waiters), Arc::clone(&row));
                    thread::spawn(move || future::block_on(wait(&waiters, &row)))
                })
                .collect();
            let deciding = {
                let (waiters, row) = (Arc::clone(&waiters), Arc::clone(&row));
                thread::spawn(move || {
                    *lock(&row.0) = Some(7);
                    tell(&waiters);
                })
            };
            deciding.join().unwrap();
            for waiter in waiting {
                assert_eq!(waiter.join().unwrap(), 7);
            }
            assert_eq!(waiters.len(), 0, "a waiter left something behind");
            assert!(!waiters.has(1), "nobody waits any more");
        },
        schedules(),
        3,
    );
}

#[test]
fn no_wake_up_is_lost_whenever_a_waiter_subscribes() {
    check(|waiters| waiters.tell(1, &News::Is(7)));
}

#[test]
fn a_change_elsewhere_makes_every_waiter_look() {
    check(Waiters::tell_all);
}

#[test]
fn the_model_finds_a_waiter_that_looks_before_it_registers() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let lost = std::panic::catch_unwind(|| {
        shuttle::check_pct(
            || {
                RUNS.fetch_add(1, Ordering::Relaxed);
                let waiters: Arc<Waiters<u8, u32>> = Arc::new(Waiters::new(1));
                let row = Arc::new(Row::default());
                let deciding = {
                    let (waiters, row) = (Arc::clone(&waiters), Arc::clone(&row));
                    thread::spawn(move || {
                        *lock(&row.0) = Some(7);
                        waiters.tell(1, &News::Is(7));
                    })
                };
                let seen = *lock(&row.0);
                let cell = waiters.register(1);
                if seen.is_none() {
                    future::block_on(poll_fn(|context| cell.poll_news(context)));
                }
                deciding.join().unwrap();
            },
            5_000,
            3,
        );
    });
    assert!(
        lost.is_err(),
        "the model checker did not find the lost wake-up in {} schedules",
        RUNS.load(Ordering::Relaxed)
    );
}
