//! Work that waits for the one thread that does it.

use std::{collections::VecDeque, time::Duration};

use super::sync::{Condvar, Mutex, MutexGuard, PoisonError, wait};

/// Most jobs in one group. More would let the first of them wait for the last for longer than a sync takes.
const GROUP: usize = 256;

/// The queue was closed, and did not take the work.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// Does the work.
pub(crate) trait Executor<J> {
    /// Does everything in `jobs`, which is not empty, and answers it.
    fn group(&mut self, jobs: Vec<J>);

    /// Nothing came for a while.
    fn idle(&mut self) {}
}

#[derive(Debug)]
struct Inside<J> {
    jobs: VecDeque<J>,
    /// The executor sleeps, and was not woken yet.
    asleep: bool,
    closed: bool,
}

/// A queue with many givers and one executor.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    inside: Mutex<Inside<J>>,
    bell: Condvar,
}

enum Taken<J> {
    Jobs(Vec<J>),
    Nothing,
    Closed,
}

impl<J> Queue<J> {
    pub(crate) fn new() -> Self {
        let inside = Inside { jobs: VecDeque::new(), asleep: false, closed: false };
        Self { inside: Mutex::new(inside), bell: Condvar::new() }
    }

    /// Gives work to the executor. What is accepted will be done, even if the queue is closed right after.
    pub(crate) fn push(&self, job: J) -> Result<(), Closed> {
        let mut inside = self.lock();
        if inside.closed {
            return Err(Closed);
        }
        inside.jobs.push_back(job);
        // An executor at work looks into the queue before it sleeps: only one that sleeps is rung for, and once.
        let ring = std::mem::take(&mut inside.asleep);
        drop(inside);
        if ring {
            self.bell.notify_one();
        }
        Ok(())
    }

    /// Accepts no more work.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.bell.notify_one();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Has `executor` do the work until the queue is closed and empty; tells it when nothing came for `patience`. Should it
    /// panic, the queue is closed and what waits is dropped, so that no caller waits for an answer that never comes.
    pub(crate) fn drive(&self, executor: &mut impl Executor<J>, patience: Duration) {
        let _end = End(self);
        loop {
            match self.take(patience) {
                Taken::Jobs(jobs) => executor.group(jobs),
                Taken::Nothing => executor.idle(),
                Taken::Closed => return,
            }
        }
    }

    fn take(&self, patience: Duration) -> Taken<J> {
        let mut inside = self.lock();
        if inside.jobs.is_empty() && !inside.closed {
            inside.asleep = true;
            inside = wait(&self.bell, inside, patience);
            inside.asleep = false;
        }
        let count = inside.jobs.len().min(GROUP);
        if count > 0 {
            Taken::Jobs(inside.jobs.drain(..count).collect())
        } else if inside.closed {
            Taken::Closed
        } else {
            Taken::Nothing
        }
    }

    /// Locks, also after a panic elsewhere: every critical section here leaves its data whole.
    fn lock(&self) -> MutexGuard<'_, Inside<J>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The executor has ended, one way or the other.
struct End<'a, J>(&'a Queue<J>);

impl<J> Drop for End<'_, J> {
    fn drop(&mut self) {
        let mut inside = self.0.lock();
        inside.closed = true;
        let left = std::mem::take(&mut inside.jobs);
        drop(inside);
        // Not under the lock: dropping a job wakes the one who waits for its answer.
        drop(left);
    }
}
