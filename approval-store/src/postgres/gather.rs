//! What has come for the next group, and what is worth waiting for.

use std::{collections::VecDeque, time::Duration};

use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, timeout_at},
};

use super::work::Work;

/// How long what became of notices waits for a change to travel with: on its own it would cost a sync of the disk, and make
/// the next change wait for it.
const SETTLEMENTS_WAIT: Duration = Duration::from_millis(2);
/// From so many changes on that were just answered, the next group is waited for: those who were answered come back at once,
/// each a little later than the other, and would else miss it.
const MANY: usize = 8;
/// How long the next one of them is waited for, and all of them.
const NEXT_WAITS: Duration = Duration::from_micros(40);
const ALL_WAIT: Duration = Duration::from_micros(400);

/// What waits, and where more comes from.
pub(super) struct Gathering<'a> {
    pub(super) waiting: &'a mut VecDeque<Work>,
    pub(super) given: &'a mut UnboundedReceiver<Option<Work>>,
}

impl Gathering<'_> {
    /// `answered`: how many changes were just answered.
    pub(super) async fn gather(mut self, answered: usize) {
        self.take();
        if answered >= MANY {
            self.take_those_who_come_back(answered).await;
        }
        let until = Instant::now() + SETTLEMENTS_WAIT;
        while self.waiting.iter().all(|work| matches!(work, Work::Settle(..))) && !self.given.is_closed() {
            match timeout_at(until, self.given.recv()).await {
                Ok(Some(next)) => self.add(next),
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Takes what has come by now.
    fn take(&mut self) {
        while let Ok(next) = self.given.try_recv() {
            self.add(next);
        }
    }

    fn add(&mut self, next: Option<Work>) {
        match next {
            Some(work) => self.waiting.push_back(work),
            // Closed: what was given until now is still written.
            None => self.given.close(),
        }
    }

    async fn take_those_who_come_back(&mut self, answered: usize) {
        let begin = Instant::now();
        let mut last = begin;
        while self.waiting.len() < answered && last.elapsed() < NEXT_WAITS && begin.elapsed() < ALL_WAIT {
            let before = self.waiting.len();
            // No timer is this fine. Other work on this processor goes first.
            std::thread::yield_now();
            tokio::task::yield_now().await;
            self.take();
            if self.waiting.len() > before {
                last = Instant::now();
            }
        }
    }
}
