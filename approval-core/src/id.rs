//! Identifiers. Time-ordered UUIDs (version 7, RFC 9562), so that keys of new rows land side by side in a store.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::{NoContext, Uuid};

use crate::{clock::Timestamp, error::Invalid};

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new identifier that sorts by `now`.
            #[must_use]
            pub fn generate(now: Timestamp) -> Self {
                // Times before 1970 sort as its beginning; the random part still tells the ids apart.
                let seconds = u64::try_from(now.as_second()).unwrap_or(0);
                let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
                Self(Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos)))
            }

            /// Wraps a UUID that was read from elsewhere.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }

            /// The 16 bytes, most significant first.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Uuid::parse_str(text).map(Self).map_err(|e| {
                    Invalid::new($what, text, format!("is not a UUID ({e})")).hint("copy the whole id, such as 0197f2c4-…")
                })
            }
        }
    };
}

uuid_id! {
    /// Names one approval request.
    RequestId, "request id"
}
uuid_id! {
    /// Names one notice in the outbox.
    NoticeId, "notice id"
}
uuid_id! {
    /// Names one running process (one manager) that may execute approved actions; its lease is renewed under this name.
    ExecutorId, "executor id"
}
uuid_id! {
    /// Names one standing approval.
    StandingId, "standing approval id"
}
uuid_id! {
    /// The nonce of a grant. Its 74 random bits keep one grant from standing in for another.
    GrantId, "grant id"
}
uuid_id! {
    /// Names one audit trail: all seals of one store, from the first on.
    TrailId, "trail id"
}

impl RequestId {
    /// When it was opened, in milliseconds since 1970: the part of the id that comes first in its order.
    pub(crate) fn opened_millis(&self) -> u64 {
        let (first_half, _) = self.0.as_u64_pair();
        first_half >> 16
    }

    /// Sorts before every request that was opened at this moment, in milliseconds since 1970, or later; and after most of
    /// what was opened earlier.
    pub(crate) fn before(millis: u64) -> Self {
        let last = millis.saturating_sub(1).min((1 << 48) - 1);
        Self(Uuid::from_u128(u128::from(last) << 80))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_survive_text() {
        let early = RequestId::generate("2026-01-01T00:00:00Z".parse().unwrap());
        let late = RequestId::generate("2026-01-01T00:00:01Z".parse().unwrap());
        assert!(early < late);
        assert_eq!(late.to_string().parse::<RequestId>().unwrap(), late);
    }

    #[test]
    fn the_id_of_a_request_tells_when_it_was_opened() {
        let moment: Timestamp = "2026-01-01T00:00:00.5Z".parse().unwrap();
        let millis = 1_767_225_600_500;
        let opened = RequestId::generate(moment);
        assert_eq!(opened.opened_millis(), millis);
        assert!(RequestId::before(millis) < opened && RequestId::before(millis + 2) > opened);
        assert!(RequestId::before(u64::MAX) > opened, "the end of time comes last");
        assert_eq!(RequestId::before(0).opened_millis(), 0);
    }

    #[test]
    fn a_broken_id_names_itself_and_says_what_to_do() {
        let message = "0197".parse::<RequestId>().unwrap_err().to_string();
        assert!(message.contains("request id") && message.contains("0197"), "{message}");
        assert!(message.contains("copy the whole id"), "{message}");
    }
}
