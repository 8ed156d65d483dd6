//! Numbers for tests that try many things: the same ones again for the same seed.

use std::hash::{BuildHasher, RandomState};

/// A small generator (SplitMix64); good enough to choose what a test does next.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The numbers that follow from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The numbers of part `part` of a test: the same ones, in whatever order the parts run.
    #[must_use]
    pub fn part(&self, part: u64) -> Self {
        let mut mixed = Self(self.0 ^ part.wrapping_mul(0xd134_2543_de82_ef95));
        Self(mixed.any())
    }

    /// Any number.
    pub const fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub const fn below(&mut self, limit: u64) -> u64 {
        self.any() % limit
    }

    /// True in `percent` of 100 cases.
    pub const fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, which are not empty.
    pub fn one<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let at = usize::try_from(self.below(choices.len() as u64)).expect("less than a length");
        &choices[at]
    }
}

/// The seed of this run: `APPROVALS_SEED`, or a new one. Printed, so that a failing run can be repeated.
///
/// # Panics
/// If `APPROVALS_SEED` is no number.
#[must_use]
pub fn seed(test: &str) -> u64 {
    let seed = match std::env::var_os("APPROVALS_SEED") {
        Some(text) => text.to_str().and_then(|text| text.parse().ok()).expect("APPROVALS_SEED is a number"),
        None => RandomState::new().hash_one(test),
    };
    println!("{test}: repeat this run with APPROVALS_SEED={seed}");
    seed
}

/// Whether tests run in their full size.
#[must_use]
pub fn full() -> bool {
    std::env::var_os("APPROVALS_FULL").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_parts_differ() {
        let numbers = |mut random: Random| [random.any(), random.any(), random.any()];
        assert_eq!(numbers(Random::new(7)), numbers(Random::new(7)));
        assert_ne!(numbers(Random::new(7)), numbers(Random::new(8)));
        assert_ne!(numbers(Random::new(7).part(1)), numbers(Random::new(7).part(2)));
        // The first output of SplitMix64 for seed 0, from its published reference.
        assert_eq!(Random::new(0).any(), 0xe220_a839_7b1d_cdaf);
    }
}
