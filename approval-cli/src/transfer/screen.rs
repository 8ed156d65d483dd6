//! Shows how far a copy is: one line that is drawn again on a terminal, else a line now and then.

use std::{
    io::{self, Write},
    time::Duration,
};

use approval_core::transfer::Progress;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::Terminal;

/// How often it is drawn on a terminal.
const DRAWN: Duration = Duration::from_millis(200);
/// How often a line is written elsewhere.
const WRITTEN: Duration = Duration::from_secs(10);
/// To the beginning of the line, and empties it.
const ANEW: &str = "\r\x1b[2K";

pub(super) struct Screen<'a> {
    to: &'a mut dyn Write,
    terminal: Terminal,
}

impl<'a> Screen<'a> {
    pub(super) fn new(to: &'a mut dyn Write, terminal: Terminal) -> Self {
        Self { to, terminal }
    }

    /// Waits for some work, and shows how far it is meanwhile.
    pub(super) async fn while_working<T>(
        &mut self,
        work: impl Future<Output = T>,
        progress: &watch::Receiver<Option<Progress>>,
    ) -> io::Result<T> {
        let pace = if self.terminal.0 { DRAWN } else { WRITTEN };
        let mut ticks = interval_at(Instant::now() + pace, pace);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut work = std::pin::pin!(work);
        let mut rate = Rate::new(Instant::now());
        loop {
            tokio::select! {
                done = &mut work => {
                    if self.terminal.0 {
                        write!(self.to, "{ANEW}")?;
                        self.to.flush()?;
                    }
                    return Ok(done);
                }
                now = ticks.tick() => {
                    let latest = *progress.borrow();
                    if let Some(latest) = latest {
                        self.show(&rate.line(latest, now))?;
                    }
                }
            }
        }
    }

    fn show(&mut self, line: &str) -> io::Result<()> {
        if self.terminal.0 {
            write!(self.to, "{ANEW}{line}")?;
        } else {
            writeln!(self.to, "{line}")?;
        }
        self.to.flush()
    }
}

/// How many a second in the present step.
struct Rate {
    first: Option<Progress>,
    since: Instant,
}

impl Rate {
    const fn new(since: Instant) -> Self {
        Self { first: None, since }
    }

    fn line(&mut self, latest: Progress, now: Instant) -> String {
        let first = match self.first {
            Some(first) if first.step == latest.step => first,
            _ => {
                (self.first, self.since) = (Some(latest), now);
                latest
            }
        };
        let millis = now.duration_since(self.since).as_millis();
        let done = u128::from(latest.done.saturating_sub(first.done));
        let line = format!("{} {}", latest.done, latest.step);
        match done.saturating_mul(1000).checked_div(millis) {
            Some(rate) if rate > 0 => format!("{line}, {rate} a second"),
            _ => line,
        }
    }
}
