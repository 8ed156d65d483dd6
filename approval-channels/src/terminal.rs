//! People at a terminal, or a script at the other end of a pipe.
//!
//! A [`Terminal`] shows each request whole (agent, action, description, risk, cost, deadline and every argument, with
//! hidden characters made visible) and reads one line as the answer: `y`, `n too much`, `edit cents=1200`, `ask why?`,
//! `skip`, or `?` for all words that count. Any other line decides nothing and is explained.
//!
//! Where calls to come may be approved along with a request, `always agent any for 2h times 5` approves it and is not asked again:
//! about calls of this `run`, this `agent` or this `action`, with `exactly` these arguments or `any`, for 24 hours unless said
//! (7 days at most), and any number of times unless said.
//!
//! Several requests queue; `later` turns to the next one and comes back. One that is decided elsewhere leaves with a line that says who decided. At the end of the
//! input nothing is decided; the terminal says what is still open and asks no more.
//!
//! When it starts, it also asks about what was open before: the run that had asked may be gone, and its screen with it.
//!
//! Where people type, what they typed before the prompt (`user:ann@example.com> `) appeared does not count. Where lines
//! are piped in, each answers one prompt, whenever it was written.
//!
//! ```no_run
//! use approval_channels::terminal::Terminal;
//! use approval_core::Principal;
//!
//! # fn main() -> Result<(), approval_core::Invalid> {
//! let terminal = Terminal::from_env().acting_as(Principal::user("ann@example.com")?);
//! # drop(terminal);
//! # Ok(())
//! # }
//! ```

mod desk;
mod devices;
mod edit;
mod form;
mod input;
mod json;
mod judge;
mod notifier;
mod output;
mod prompt;
mod render;
#[cfg(test)]
mod sample;
mod session;
mod strict;
mod text;
mod view;
mod wrap;

use std::fmt;
use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use approval_core::model::Text;
use approval_core::notify::Decider;
use approval_core::{Clock, Principal, SystemClock};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use self::devices::Devices;
use self::session::News;

/// How long a request stands on the screen before what people type counts.
const SETTLE: Duration = Duration::from_millis(300);

/// A channel that asks the people at one terminal.
///
/// It believes that the person who answers is the principal whom it [acts as](Self::acting_as): use it where that is so, such
/// as on the own machine.
pub struct Terminal {
    name: Text,
    acting_as: Vec<Principal>,
    elsewhere: String,
    clock: Arc<dyn Clock>,
    settle: Duration,
    /// Once it is started.
    decider: OnceLock<Decider>,
    /// Until it is started.
    idle: Mutex<Option<Idle>>,
    news: mpsc::UnboundedSender<News>,
    over: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the session takes over when it starts.
struct Idle {
    devices: Devices,
    news: mpsc::UnboundedReceiver<News>,
}

/// Tells when no person can answer at a terminal any more.
#[derive(Clone, Debug)]
pub struct InputEnd(watch::Receiver<bool>);

impl InputEnd {
    /// Whether the input has ended. That is noticed when an answer is waited for, not before.
    #[must_use]
    pub fn has_come(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the input has ended; for ever if the terminal is stopped before.
    pub async fn wait(&mut self) {
        if self.0.wait_for(|over| *over).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Terminal {
    /// Standard input and standard error of this process.
    ///
    /// One for each process: two would compete for the lines. What is a terminal and what a pipe is looked up; standard
    /// output is left alone, and standard input between two prompts. Colours are used where standard
    /// error is a terminal, unless the environment sets `NO_COLOR`, or `TERM` to `dumb`: these two variables are all
    /// that is read of the environment.
    #[must_use]
    pub fn from_env() -> Self {
        Self::on(Devices::standard())
    }

    /// Lines from a reader, each an answer whenever it was written, and output to a writer.
    ///
    /// ```
    /// use approval_channels::terminal::Terminal;
    ///
    /// let script = std::io::Cursor::new("y\nn too much\n");
    /// let terminal = Terminal::new(script, Vec::new());
    /// # drop(terminal);
    /// ```
    #[must_use]
    pub fn new(reader: impl BufRead + Send + 'static, writer: impl Write + Send + 'static) -> Self {
        Self::on(Devices::of(reader, writer))
    }

    /// A terminal device, such as `/dev/tty`, at which people type. What they typed before a prompt does not count.
    ///
    /// # Errors
    /// When the system does not duplicate the descriptor.
    #[cfg(unix)]
    pub fn on_tty(terminal: impl Into<std::os::fd::OwnedFd>) -> io::Result<Self> {
        Ok(Self::on(Devices::tty(terminal.into())?))
    }

    fn on(devices: Devices) -> Self {
        let (news, received) = mpsc::unbounded_channel();
        Self {
            name: "terminal".into(),
            acting_as: Vec::new(),
            elsewhere: "Decide through another channel, or run this again where a person can answer."
                .to_owned(),
            clock: Arc::new(SystemClock),
            settle: SETTLE,
            decider: OnceLock::new(),
            idle: Mutex::new(Some(Idle { devices, news: received })),
            news,
            over: watch::Sender::new(false),
            task: Mutex::new(None),
        }
    }

    /// In whose name answers are given. Called several times, the prompt asks who votes.
    #[must_use]
    pub fn acting_as(mut self, person: Principal) -> Self {
        if !self.acting_as.contains(&person) {
            self.acting_as.push(person);
        }
        self
    }

    /// The channel's name, if a manager has several terminals; `terminal` if nothing is said.
    #[must_use]
    pub fn named(mut self, name: impl Into<Text>) -> Self {
        self.name = name.into();
        self
    }

    /// What people are shown when they cannot decide here: how else they can.
    #[must_use]
    pub fn elsewhere(mut self, hint: impl Into<String>) -> Self {
        self.elsewhere = hint.into();
        self
    }

    /// Whether to use colours, whatever was looked up.
    #[must_use]
    pub fn colour(self, colour: bool) -> Self {
        self.adjust(|devices| devices.colour = colour)
    }

    /// Wraps lines after so many columns, whatever was looked up. Below 16 lines are not wrapped.
    #[must_use]
    pub fn width(self, columns: usize) -> Self {
        self.adjust(|devices| devices.width = Box::new(move || Some(columns)))
    }

    /// How long a request stands on the screen before what people type counts; 300 milliseconds if nothing is said.
    /// Keeps a key that was meant for something else from deciding. Without effect on piped lines.
    #[must_use]
    pub const fn settle(mut self, time: Duration) -> Self {
        self.settle = time;
        self
    }

    /// Where the time comes from that deadlines are compared with.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// A handle that tells when no person can answer here any more, for programs that should not wait then.
    #[must_use]
    pub fn input_end(&self) -> InputEnd {
        InputEnd(self.over.subscribe())
    }

    fn adjust(mut self, change: impl FnOnce(&mut Devices)) -> Self {
        let idle = self.idle.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(idle) = idle {
            change(&mut idle.devices);
        }
        self
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("name", &self.name)
            .field("acting_as", &self.acting_as)
            .finish_non_exhaustive()
    }
}
