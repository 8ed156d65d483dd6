//! How many new texts of rules and people are kept for auditors in a day.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// New texts that one agent may bring into one namespace in a day.
const TEXTS_A_DAY: u64 = 1_000;
/// Bytes of them.
const BYTES_A_DAY: u64 = 256 << 20;

const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// The new texts that one agent brought into one namespace in a day (UTC). A text that is kept already is not new, whichever agent brought it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NewSources {
    /// Days since 1970-01-01.
    day: i64,
    texts: u64,
    bytes: u64,
}

/// A text that is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManySources(NewSources);

impl std::error::Error for TooManySources {}

impl fmt::Display for TooManySources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NewSources { day: _, texts, bytes } = self.0;
        write!(
            f,
            "its source text changes too often: for one agent in one namespace {TEXTS_A_DAY} new texts of {BYTES_A_DAY} bytes together \
             are kept in a day (UTC), and {texts} of {bytes} bytes were today; let source() answer the text that the rules or people \
             are read from, and the same text until they change"
        )
    }
}

impl NewSources {
    /// The count with one more text of so many bytes.
    ///
    /// # Errors
    /// When it goes over a bound: the text is not kept, and nothing may name it.
    pub(crate) fn with(self, bytes: u64, now: Timestamp) -> Result<Self, TooManySources> {
        let today = now.as_second().div_euclid(SECONDS_A_DAY);
        // A clock that goes back starts no other day.
        let before = if today > self.day { Self { day: today, texts: 0, bytes: 0 } } else { self };
        let counted = Self {
            day: before.day,
            texts: before.texts.saturating_add(1),
            bytes: before.bytes.saturating_add(bytes),
        };
        if counted.texts > TEXTS_A_DAY || counted.bytes > BYTES_A_DAY {
            return Err(TooManySources(before));
        }
        Ok(counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// How many texts of so many bytes are kept at a moment; no more than twice as many as may be.
    fn kept(mut count: NewSources, bytes: u64, now: Timestamp) -> (u64, NewSources) {
        let mut kept = 0;
        while kept < 2 * TEXTS_A_DAY
            && let Ok(next) = count.with(bytes, now)
        {
            (kept, count) = (kept + 1, next);
        }
        (kept, count)
    }

    #[test]
    fn texts_and_their_bytes_are_bounded_in_a_day() {
        let noon = at("2026-01-31T12:00:00Z");
        for (bytes, expected) in
            [(1, 1_000), (100_000, 1_000), (1 << 20, 256), (2 << 20, 128), (257 << 20, 0)]
        {
            assert_eq!(kept(NewSources::default(), bytes, noon).0, expected, "{bytes}");
        }
    }

    #[test]
    fn a_new_day_begins_at_midnight_and_only_once() {
        let (_, full) = kept(NewSources::default(), 1, at("2026-01-31T00:00:00Z"));
        assert!(full.with(1, at("2026-01-31T23:59:59Z")).is_err());
        assert!(full.with(1, at("2026-01-30T12:00:00Z")).is_err(), "the clock went back");
        let (more, _) = kept(full, 1, at("2026-02-01T00:00:00Z"));
        assert_eq!(more, 1_000);
        assert_eq!(kept(NewSources::default(), 1, at("1969-12-31T12:00:00Z")).0, 1_000);
    }

    #[test]
    fn the_error_says_what_to_do() {
        let (_, full) = kept(NewSources::default(), 100, at("2026-01-31T12:00:00Z"));
        let error = full.with(1, at("2026-01-31T12:00:00Z")).unwrap_err().to_string();
        assert!(
            error.contains("1000 of 100000 bytes were today") && error.contains("let source() answer"),
            "{error}"
        );
    }
}
