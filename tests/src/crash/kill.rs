//! Where a child kills itself, and the places where it can.

use std::sync::atomic::{AtomicU64, Ordering};

use super::ledger::Line;
use crate::repo;

/// The places in the child's own code where it can kill itself.
pub const BODY_POINTS: [&str; 2] = ["the body begins", "the body is about to return"];

/// Every named point of the SQLite store at which it lets a test kill the process, as its source names them.
///
/// # Panics
/// If there are none: then this looks in the wrong place.
#[must_use]
pub fn store_points() -> Vec<String> {
    let mut points: Vec<String> = repo::rust_files("approval-store/src/sqlite")
        .iter()
        .flat_map(|file| file.text.split("failpoint)(\"").skip(1).map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|rest| rest.split_once('"').map(|(name, _)| name.to_owned()))
        .collect();
    points.sort();
    points.dedup();
    assert!(points.len() >= 8, "the failpoints of the store were not found: {points:?}");
    points
}

/// Kills this process when a point is reached for the n-th time.
#[derive(Debug)]
pub struct Killer {
    point: Option<String>,
    left: AtomicU64,
}

impl Killer {
    /// Kills at the `hit`-th time that `point` is reached; never, if there is no point.
    #[must_use]
    pub const fn new(point: Option<String>, hit: u64) -> Self {
        Self { point, left: AtomicU64::new(hit) }
    }

    /// The process is at this point.
    pub fn reached(&self, point: &str) {
        if self.point.as_deref() == Some(point) && self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            say(&Line::At(point.to_owned()));
            kill_self();
        }
    }
}

/// Writes a line to standard output, at once and in one piece.
pub fn say(line: &Line) {
    use std::io::Write as _;
    let text = format!("{line}\n");
    // Nobody listens any more: the parent is gone, and so is the need to tell.
    drop(std::io::stdout().lock().write_all(text.as_bytes()));
}

/// As `kill -9` from outside: nothing is flushed, no destructor runs.
fn kill_self() -> ! {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
        .expect("a process may kill itself");
    loop {
        std::thread::park();
    }
}
