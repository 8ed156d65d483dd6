//! People at one terminal, who read what is on the screen and type what its help tells them to.

use std::io::{self, BufReader, PipeWriter, Write};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

use approval_channels::terminal::Terminal;
use approval_core::notify::Notifier;
use approval_core::{Clock, Principal, RequestId};
use approval_testkit::channel_suite::{BoxError, ChannelFactory, ChannelPeople, Reply};
use async_trait::async_trait;
use tokio::sync::{Mutex, watch};
use tokio::time::{sleep, timeout};

/// Longer than any step takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks at a request that was put off for want of another.
const PAUSE: Duration = Duration::from_millis(5);

/// Terminals on pipes, at each of which everybody sits.
pub(super) struct Desks;

#[async_trait]
impl ChannelFactory for Desks {
    async fn set_up(
        &self,
        people: &[Principal],
        clock: Arc<dyn Clock>,
    ) -> Result<Box<dyn ChannelPeople>, BoxError> {
        let (reader, pipe) = io::pipe()?;
        let (printer, screen) = watch::channel(String::new());
        let unplugged = Arc::new(AtomicBool::new(false));
        let printer = Printer { screen: printer, unplugged: Arc::clone(&unplugged) };
        let terminal = Terminal::new(BufReader::new(reader), printer).clock(clock);
        let terminal = people.iter().cloned().fold(terminal, Terminal::acting_as);
        let keyboard = Mutex::new(Keyboard { pipe: Some(pipe), typed: 0 });
        Ok(Box::new(Desk { terminal: Arc::new(terminal), screen, unplugged, keyboard }))
    }
}

/// A terminal, and the people in front of it.
struct Desk {
    terminal: Arc<Terminal>,
    /// All that was printed. Closed when the terminal has printed its last words.
    screen: watch::Receiver<String>,
    unplugged: Arc<AtomicBool>,
    keyboard: Mutex<Keyboard>,
}

struct Keyboard {
    pipe: Option<PipeWriter>,
    /// How many lines.
    typed: usize,
}

struct Printer {
    screen: watch::Sender<String>,
    unplugged: Arc<AtomicBool>,
}

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.unplugged.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.screen.send_modify(|screen| screen.push_str(text));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[async_trait]
impl ChannelPeople for Desk {
    fn channel(&self) -> Arc<dyn Notifier> {
        Arc::<Terminal>::clone(&self.terminal)
    }

    async fn shown(&self, _: &Principal) -> Result<String, BoxError> {
        Ok(self.screen.borrow().clone())
    }

    async fn look_on(&self, _: &Principal) -> Result<(), BoxError> {
        let mut keyboard = self.keyboard.lock().await;
        let asks = Prompt::of(&self.screen.borrow(), keyboard.typed).is_some();
        // Without waiting: the request may be gone before the line is read, which then waits for the next prompt.
        if asks { keyboard.type_in("later") } else { Ok(()) }
    }

    async fn answer(&self, who: &Principal, request: RequestId, reply: &Reply) -> Result<bool, BoxError> {
        let mut keyboard = self.keyboard.lock().await;
        if keyboard.pipe.is_none() {
            return Ok(false);
        }
        let request = request.to_string();
        let taken = timeout(PATIENCE, self.decide(&mut keyboard, who.as_str(), &request, reply));
        taken.await.map_err(|_| format!("nothing came of {reply:?} on {}", *self.screen.borrow()))?
    }

    async fn cut_off(&self) -> Result<(), BoxError> {
        self.unplugged.store(true, Ordering::SeqCst);
        self.keyboard.lock().await.pipe = None;
        Ok(())
    }
}

impl Desk {
    async fn decide(
        &self,
        keyboard: &mut Keyboard,
        who: &str,
        request: &str,
        reply: &Reply,
    ) -> Result<bool, BoxError> {
        let Some(mut cue) = self.turn_to(keyboard, request).await? else { return Ok(false) };
        if cue != who && cue != "answer" {
            // Somebody else is asked first, or next.
            keyboard.type_in(&format!("who {who}"))?;
            let Some(now) = self.prompt(keyboard).await else { return Ok(false) };
            cue = now.cue;
            if cue != who {
                return Ok(false);
            }
        }
        let Some(mut said) = self.say(keyboard, &line(reply)).await? else { return Ok(false) };
        if cue == "answer" && said.starts_with("Who says so?") {
            if self.prompt(keyboard).await.is_none() {
                return Ok(false);
            }
            let Some(then) = self.say(keyboard, who).await? else { return Ok(false) };
            said = then;
        }
        Ok(!said.starts_with("That is none of these people"))
    }

