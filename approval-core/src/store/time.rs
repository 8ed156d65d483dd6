//! A store's own time: a clock that never goes back, and never jumps far ahead.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use super::StoreError;
use crate::clock::{Clock, Span, Timestamp, after};

/// How far behind the mark a clock may be before it counts as wrong: clocks are set by a little all the time.
const TOLERANCE: Span = Span::from_secs(60);

/// A store's clock, and the latest moment that the store gave out, its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// What the clock says.
    pub clock: Timestamp,
    /// The latest moment that was given out. The store's time is never before it.
    pub mark: Timestamp,
}

impl ClockReading {
    /// A clock further ahead of the mark than this is not believed: one process with a wrong clock would set the mark to where
    /// no deadline passes any more. 400 days.
    pub const LONGEST_JUMP: Span = Span::from_hours(24 * 400);

    /// Whether the clock is so far ahead of the mark that it is not believed.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        self.clock > after(self.mark, Self::LONGEST_JUMP)
    }

    /// Whether the clock is more than a minute behind the mark.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        after(self.clock, TOLERANCE) < self.mark
    }

    /// Refuses what must not happen while the store's time stands still: nothing is opened, approved or begun meanwhile.
    ///
    /// # Errors
    /// [`StoreError::ClockAhead`] or [`StoreError::ClockBehind`].
    pub fn check(&self) -> Result<(), StoreError> {
        let Self { clock, mark } = *self;
        if self.is_ahead() {
            Err(StoreError::ClockAhead { clock, mark })
        } else if self.is_behind() {
            Err(StoreError::ClockBehind { clock, mark })
        } else {
            Ok(())
        }
    }
}

/// What a store takes the time from: the clock handed in, but never below a moment that was given out before. A clock
/// that is set back stands still until it has caught up. So does a clock of the system that jumps by more than
/// [`ClockReading::LONGEST_JUMP`], until an operator confirms the jump.
#[derive(Debug)]
pub struct StoreTime {
    clock: Arc<dyn Clock>,
    /// Microseconds since 1970.
    high_water: AtomicI64,
    /// Whether jumps of the clock are refused.
    guarded: bool,
}

/// The mark of a store that has given out no moment yet: its first clock is believed.
const NO_MARK: i64 = i64::MIN;

