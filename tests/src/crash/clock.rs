//! The system's clock, set wrong.

use approval_core::{
    Clock, SystemClock,
    clock::{Span, Timestamp, after},
};
use async_trait::async_trait;

/// Differs from the system's clock by a fixed span.
#[derive(Clone, Copy, Debug)]
pub struct OffsetClock(pub Span);

#[async_trait]
impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        after(SystemClock.now(), self.0)
    }

    async fn sleep_until(&self, at: Timestamp) {
        SystemClock.sleep_until(after(at, -self.0)).await;
    }
}
