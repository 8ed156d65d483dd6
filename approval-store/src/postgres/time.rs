//! The server's time, as this process knows it.
//!
//! What decides is the server's clock, read there while the locks are held. For what is only computed beforehand the time
//! is reckoned: the last moment that the server gave, and what has passed since by a clock of this process that cannot be set.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use approval_core::{
    Clock,
    clock::{Span, Timestamp, after},
    store::{ClockReading, StoreTime},
};

/// How long a moment that the server gave is good for reckoning.
const FRESH: Duration = Duration::from_secs(30);

/// A moment of the clock that cannot be set.
#[expect(
    clippy::disallowed_methods,
    reason = "it measures how long ago the server's clock was read; it tells no time"
)]
fn moment_here() -> Instant {
    Instant::now()
}

/// What the server gave last.
#[derive(Clone, Copy, Debug)]
struct Told {
    micros: i64,
    /// How far that is ahead of the server's clock.
    lag: i64,
    at: Instant,
}

/// See [`ServerTime::now`].
#[derive(Debug)]
pub(super) struct Reckoned {
    told: Option<Told>,
    /// The latest moment given out, in microseconds.
    high: i64,
}

/// Where the store's time comes from.
#[derive(Debug)]
pub(super) enum ServerTime {
    /// The server.
    Reckoned(Mutex<Reckoned>),
    /// A clock of a test, which is sent to the server.
    Given(StoreTime),
}

impl ServerTime {
    /// Time of the server, or of `clock`.
    pub(super) fn new(clock: Option<Arc<dyn Clock>>) -> Self {
        match clock {
            Some(clock) => Self::Given(StoreTime::new(clock, None)),
            None => Self::Reckoned(Mutex::new(Reckoned { told: None, high: i64::MIN })),
        }
    }

    /// What statements are given: nothing, unless a test has a clock of its own.
    pub(super) fn given(&self) -> Option<i64> {
        match self {
            Self::Reckoned(_) => None,
            Self::Given(time) => Some(time.now().as_microsecond()),
        }
    }

    /// The server gave this moment, just now, and how far it is ahead of its clock, in microseconds.
    pub(super) fn told(&self, moment: Timestamp, lag: i64) {
        match self {
            Self::Given(time) => time.raise(moment),
            Self::Reckoned(cell) => {
                let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
                let micros = moment.as_microsecond();
                cell.told = Some(Told { micros, lag, at: moment_here() });
                cell.high = cell.high.max(micros);
            }
        }
    }

    /// The server's clock and the latest moment that was given out, as far as they are known here; `None` when the server has not
    /// been heard for a while.
    pub(super) fn reading(&self) -> Option<ClockReading> {
        match self {
            Self::Given(time) => Some(time.reading()),
            Self::Reckoned(cell) => {
                let told = cell.lock().unwrap_or_else(PoisonError::into_inner).told?;
                let mark = Timestamp::from_microsecond(told.micros).ok()?;
                (told.at.elapsed() <= FRESH).then(|| reading(mark, told.lag))
            }
        }
    }

    /// An operator has set the latest moment that was given out.
    pub(super) fn reset(&self, mark: Timestamp) {
        match self {
            Self::Given(time) => time.set_mark(mark),
            Self::Reckoned(cell) => {
                let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
                *cell = Reckoned { told: None, high: mark.as_microsecond() };
            }
        }
    }

    /// The moment as far as it is known here; `None` when the server has not been heard for a while.
    pub(super) fn now(&self) -> Option<Timestamp> {
        match self {
            Self::Given(time) => Some(time.now()),
            Self::Reckoned(cell) => {
                let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
                let told = cell.told?;
                let passed = told.at.elapsed();
                if passed > FRESH {
                    return None;
                }
                let passed = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
                cell.high = cell.high.max(told.micros.saturating_add(passed));
                Timestamp::from_microsecond(cell.high).ok()
            }
        }
    }
}

/// The clock of a server whose store has given out `mark`, which is `lag` microseconds ahead of it.
pub(super) fn reading(mark: Timestamp, lag: i64) -> ClockReading {
    ClockReading { clock: after(mark, Span::from_micros(lag.saturating_neg())), mark }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reckoned_never_goes_back_and_follows_the_server() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let time = ServerTime::new(None);
        assert_eq!((time.now(), time.given()), (None, None));
        time.told(at(1000), 0);
        let first = time.now().unwrap();
        assert!(first >= at(1000) && first < at(1060));
        // The server's clock was set back.
        time.told(at(500), 0);
        assert!(time.now().unwrap() >= first);
        time.told(at(2000), 0);
        assert!(time.now().unwrap() >= at(2000));
    }
}
