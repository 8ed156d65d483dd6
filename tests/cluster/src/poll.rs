//! Waiting for another process: the one place that looks at the real clock.

use std::thread;
use std::time::{Duration, Instant};

/// How long to pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks until `look` finds something; `None` if it found nothing within `patience`.
///
/// # Errors
/// The first error of `look`.
#[expect(clippy::disallowed_methods, reason = "a deadline for another process, which has no other clock")]
pub(crate) fn until<T, E>(
    patience: Duration,
    mut look: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let begin = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        if begin.elapsed() >= patience {
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}
