//! Time is handed in. Nothing else in the library asks the system for it.

use std::{fmt, time::Duration};

use async_trait::async_trait;

/// A moment in UTC. Written as RFC 3339 in JSON; stores keep microseconds.
pub type Timestamp = jiff::Timestamp;

/// A length of time.
pub type Span = jiff::SignedDuration;

/// Where time comes from: the system, or a test.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment, truncated to microseconds.
    fn now(&self) -> Timestamp;

    /// Returns once `now()` has reached `at`. May return early; callers look at the clock again.
    async fn sleep_until(&self, at: Timestamp);
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// A timer never sleeps longer than this at a stretch, so that a system clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
    fn now(&self) -> Timestamp {
        Timestamp::try_from(std::time::SystemTime::now()).map_or(Timestamp::UNIX_EPOCH, to_micros)
    }

    async fn sleep_until(&self, at: Timestamp) {
        let left = at.duration_since(self.now());
        if let Ok(left) = Duration::try_from(left) {
            tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
        }
    }
}

/// Cuts a moment to whole microseconds, the finest that every store can keep.
#[must_use]
pub fn to_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// `at` plus `span`, held at the end of representable time.
#[must_use]
pub fn after(at: Timestamp, span: Span) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}
