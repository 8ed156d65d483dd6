//! A store's own time: a clock that never goes back.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::clock::{Clock, Timestamp};

/// What a store takes the time from: the clock handed in, but never below a moment that was given out before. A clock
/// that is set back stands still until it has caught up.
#[derive(Debug)]
pub struct StoreTime {
    clock: Arc<dyn Clock>,
    /// Microseconds since 1970.
    high_water: AtomicI64,
}

impl StoreTime {
    /// Time from `clock`, at or after `floor` (the last moment that an earlier process gave out).
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, floor: Option<Timestamp>) -> Self {
        let floor = floor.unwrap_or(Timestamp::MIN).as_microsecond();
        Self { clock, high_water: AtomicI64::new(floor) }
    }

    /// The present moment, in whole microseconds.
    pub fn now(&self) -> Timestamp {
        let now = self.clock.now().as_microsecond();
        // A look first: the shared cache line is written only when the time has moved on.
        let before = self.high_water.load(Ordering::Acquire);
        let latest =
            if now > before { self.high_water.fetch_max(now, Ordering::AcqRel).max(now) } else { before };
        Timestamp::from_microsecond(latest).unwrap_or(Timestamp::MIN)
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
}
