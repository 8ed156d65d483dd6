//! The registry of waiters by itself.

use std::task::{Context, Poll, Waker};

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
