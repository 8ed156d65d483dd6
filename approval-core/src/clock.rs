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

    /// Whether it follows the time of the world, so that a jump is a fault of the machine which a store must not believe
    /// ([`crate::store::ClockReading`]). `false` unless implemented: a clock of a test jumps when the test says so.
    fn is_of_system(&self) -> bool {
        false
    }

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
        let micros = match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).ok(),
            Err(before) => i64::try_from(before.duration().as_micros()).ok().and_then(i64::checked_neg),
        };
        // A time that cannot be represented ends every deadline and every grant, rather than to prolong them.
        micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()).unwrap_or(Timestamp::MAX)
    }

    fn is_of_system(&self) -> bool {
        true
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

/// Appends a moment as RFC 3339 in UTC, byte for byte as its `Display` and serde write it, without their detours: several
/// moments are written for every approval.
pub(crate) fn push_rfc3339(out: &mut String, at: Timestamp) {
    let (seconds, subsecond) = match at.subsec_nanosecond() {
        before if before < 0 => (at.as_second() - 1, before + 1_000_000_000),
        since => (at.as_second(), since),
    };
    let mut fraction = subsecond.unsigned_abs();
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days to year, month and day in the proleptic Gregorian calendar, by eras of 400 years that begin in March.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if !(0..=9999).contains(&year) {
        return out.push_str(&at.to_string());
    }
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    put(text.get_mut(0..4), year.unsigned_abs());
    put(text.get_mut(5..7), month.unsigned_abs());
    put(text.get_mut(8..10), day.unsigned_abs());
    put(text.get_mut(11..13), second.unsigned_abs() / 3600);
    put(text.get_mut(14..16), second.unsigned_abs() / 60 % 60);
    put(text.get_mut(17..19), second.unsigned_abs() % 60);
    let mut length = 19;
    if fraction > 0 {
        put(text.get_mut(20..29), u64::from(fraction));
        length = 29;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            length -= 1;
        }
    }
    out.push_str(text.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default());
    out.push('Z');
}

/// Writes a number into all of `place`, with zeros in front.
fn put(place: Option<&mut [u8]>, mut number: u64) {
    for digit in place.into_iter().flatten().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(at: Timestamp) -> String {
        let mut text = String::new();
        push_rfc3339(&mut text, at);
        text
    }

    proptest! {
        #[test]
        fn a_moment_is_written_as_it_always_is(nanos in Timestamp::MIN.as_nanosecond()..Timestamp::MAX.as_nanosecond()) {
            for step in [1, 1_000, 1_000_000_000] {
                let at = Timestamp::from_nanosecond(nanos - nanos.rem_euclid(step)).unwrap();
                prop_assert_eq!(written(at), at.to_string());
            }
        }

        #[test]
        fn so_is_every_day_of_our_time(day in 0..40_000_i64, second in 0..86_400_i64, micro in 0..1_000_000_i64) {
            let at = Timestamp::from_microsecond((day * 86_400 + second) * 1_000_000 + micro).unwrap();
            prop_assert_eq!(written(at), at.to_string());
        }
    }

    #[test]
    fn the_ends_of_time_are_written_too() {
        for at in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
            assert_eq!(written(at), at.to_string());
        }
    }
}
