//! Work that waits for the writer. All that waits when the writer wakes is taken at once: that is the group of a group
//! commit.

use std::time::Duration;

use crate::sync::{Condvar, Mutex, lock, wait};

/// The queue was closed, and did not take the work.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed;

#[derive(Debug)]
struct Inside<J> {
    jobs: Vec<J>,
    closed: bool,
}

/// A queue with many givers and one taker.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    inside: Mutex<Inside<J>>,
    bell: Condvar,
}

/// What the taker got.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<J> {
    /// Everything that waited; at least one.
    Jobs(Vec<J>),
    /// Nothing came in time.
    Nothing,
    /// The queue is closed, and everything was taken.
    Closed,
}

impl<J> Queue<J> {
    pub(crate) fn new() -> Self {
        Self { inside: Mutex::new(Inside { jobs: Vec::new(), closed: false }), bell: Condvar::new() }
    }

    /// Gives work to the taker. What was accepted will be taken, even if the queue is closed right after.
    pub(crate) fn push(&self, job: J) -> Result<(), Closed> {
        let first = {
            let mut inside = lock(&self.inside);
            if inside.closed {
                return Err(Closed);
            }
            inside.jobs.push(job);
            inside.jobs.len() == 1
        };
        // The taker looks again before it sleeps: later givers need not wake it.
        if first {
            self.bell.notify_one();
        }
        Ok(())
    }

    /// Accepts no more work.
    pub(crate) fn close(&self) {
        lock(&self.inside).closed = true;
        self.bell.notify_one();
    }

    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.inside).closed
    }

    /// Takes everything that waits; waits for it at most for `patience`.
    pub(crate) fn take(&self, patience: Duration) -> Taken<J> {
        let mut inside = lock(&self.inside);
        if inside.jobs.is_empty() && !inside.closed {
            inside = wait(&self.bell, inside, patience);
        }
        if !inside.jobs.is_empty() {
            Taken::Jobs(std::mem::take(&mut inside.jobs))
        } else if inside.closed {
            Taken::Closed
        } else {
            Taken::Nothing
        }
    }
}
