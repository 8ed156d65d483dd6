//! Waiting for another process: the one place that looks at the real clock.

use std::thread;
use std::time::{Duration, Instant};

/// How long to pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks until `done`; whether it was done within `patience`.
///
/// # Errors
/// The first error of `done`.
#[expect(clippy::disallowed_methods, reason = "a deadline for another process, which has no other clock")]
pub(crate) fn until<E>(patience: Duration, mut done: impl FnMut() -> Result<bool, E>) -> Result<bool, E> {
    let begin = Instant::now();
    loop {
        if done()? {
            return Ok(true);
        }
        if begin.elapsed() >= patience {
            return Ok(false);
        }
        thread::sleep(PAUSE);
    }
}
