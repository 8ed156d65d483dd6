//! How long the processors have worked for this process: unlike the time on the wall it does not grow when others use
//! the machine.

use std::{fs, time::Duration};

/// Of all threads that live now. Zero where the system does not tell (it is not Linux).
#[must_use]
pub fn used() -> Duration {
    used_by("self")
}

/// The same for all processes that this one has started and that live now.
#[must_use]
pub fn used_by_children_of(parent: u32) -> Duration {
    let parent = parent.to_string();
    let is_child = |text: &str| {
        // After the name, which may hold anything, in parentheses: the state and the parent.
        text.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)) == Some(&parent)
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(|process| {
        let name = process.ok()?.file_name().into_string().ok()?;
        is_child(&fs::read_to_string(format!("/proc/{name}/stat")).ok()?).then_some(name)
    });
    processes.map(|process| used_by(&process)).sum()
}

fn used_by(process: &str) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    let nanos = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}
