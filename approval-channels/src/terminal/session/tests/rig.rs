//! A session with something to type on and something to read from.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approval_core::{Clock, clock::Timestamp};
use async_trait::async_trait;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::ioctl_fionread;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::super::super::desk::{Ballot, Desk, Event, Reply, Verdict};
use super::super::super::input::{Lines, Source, Tty, line};
use super::super::super::output::Screen;
use super::super::super::sample::{id, now, principal, view};
use super::super::super::view::View;
use super::super::{Judge, News, Session};

pub(super) const ANN: &str = "user:ann@example.com";
pub(super) const BOB: &str = "user:bob@example.com";

/// Longer than any step of a test takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a request stands before it can be answered, where a test types meanwhile.
pub(super) const SLOW: Duration = Duration::from_secs(3);

pub(super) struct Rig {
    keyboard: Option<Box<dyn Write + Send>>,
    /// The side of the pseudo terminal that the session has, to look at what waits there.
    device: Option<OwnedFd>,
    /// Held as long as the pseudo terminal is to be read.
    plugged_in: Option<io::PipeWriter>,
    output: mpsc::UnboundedReceiver<String>,
    all: String,
    unread: String,
    news: mpsc::UnboundedSender<News>,
    ballots: mpsc::UnboundedReceiver<Ballot>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    ended: watch::Receiver<bool>,
}

#[derive(Clone, Copy)]
struct Manner {
    colour: bool,
    settle: Duration,
}

#[derive(Debug)]
struct StoppedClock;

#[async_trait]
impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn sleep_until(&self, _: Timestamp) {
        std::future::pending::<()>().await;
    }
}

struct Clerk {
    ballots: mpsc::UnboundedSender<Ballot>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
}

#[async_trait]
impl Judge for Clerk {
    async fn judge(&self, ballot: Ballot) -> Reply {
        let reply = self.replies.lock().unwrap().pop_front();
        let decided = || Reply { verdict: Verdict::Decided, text: "that was all".to_owned(), view: None };
        let reply = reply.unwrap_or_else(decided);
        self.ballots.send(ballot).unwrap();
        reply
    }
}

fn piped(reader: io::PipeReader) -> Source {
    let mut reader = BufReader::new(reader);
    Source::Piped(Box::new(move || line(&mut reader)))
}

