//! How long the processors have worked for this process: unlike the time on the wall it does not grow when others use
//! the machine.

use std::{fs, time::Duration};

/// Of all threads that live now. Zero where the system does not tell (it is not Linux).
#[must_use]
pub fn used() -> Duration {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten();
    let nanos = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}