impl StoreTime {
    /// Time from `clock`, at or after `floor` (the last moment that an earlier process gave out).
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, floor: Option<Timestamp>) -> Self {
        let floor = floor.filter(|floor| *floor > Timestamp::MIN).map_or(NO_MARK, Timestamp::as_microsecond);
        let guarded = clock.is_of_system();
        Self { clock, high_water: AtomicI64::new(floor), guarded }
    }

    /// The present moment, in whole microseconds.
    pub fn now(&self) -> Timestamp {
        let now = self.clock.now().as_microsecond();
        // A look first: the shared cache line is written only when the time has moved on.
        let before = self.high_water.load(Ordering::Acquire);
        let latest = if now > before && !self.jumps(before, now) {
            self.high_water.fetch_max(now, Ordering::AcqRel).max(now)
        } else {
            before
        };
        // It came from a moment. Those of the last second that there is cannot be read back: every time bound is over then.
        Timestamp::from_microsecond(latest).unwrap_or(Timestamp::MAX)
    }

    /// Whether a clock that says `now` is not believed.
    fn jumps(&self, mark: i64, now: i64) -> bool {
        const LONGEST: i64 = ClockReading::LONGEST_JUMP.as_secs() * 1_000_000;
        self.guarded && mark != NO_MARK && now.saturating_sub(mark) > LONGEST
    }

    /// The clock and the mark. A clock of a test is always as it should be.
    #[must_use]
    pub fn reading(&self) -> ClockReading {
        let mark = self.now();
        let clock = if self.guarded { self.clock.now() } else { mark };
        ClockReading { clock, mark }
    }

    /// Sets the mark, ahead or back. For operators.
    pub fn set_mark(&self, mark: Timestamp) {
        self.high_water.store(mark.as_microsecond(), Ordering::Release);
    }

    /// From now on gives out no moment before `floor` (another process was seen to be further).
    pub fn raise(&self, floor: Timestamp) {
        self.high_water.fetch_max(floor.as_microsecond(), Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;

    #[derive(Debug)]
    struct Settable(Mutex<Timestamp>);

    #[derive(Debug)]
    struct OfSystem(Settable);

    #[async_trait]
    impl Clock for OfSystem {
        fn now(&self) -> Timestamp {
            self.0.now()
        }

        fn is_of_system(&self) -> bool {
            true
        }

        async fn sleep_until(&self, _: Timestamp) {}
    }

    #[async_trait]
    impl Clock for Settable {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }

        async fn sleep_until(&self, _: Timestamp) {}
    }

    #[test]
    fn time_stands_still_while_the_clock_is_behind() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let clock = Arc::new(Settable(Mutex::new(at(100))));
        let time = StoreTime::new(Arc::clone(&clock) as Arc<dyn Clock>, None);
        assert_eq!(time.now(), at(100));
        *clock.0.lock().unwrap() = at(50);
        assert_eq!(time.now(), at(100));
        time.raise(at(120));
        assert_eq!(time.now(), at(120));
        *clock.0.lock().unwrap() = at(121);
        assert_eq!(time.now(), at(121));
        assert_eq!(StoreTime::new(clock, Some(at(500))).now(), at(500));
    }

    #[test]
    fn a_clock_of_the_system_that_jumps_far_ahead_is_not_believed() {
        const DAY: i64 = 24 * 3600;
        let at = |day: i64, second: i64| Timestamp::from_second(day * DAY + second).unwrap();
        let clock = Arc::new(OfSystem(Settable(Mutex::new(at(1000, 0)))));
        let time = StoreTime::new(Arc::clone(&clock) as Arc<dyn Clock>, None);
        let set = |to: Timestamp| *clock.0.0.lock().unwrap() = to;
        // The first clock of an empty store is believed.
        assert_eq!(time.now(), at(1000, 0));
        set(at(1400, 0));
        assert_eq!(time.now(), at(1400, 0), "exactly 400 days");
        set(at(1800, 1));
        assert_eq!(time.now(), at(1400, 0), "400 days and a second");
        let reading = time.reading();
        assert_eq!((reading.clock, reading.mark), (at(1800, 1), at(1400, 0)));
        assert!(reading.is_ahead() && matches!(reading.check(), Err(StoreError::ClockAhead { .. })));
        // Confirmed, it goes on from there.
        time.set_mark(at(1800, 1));
        set(at(1800, 2));
        assert_eq!(time.now(), at(1800, 2));
        assert!(time.reading().check().is_ok());
        // Behind by up to a minute is as it should be.
        set(at(1799, DAY - 58));
        assert_eq!(time.now(), at(1800, 2));
        assert!(time.reading().check().is_ok());
        set(at(1799, DAY - 59));
        assert!(time.reading().is_behind());
        assert!(matches!(time.reading().check(), Err(StoreError::ClockBehind { .. })));
        // An opened store knows the mark of before.
        set(at(5000, 0));
        let time = StoreTime::new(Arc::clone(&clock) as Arc<dyn Clock>, Some(at(1800, 0)));
        assert_eq!(time.now(), at(1800, 0));
        assert!(time.reading().is_ahead());
        let time = StoreTime::new(clock as Arc<dyn Clock>, Some(Timestamp::MIN));
        assert_eq!(time.now(), at(5000, 0), "a file without a mark");
    }

    #[test]
    fn the_last_moment_that_there_is_comes_after_all_others() {
        for last in [Timestamp::MAX, Timestamp::from_second(253_402_207_200).unwrap()] {
            let clock = Arc::new(Settable(Mutex::new(last)));
            let time = StoreTime::new(Arc::clone(&clock) as Arc<dyn Clock>, None);
            assert!(time.now() >= last, "{}", time.now());
            *clock.0.lock().unwrap() = Timestamp::UNIX_EPOCH;
            assert!(time.now() >= last, "{}", time.now());
            assert!(StoreTime::new(clock, Some(last)).now() >= last);
        }
    }

    #[test]
    fn a_clock_of_a_test_jumps_as_it_is_told() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let clock = Arc::new(Settable(Mutex::new(at(0))));
        let time = StoreTime::new(Arc::clone(&clock) as Arc<dyn Clock>, None);
        time.now();
        *clock.0.lock().unwrap() = at(70 * 365 * 86_400);
        assert_eq!(time.now(), at(70 * 365 * 86_400));
        *clock.0.lock().unwrap() = at(0);
        assert!(time.reading().check().is_ok());
    }
}
