//! Lines from people, read by a thread of its own so that waiting for them blocks no task.

mod pipe;
#[cfg(unix)]
mod tty;

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::mpsc;

pub(super) use pipe::line;
#[cfg(unix)]
pub(super) use tty::Tty;

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A line, without its end.
    Line(String),
    /// Something that is no line, and why.
    Garbled(&'static str),
    /// Nothing will come any more, and why.
    Ended(String),
}

/// Reads one line, blocking until it is complete.
pub(super) type ReadLine = Box<dyn FnMut() -> Input + Send>;

/// Where lines come from.
pub(super) enum Source {
    /// Written by a program: every line counts, in order, whenever it was written.
    Piped(ReadLine),
    /// Typed at a terminal: what was typed before [`Lines::discard`] does not count.
    #[cfg(unix)]
    Typed(Tty),
    /// Typed at a terminal whose waiting input cannot be thrown away: it is read all the time, and what comes while
    /// nothing is asked does not count.
    #[cfg(any(not(unix), test))]
    Watched(ReadLine),
}

/// Lines on demand. Between two prompts nothing is taken from a pipe or a Unix terminal, so that the program around may
/// use its standard input for other things.
#[derive(Debug)]
pub(super) struct Lines {
    gate: Arc<Gate>,
    received: mpsc::UnboundedReceiver<Input>,
    /// Typed by hand, so that what was typed too early can be recognised.
    typed: bool,
    /// The end, if it came along with lines that were discarded.
    ended: Option<Input>,
}

/// What the task and the reading thread share.
#[derive(Debug, Default)]
struct Gate {
    demand: Mutex<Demand>,
    changed: Condvar,
    #[cfg(unix)]
    tty: Option<Tty>,
}

#[derive(Debug, Default)]
struct Demand {
    wanted: bool,
    closed: bool,
    /// Typed, but the line is not complete.
    #[cfg(unix)]
    partial: Vec<u8>,
}

impl Lines {
    /// Starts the reading thread.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn start(source: Source) -> io::Result<Self> {
        let (sender, received) = mpsc::unbounded_channel();
        let mut gate = Gate::default();
        let thread = thread::Builder::new().name("approval-terminal-input".to_owned());
        let (gate, typed) = match source {
            Source::Piped(mut read) => {
                let gate = Arc::new(gate);
                let shared = Arc::clone(&gate);
                thread.spawn(move || shared.read_pipe(&mut read, &sender))?;
                (gate, false)
            }
            #[cfg(unix)]
            Source::Typed(tty) => {
                gate.tty = Some(tty);
                let gate = Arc::new(gate);
                let shared = Arc::clone(&gate);
                thread.spawn(move || shared.read_tty(&sender))?;
                (gate, true)
            }
            #[cfg(any(not(unix), test))]
            Source::Watched(mut read) => {
                let gate = Arc::new(gate);
                let shared = Arc::clone(&gate);
                thread.spawn(move || shared.watch(&mut read, &sender))?;
                (gate, true)
            }
        };
        Ok(Self { gate, received, typed, ended: None })
    }

    /// Whether people type here.
    pub(super) const fn typed(&self) -> bool {
        self.typed
    }

    /// The next line. May be dropped while it waits: a line that comes later goes to the next call.
    pub(super) async fn next(&mut self) -> Input {
        if let Ok(input) = self.received.try_recv() {
            return input;
        }
        if let Some(ended) = self.ended.clone() {
            return ended;
        }
        self.gate.lock().wanted = true;
        self.gate.changed.notify_all();
        let input =
            self.received.recv().await.unwrap_or_else(|| Input::Ended("The input is gone".to_owned()));
        if matches!(input, Input::Ended(_)) {
            self.ended = Some(input.clone());
        }
        input
    }

    /// No line is wanted for now.
    pub(super) fn pause(&self) {
        self.gate.lock().wanted = false;
    }

    /// Where people type, forgets what they typed until now. Piped lines stay.
    pub(super) fn discard(&mut self) {
        if !self.typed {
            return;
        }
        // Under the lock the thread cannot be between taking a line and handing it over.
        let mut demand = self.gate.lock();
        demand.wanted = false;
        #[cfg(unix)]
        if let Some(tty) = &self.gate.tty {
            demand.partial.clear();
            tty.discard();
        }
        while let Ok(input) = self.received.try_recv() {
            if matches!(input, Input::Ended(_)) {
                self.ended = Some(input);
            }
        }
        drop(demand);
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.gate.lock().closed = true;
        self.gate.changed.notify_all();
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Demand> {
        // The fields are valid in every combination, so a panic elsewhere leaves nothing half done.
        self.demand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until a line is wanted; `false` if none ever will be.
    fn wanted(&self) -> bool {
        let idle = |demand: &mut Demand| !demand.wanted && !demand.closed;
        let demand = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        !demand.closed
    }

    /// Hands over what was read; `false` if there is no more to read, or nothing to read for.
    fn deliver(demand: &mut Demand, input: Input, sender: &mpsc::UnboundedSender<Input>) -> bool {
        demand.wanted = false;
        let goes_on = !matches!(input, Input::Ended(_));
        sender.send(input).is_ok() && goes_on
    }

    fn read_pipe(&self, read: &mut ReadLine, sender: &mpsc::UnboundedSender<Input>) {
        while self.wanted() {
            let input = read();
            if !Self::deliver(&mut self.lock(), input, sender) {
                return;
            }
        }
    }

    #[cfg(unix)]
    fn read_tty(&self, sender: &mpsc::UnboundedSender<Input>) {
        let Some(tty) = &self.tty else { return };
        while self.wanted() {
            let ready = tty.wait();
            let mut demand = self.lock();
            if !demand.wanted {
                continue;
            }
            let input = match ready {
                Ok(()) => tty.take(&mut demand.partial),
                Err(error) => Some(tty::ended(error)),
            };
            if let Some(input) = input
                && !Self::deliver(&mut demand, input, sender)
            {
                return;
            }
        }
    }

    #[cfg(any(not(unix), test))]
    fn watch(&self, read: &mut ReadLine, sender: &mpsc::UnboundedSender<Input>) {
        loop {
            let input = read();
            let mut demand = self.lock();
            let counts = demand.wanted || matches!(input, Input::Ended(_));
            if demand.closed || (counts && !Self::deliver(&mut demand, input, sender)) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
