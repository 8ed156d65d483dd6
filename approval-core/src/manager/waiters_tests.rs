//! The registry of waiters by itself.

use std::{
    collections::HashSet,
    hash::BuildHasher,
    task::{Context, Poll, Waker},
};

use crate::id::RequestId;

use super::id_hasher::IdHasher;
use super::waiters::{News, WaiterCell, Waiters};

fn poll<V>(cell: &WaiterCell<V>) -> Poll<News<V>> {
    cell.poll_news(&Context::from_waker(Waker::noop()))
}

#[test]
fn what_is_told_before_the_first_look_is_kept() {
    let waiters: Waiters<u32, &str> = Waiters::new(4);
    let cell = waiters.register(1);
    waiters.tell(1, &News::Is("decided"));
    assert_eq!(poll(&cell), Poll::Ready(News::Is("decided")));
    assert_eq!(poll(&cell), Poll::Pending);
}

#[test]
fn every_waiter_of_a_key_is_told_and_nobody_else() {
    let waiters: Waiters<u32, &str> = Waiters::new(1);
    let (first, second, other) = (waiters.register(1), waiters.register(1), waiters.register(2));
    waiters.tell(1, &News::Look);
    assert_eq!(
        (poll(&first), poll(&second), poll(&other)),
        (Poll::Ready(News::Look), Poll::Ready(News::Look), Poll::Pending)
    );
    waiters.tell_all();
    assert_eq!(poll(&other), Poll::Ready(News::Look));
}

#[test]
fn of_news_in_either_order_none_is_lost() {
    let waiters: Waiters<u32, &str> = Waiters::new(1);
    let cell = waiters.register(1);
    assert!(waiters.has(1) && !waiters.has(2));
    for (first, second) in [
        (News::Is("decided"), News::Is("pending")),
        (News::Look, News::Is("pending")),
        (News::Is("pending"), News::Look),
    ] {
        waiters.tell(1, &first);
        waiters.tell(1, &second);
        assert_eq!((poll(&cell), poll(&cell)), (Poll::Ready(News::Look), Poll::Pending));
    }
}

#[test]
fn the_forgotten_leave_nothing_behind() {
    let waiters: Waiters<u32, &str> = Waiters::new(2);
    let (first, second) = (waiters.register(1), waiters.register(1));
    assert_eq!(waiters.len(), 2);
    waiters.forget(1, &first);
    waiters.tell(1, &News::Look);
    assert_eq!((poll(&first), poll(&second)), (Poll::Pending, Poll::Ready(News::Look)));
    waiters.forget(1, &second);
    assert_eq!(waiters.len(), 0);
}

#[test]
fn ids_of_one_moment_are_spread_over_low_and_high_bits() {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let hasher = IdHasher::default();
    let spread: Vec<u64> = (0..4096).map(|_| hasher.hash_one(RequestId::generate(now))).collect();
    let different =
        |bits: fn(u64) -> u64| spread.iter().map(|hash| bits(*hash)).collect::<HashSet<_>>().len();
    // Of as many slots as are thrown into, 1 - 1/e are hit: 2589.
    assert!(different(|hash| hash & 0xfff) > 2400);
    assert!(different(|hash| hash >> 52) > 2400);
    assert_eq!(different(|hash| hash % 64), 64);
}
