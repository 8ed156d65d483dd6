//! A clock that stands still until a test moves it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use approval_core::clock::{Clock, Span, Timestamp, after, to_micros};
use async_trait::async_trait;
use tokio::sync::watch;

/// A clock for tests: time passes by [`FakeClock::advance`] and [`FakeClock::set`] alone. A task that sleeps until a moment
/// wakes when the clock reaches it; no real time passes.
///
/// Clones are the same clock: keep one, and give the manager and its store another.
///
/// ```
/// use approval_core::{Clock, clock::Span};
/// use approval_testkit::FakeClock;
///
/// let clock = FakeClock::at("2026-01-01T00:00:00Z");
/// clock.advance(Span::from_secs(60));
/// assert_eq!(clock.now().to_string(), "2026-01-01T00:01:00Z");
/// ```
#[derive(Clone)]
pub struct FakeClock(Arc<Inner>);

struct Inner {
    now: watch::Sender<Timestamp>,
    sleepers: Mutex<Sleepers>,
}

/// How many sleep until which moment, and how often one has fallen asleep or woken.
#[derive(Default)]
struct Sleepers {
    until: BTreeMap<Timestamp, usize>,
    stirs: u64,
}

/// A moment, or its text in RFC 3339: `2026-01-01T00:00:00Z`.
pub trait Moment {
    /// The moment.
    ///
    /// # Panics
    /// When the text is no moment: the test is wrong.
    #[must_use]
    fn moment(self) -> Timestamp;
}

impl Moment for Timestamp {
    fn moment(self) -> Timestamp {
        to_micros(self)
    }
}

impl Moment for &str {
    #[track_caller]
    #[expect(
        clippy::panic,
        reason = "a mistake in the text of a test; there is no caller to hand an error to"
    )]
    fn moment(self) -> Timestamp {
        match self.parse() {
            Ok(moment) => to_micros(moment),
            Err(error) => panic!("{self:?} is no moment ({error}); write it as 2026-01-01T00:00:00Z"),
        }
    }
}

/// Noon of a day in January 2026, in seconds since 1970.
const START: i64 = 1_768_392_000;

/// Turns of the runtime in which no task stirs, after which the woken are taken to be done.
const QUIET_TURNS: u32 = 32;
/// Turns of the runtime that are waited for at the most.
const TURNS: u32 = 10_000;

impl FakeClock {
    /// A clock that stands at 2026-01-14T12:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Timestamp::from_second(START).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// A clock that stands at a moment, cut to microseconds.
    ///
    /// # Panics
    /// When it is given as a text that is no moment.
    #[must_use]
    #[track_caller]
    pub fn at(now: impl Moment) -> Self {
        let now = watch::Sender::new(now.moment());
        Self(Arc::new(Inner { now, sleepers: Mutex::default() }))
    }

    /// Lets time pass. A negative span sets the clock back. The woken run when the test awaits next: see
    /// [`FakeClock::advance_and_settle`].
    pub fn advance(&self, by: Span) {
        self.0.now.send_modify(|now| *now = to_micros(after(*now, by)));
    }

    /// Sets the clock, forward or back.
    ///
    /// # Panics
    /// When it is given a text that is no moment.
    #[track_caller]
    pub fn set(&self, now: impl Moment) {
        self.0.now.send_replace(now.moment());
    }

    /// Lets time pass, then lets the woken run: see [`FakeClock::settle`]. Time passes in one leap: who meant to sleep
    /// several times in between wakes once.
    pub async fn advance_and_settle(&self, by: Span) {
        self.advance(by);
        self.settle().await;
    }

    /// Lets other tasks run until every task whose moment has come is awake and none has woken or fallen asleep by this
    /// clock for a while.
    ///
    /// In a current-thread runtime with a store in memory all that time brought about is done then. What other threads do
    /// meanwhile (those of a database, or of a multi-thread runtime) this cannot see: wait for what you expect of them,
    /// with [`crate::TestManager::until`] for instance.
    pub async fn settle(&self) {
        let mut quiet = 0;
        let mut before = self.sleepers().stirs;
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
            let now = self.now();
            let sleepers = self.sleepers();
            let overdue = sleepers.until.first_key_value().is_some_and(|(until, _)| *until <= now);
            quiet = if overdue || sleepers.stirs != before { 0 } else { quiet + 1 };
            before = sleepers.stirs;
            if quiet == QUIET_TURNS {
                return;
            }
        }
    }

    /// The earliest moment that a task sleeps until; `None` when none sleeps by this clock.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.sleepers().until.keys().next().copied()
    }

    fn sleepers(&self) -> MutexGuard<'_, Sleepers> {
        self.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FakeClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FakeClock({})", self.now())
    }
}

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *self.0.now.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        if self.now() >= at {
            return;
        }
        let _asleep = Asleep::new(self, at);
        // It fails only when the sender is gone, which lives as long as `self`.
        drop(self.0.now.subscribe().wait_for(|now| *now >= at).await);
    }
}

