//! Hashing of ids for maps. Ids are UUIDs with many random bits that this library made itself: no one chooses them to make a
//! map slow, and a few cheap steps spread them.

use std::hash::{BuildHasherDefault, Hasher};

/// Makes a [`FoldHasher`] for each id.
pub(crate) type IdHasher = BuildHasherDefault<FoldHasher>;

/// Folds what it is given into one word.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FoldHasher(u64);

impl Hasher for FoldHasher {
    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(piece).for_each(|(to, from)| *to = *from);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        // An odd constant without a pattern, from the golden ratio; the high bits of the product depend on all of both.
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_usize(&mut self, _: usize) {
        // The length of an id, which is always the same.
    }

    fn finish(&self) -> u64 {
        // Maps take the low bits as well as the high ones.
        self.0 ^ (self.0 >> 32)
    }
}
