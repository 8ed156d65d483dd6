//! Numbers of advisory locks. They are the same in every process and every build.

/// What a lock is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum On<'a> {
    /// A named record, whether it is there or not.
    Record(&'a str),
    /// An idempotency key.
    Key(&'a str),
}

/// FNV-1a, 64 bits (Fowler, Noll and Vo). Two names with one number wait for each other without need, and nothing more.
fn hash(parts: [&[u8]; 3]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        // What no text holds separates the parts.
        for byte in part.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

/// The lock on something in a schema: always negative, so that it is none of those below.
pub(super) fn lock(schema: &str, on: On<'_>) -> i64 {
    let (kind, name): (&[u8], _) = match on {
        On::Record(name) => (b"record", name),
        On::Key(name) => (b"key", name),
    };
    (hash([schema.as_bytes(), kind, name.as_bytes()]) | (1 << 63)).cast_signed()
}

/// The upper 15 bits of the locks by which the transactions of a schema tell that they are under way.
pub(super) fn tag(schema: &str) -> i32 {
    let [.., high, low] = hash([schema.as_bytes(), b"batch", b""]).to_be_bytes();
    i32::from(u16::from_be_bytes([high & 0x7f, low]))
}

/// The lock under which the tables of a schema are made and changed.
pub(super) fn migration(schema: &str) -> i64 {
    (hash([schema.as_bytes(), b"migration", b""]) | (1 << 63)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_what_they_always_were() {
        // FNV-1a of the empty text and of "a", as published.
        let fnv = |text: &[u8]| {
            text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
            })
        };
        assert_eq!((fnv(b""), fnv(b"a")), (0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c));
        assert_eq!(hash([b"s", b"record", b"halt"]), fnv(b"s\xffrecord\xffhalt\xff"));
        assert!(lock("s", On::Record("halt")) < 0);
        assert_ne!(lock("s", On::Record("halt")), lock("s", On::Key("halt")));
        assert_ne!(lock("s", On::Record("halt")), lock("t", On::Record("halt")));
        assert!((0..=0x7fff).contains(&tag("approvals")));
    }
}