    /// Puts other requests off until this one is at the prompt, and tells who is asked; `None` if that will never be.
    async fn turn_to(&self, keyboard: &mut Keyboard, request: &str) -> Result<Option<String>, BoxError> {
        loop {
            let typed = keyboard.typed;
            let turn = self.seen(|screen| match Prompt::of(screen, typed) {
                Some(prompt) if prompt.request == request => Some(Turn::Here(prompt.cue)),
                _ if screen.lines().any(|line| is_told(line, request)) => Some(Turn::Never),
                Some(_) => Some(Turn::Another),
                None => None,
            });
            match turn.await {
                Some(Turn::Here(cue)) => return Ok(Some(cue)),
                Some(Turn::Another) => {}
                Some(Turn::Never) | None => return Ok(None),
            }
            match self.say(keyboard, "later").await? {
                None => return Ok(None),
                // It has not arrived yet.
                Some(said) if said.starts_with("Nothing else") => sleep(PAUSE).await,
                Some(_) => {}
            }
        }
    }

    /// Types a line, and waits for what is said to it; `None` if nobody listens any more.
    async fn say(&self, keyboard: &mut Keyboard, line: &str) -> Result<Option<String>, BoxError> {
        keyboard.type_in(line)?;
        let typed = keyboard.typed;
        Ok(self.seen(|screen| after(screen, typed).filter(|said| !said.is_empty()).map(str::to_owned)).await)
    }

    /// Waits for the next prompt; `None` if there will be none.
    async fn prompt(&self, keyboard: &Keyboard) -> Option<Prompt> {
        self.seen(|screen| Prompt::of(screen, keyboard.typed)).await
    }

    /// Waits until there is something to be seen; `None` if the terminal is done before.
    async fn seen<T: Send>(&self, look: impl Fn(&str) -> Option<T> + Send) -> Option<T> {
        let mut screen = self.screen.clone();
        let mut found = None;
        let seen = |screen: &String| {
            found = look(screen);
            found.is_some()
        };
        drop(screen.wait_for(seen).await.ok()?);
        found
    }
}

impl Keyboard {
    fn type_in(&mut self, line: &str) -> Result<(), BoxError> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        self.typed += 1;
        match writeln!(pipe, "{line}") {
            // The terminal has stopped, and its end of the pipe is gone.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => Ok(result?),
        }
    }
}

/// Whose turn it is.
enum Turn {
    /// The request is at the prompt; who is asked.
    Here(String),
    /// Another one is.
    Another,
    /// The request was told of as decided.
    Never,
}

/// What the cursor stands behind.
struct Prompt {
    /// Who is asked, `answer` if that may be several people, or `who`.
    cue: String,
    /// Id of the request that is on the screen.
    request: String,
}

impl Prompt {
    /// The prompt at the end of the screen, once all lines that were typed have been taken.
    fn of(screen: &str, typed: usize) -> Option<Self> {
        let cue = after(screen, typed)?.rsplit('\n').next()?.strip_suffix("> ")?;
        let request = screen.lines().rev().find_map(|line| line.strip_prefix("  request     "))?;
        Some(Self { cue: cue.to_owned(), request: request.to_owned() })
    }
}

/// What was printed after so many typed lines had been taken; `None` if they have not.
///
/// The terminal repeats a piped line behind the prompt that it was taken for.
fn after(screen: &str, typed: usize) -> Option<&str> {
    if typed == 0 {
        return Some(screen);
    }
    let starts = screen.split_inclusive('\n').scan(0, |at, line| {
        *at += line.len();
        Some((line, *at))
    });
    let taken = starts.filter(|(line, _)| {
        let repeated = line.strip_suffix('\n').and_then(|line| line.split_once("> "));
        repeated.is_some_and(|(cue, rest)| !cue.contains(' ') && !rest.is_empty())
    });
    taken.skip(typed - 1).find_map(|(_, end)| screen.get(end..))
}

/// Whether a line tells of a request without asking about it.
fn is_told(line: &str, request: &str) -> bool {
    line.starts_with("For your information: ") && line.contains(request)
}

fn line(reply: &Reply) -> String {
    match reply {
        Reply::Approve => "y".to_owned(),
        // No key types a control character into a line.
        Reply::Reject(why) => format!("n {}", why.replace(char::is_control, "")),
        Reply::Edit { path, value } => format!("edit {path}={value}"),
        Reply::Answer(value) => format!("answer {value}"),
    }
}