/// A task that sleeps, until dropped.
struct Asleep<'a> {
    clock: &'a FakeClock,
    until: Timestamp,
}

impl<'a> Asleep<'a> {
    fn new(clock: &'a FakeClock, until: Timestamp) -> Self {
        let mut sleepers = clock.sleepers();
        *sleepers.until.entry(until).or_default() += 1;
        sleepers.stirs += 1;
        Self { clock, until }
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        let mut sleepers = self.clock.sleepers();
        sleepers.stirs += 1;
        if let Some(count) = sleepers.until.get_mut(&self.until) {
            *count -= 1;
            if *count == 0 {
                sleepers.until.remove(&self.until);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// Sleeps three times in a row, and says how often it has slept.
    fn sleeper(clock: &FakeClock, seconds: i64) -> (tokio::task::JoinHandle<()>, watch::Receiver<u32>) {
        let (sender, receiver) = watch::channel(0);
        let clock = clock.clone();
        let task = tokio::spawn(async move {
            for times in 1..=3 {
                let until = clock.now() + Span::from_secs(seconds);
                clock.sleep_until(until).await;
                sender.send_replace(times);
            }
        });
        (task, receiver)
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_its_moment_comes_and_not_before() {
        let clock = FakeClock::at("2026-01-01T00:00:00Z");
        let (_task, slept) = sleeper(&clock, 10);
        clock.settle().await;
        assert_eq!(clock.next_wake(), Some("2026-01-01T00:00:10Z".moment()));
        clock.advance_and_settle(Span::from_millis(9_999)).await;
        assert_eq!(*slept.borrow(), 0);
        clock.advance_and_settle(Span::from_millis(1)).await;
        assert_eq!(*slept.borrow(), 1);
        assert_eq!(clock.next_wake(), Some("2026-01-01T00:00:20Z".moment()), "it sleeps again");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sleepers_on_other_threads_wake_too() {
        let clock = FakeClock::new();
        let tasks: Vec<_> = (1..=20).map(|seconds| sleeper(&clock, seconds)).collect();
        for (_, mut slept) in tasks {
            while *slept.borrow_and_update() < 3 {
                clock.advance_and_settle(Span::from_secs(20)).await;
            }
        }
        assert_eq!(clock.next_wake(), None);
    }

    #[tokio::test]
    async fn who_stops_sleeping_early_is_forgotten() {
        let clock = FakeClock::new();
        let (task, _slept) = sleeper(&clock, 10);
        clock.settle().await;
        assert!(clock.next_wake().is_some());
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(clock.next_wake(), None);
    }

    #[tokio::test]
    async fn settling_ends_though_somebody_never_looks_up() {
        let clock = FakeClock::new();
        let forgotten = clock.sleep_until(clock.now() + Span::from_secs(1));
        let mut forgotten = std::pin::pin!(forgotten);
        assert_eq!((&mut forgotten).now_or_never(), None);
        clock.advance_and_settle(Span::from_secs(2)).await;
        assert_eq!((&mut forgotten).now_or_never(), Some(()));
    }

    #[test]
    fn it_can_be_set_back_and_clones_are_the_same_clock() {
        let clock = FakeClock::at("2026-01-01T00:00:10.0000019Z");
        let other = clock.clone();
        assert_eq!(clock.now(), "2026-01-01T00:00:10.000001Z".moment(), "cut to microseconds");
        clock.advance(Span::from_secs(-5));
        assert_eq!(other.now(), "2026-01-01T00:00:05.000001Z".moment());
        other.set("2026-01-01T00:00:00Z");
        assert_eq!(clock.now(), "2026-01-01T00:00:00Z".moment());
    }

    #[test]
    #[should_panic(expected = "\"tomorrow\" is no moment")]
    fn a_text_that_is_no_moment_is_named() {
        drop(FakeClock::at("tomorrow"));
    }
}