struct Printer(mpsc::UnboundedSender<String>);

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        self.0.send(text).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Rig {
    /// Lines through a pipe, output into a string.
    pub(super) fn piped() -> Self {
        Self::on_pipe(false)
    }

    /// The same in colour.
    pub(super) fn coloured() -> Self {
        Self::on_pipe(true)
    }

    fn on_pipe(colour: bool) -> Self {
        let (reader, writer) = io::pipe().unwrap();
        let (printer, output) = mpsc::unbounded_channel();
        let source = piped(reader);
        let manner = Manner { colour, settle: Duration::ZERO };
        Self::start(source, Box::new(Printer(printer)), Box::new(writer), output, manner)
    }

    /// Lines through a pipe, output into the void.
    pub(super) fn unwritable() -> Self {
        let (reader, writer) = io::pipe().unwrap();
        let (printer, output) = mpsc::unbounded_channel();
        drop(output);
        let source = piped(reader);
        let (_, output) = mpsc::unbounded_channel();
        Self::start(
            source,
            Box::new(Printer(printer)),
            Box::new(writer),
            output,
            Manner { colour: false, settle: Duration::ZERO },
        )
    }

    /// A pseudo terminal, with the line discipline and the echo of the kernel.
    pub(super) fn tty() -> Self {
        Self::on_tty(Duration::from_millis(10))
    }

    /// The same; a request stands for so long before it can be answered that a test can type meanwhile.
    pub(super) fn slow_tty() -> Self {
        Self::on_tty(SLOW)
    }

    fn on_tty(settle: Duration) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let terminal: OwnedFd =
            open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let writer = File::from(terminal.try_clone().unwrap());
        let device = terminal.try_clone().unwrap();
        let (printer, output) = mpsc::unbounded_channel();
        let mut monitor = File::from(keyboard.try_clone().unwrap());
        let (closing, plugged_in) = io::pipe().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let mut ready = [PollFd::new(&monitor, PollFlags::IN), PollFd::new(&closing, PollFlags::IN)];
                poll(&mut ready, None).unwrap();
                if !ready[1].revents().is_empty() {
                    return;
                }
                // An error: the terminal's side is closed.
                let Ok(count) = monitor.read(&mut buffer) else { return };
                if printer.send(String::from_utf8_lossy(&buffer[..count]).into_owned()).is_err() {
                    return;
                }
            }
        });
        let source = Source::Typed(Tty::new(terminal));
        let mut rig = Self::start(
            source,
            Box::new(writer),
            Box::new(File::from(keyboard)),
            output,
            Manner { colour: false, settle },
        );
        rig.plugged_in = Some(plugged_in);
        rig.device = Some(device);
        rig
    }

    fn start(
        source: Source,
        writer: Box<dyn Write + Send>,
        keyboard: Box<dyn Write + Send>,
        output: mpsc::UnboundedReceiver<String>,
        manner: Manner,
    ) -> Self {
        let (news, received) = mpsc::unbounded_channel();
        let (sender, ballots) = mpsc::unbounded_channel();
        let (end, ended) = watch::channel(false);
        let replies = Arc::<Mutex<VecDeque<Reply>>>::default();
        let session = Session {
            desk: Desk::new("To decide, decide at the front desk.".to_owned()),
            lines: Lines::start(source).unwrap(),
            screen: Screen::start(writer).unwrap(),
            news: received,
            judge: Arc::new(Clerk { ballots: sender, replies: Arc::clone(&replies) }),
            clock: Arc::new(StoppedClock),
            colour: manner.colour,
            width: Box::new(|| None),
            settle: manner.settle,
            over: end,
        };
        tokio::spawn(session.run());
        Self {
            keyboard: Some(keyboard),
            plugged_in: None,
            device: None,
            output,
            all: String::new(),
            unread: String::new(),
            news,
            ballots,
            replies,
            ended,
        }
    }

    pub(super) fn ask(&self, name: &str, voter: &str) {
        let view = Box::new(View { id: id(name), ..view() });
        self.tell(Event::Asked { view, voters: vec![principal(voter)], why: "it is asked about again" });
    }

    pub(super) fn close_request(&self, name: &str, how: &str) {
        self.tell(Event::Closed { id: id(name), how: how.to_owned() });
    }

    fn tell(&self, event: Event) {
        self.news.send(News::Event(event)).unwrap();
    }

    pub(super) fn replies<const N: usize>(&self, replies: [Reply; N]) {
        self.replies.lock().unwrap().extend(replies);
    }

    pub(super) fn type_in(&mut self, text: &str) {
        self.keyboard.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the session has taken what was typed.
    pub(super) async fn until_taken(&self) {
        let device = self.device.as_ref().unwrap();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while ioctl_fionread(device).unwrap() > 0 {
            assert!(tokio::time::Instant::now() < deadline, "it is not taken");
            tokio::task::yield_now().await;
        }
    }

    /// Closes the pipe, or hangs up.
    pub(super) fn close(&mut self) {
        self.keyboard = None;
        self.plugged_in = None;
        self.device = None;
    }

    /// Reads on until the text appears.
    pub(super) async fn until(&mut self, text: &str) {
        loop {
            if let Some(at) = self.unread.find(text) {
                self.unread.drain(..at + text.len());
                return;
            }
            let Ok(Some(more)) = timeout(PATIENCE, self.output.recv()).await else {
                panic!("{text:?} did not appear in {:?}", self.all)
            };
            self.all.push_str(&more);
            self.unread.push_str(&more);
        }
    }

    /// All that was read so far.
    pub(super) fn seen(&self) -> &str {
        &self.all
    }

    pub(super) async fn ballot(&mut self) -> Ballot {
        timeout(PATIENCE, self.ballots.recv()).await.expect("an answer in time").expect("a session")
    }

    pub(super) fn ballots_so_far(&mut self) -> usize {
        let mut count = 0;
        while self.ballots.try_recv().is_ok() {
            count += 1;
        }
        count
    }

    pub(super) async fn ended(&mut self) {
        timeout(PATIENCE, self.ended.wait_for(|ended| *ended))
            .await
            .expect("an end in time")
            .expect("a session");
    }
}
