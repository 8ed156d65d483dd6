//! Two measurements side by side, taken in turns.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

/// Seconds for one operation: ours, and that of the bare code, taken one right after the other.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// Ours.
    pub ours: f64,
    /// The bare code's.
    pub bare: f64,
}

/// All pairs of one case.
#[derive(Debug, Default)]
pub struct Pairs(Mutex<Vec<Pair>>);

/// The middle of all pairs.
#[derive(Clone, Copy, Debug)]
pub struct Medians {
    /// Seconds for one operation of ours.
    pub ours: f64,
    /// Seconds for one bare operation.
    pub bare: f64,
    /// How much longer ours takes: the median of the ratios of the pairs.
    pub ratio: f64,
    /// How many pairs.
    pub pairs: usize,
}

impl Pairs {
    /// Adds a pair.
    ///
    /// # Panics
    /// When another thread panicked here.
    pub fn add(&self, pair: Pair) {
        self.0.lock().expect("no panic").push(pair);
    }

    /// Every pair so far.
    ///
    /// # Panics
    /// When another thread panicked here.
    #[must_use]
    pub fn all(&self) -> Vec<Pair> {
        self.0.lock().expect("no panic").clone()
    }

    /// The middle; `None` without pairs.
    ///
    /// # Panics
    /// When another thread panicked here.
    #[must_use]
    pub fn medians(&self) -> Option<Medians> {
        let pairs = self.all();
        Some(Medians {
            ours: median(pairs.iter().map(|pair| pair.ours))?,
            bare: median(pairs.iter().map(|pair| pair.bare))?,
            ratio: median(pairs.iter().map(|pair| pair.ours / pair.bare))?,
            pairs: pairs.len(),
        })
    }
}

/// The value in the middle; of an even number of values the mean of the two. `None` of none.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// [`median`] of spans, in seconds.
#[must_use]
pub fn median_seconds(spans: &[Duration]) -> f64 {
    median(spans.iter().map(Duration::as_secs_f64)).unwrap_or_default()
}

/// How long `work` takes.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let done = work();
    (done, begin.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(median([]), None);
        assert_eq!(median([3.0]), Some(3.0));
        assert_eq!(median([9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 100.0]), Some(3.0));
    }

    #[test]
    fn the_ratio_is_that_of_pairs_and_not_of_medians() {
        let pairs = Pairs::default();
        for (ours, bare) in [(2.0, 1.0), (30.0, 10.0), (8.0, 2.0)] {
            pairs.add(Pair { ours, bare });
        }
        let medians = pairs.medians().unwrap();
        assert_eq!((medians.ours, medians.bare, medians.ratio, medians.pairs), (8.0, 2.0, 3.0, 3));
    }
}
