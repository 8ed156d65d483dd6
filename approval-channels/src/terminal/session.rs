//! The loop that joins the desk with the screen, the lines that people type, and the manager.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use approval_core::Clock;
use async_trait::async_trait;
use tokio::sync::{mpsc, watch};

use super::desk::{Ballot, Cue, Desk, Event, Reply, Scene};
use super::input::{Input, Lines};
use super::output::Screen;
use super::text::{Look, Page, Style};

/// Where answers go.
#[async_trait]
pub(super) trait Judge: Send + Sync + 'static {
    /// Hands on an answer, and says what became of it.
    async fn judge(&self, ballot: Ballot) -> Reply;
}

/// What a session receives from outside.
#[derive(Debug)]
pub(super) enum News {
    /// Something about a request.
    Event(Event),
    /// Print what was shown so far, then end.
    Stop,
}

/// Tells the columns of the terminal, which change when people resize it.
pub(super) type Width = Box<dyn Fn() -> Option<usize> + Send + Sync>;

/// One terminal at work.
pub(super) struct Session {
    /// The queue.
    pub(super) desk: Desk,
    /// What people type.
    pub(super) lines: Lines,
    /// What people see.
    pub(super) screen: Screen,
    /// News from the manager.
    pub(super) news: mpsc::UnboundedReceiver<News>,
    /// Where answers go.
    pub(super) judge: Arc<dyn Judge>,
    /// The time.
    pub(super) clock: Arc<dyn Clock>,
    /// Whether to use colours.
    pub(super) colour: bool,
    /// Columns to wrap at.
    pub(super) width: Width,
    /// How long a request is on the screen of a terminal before what is typed counts.
    pub(super) settle: Duration,
    /// Set once no person can answer any more.
    pub(super) over: watch::Sender<bool>,
}

/// An answer on its way.
type Sending = Pin<Box<dyn Future<Output = Event> + Send>>;

impl Session {
    /// Asks until the manager is gone.
    pub(super) async fn run(mut self) {
        let mut standing: Option<String> = None;
        let mut sending: Option<Sending> = None;
        loop {
            let (event, echo) = tokio::select! {
                // News first: a line for a request that is decided already should not be taken for it.
                biased;
                news = self.news.recv() => match news {
                    Some(News::Event(event)) => (event, None),
                    Some(News::Stop) | None => return self.leave(standing.is_some(), sending).await,
                },
                event = pending(&mut sending) => {
                    sending = None;
                    (event, None)
                }
                input = self.lines.next(), if standing.is_some() => event(input),
            };
            if let Err(error) = self.react(event, echo, &mut standing, &mut sending).await {
                // What cannot be read cannot be decided on.
                tracing::error!(%error, "the terminal cannot be written to; it asks no more");
                self.lines.pause();
                standing = None;
                self.desk.handle(Event::Ended(error.to_string()), self.scene());
                self.over.send_replace(true);
            }
        }
    }

    async fn react(
        &mut self,
        event: Event,
        echo: Option<String>,
        standing: &mut Option<String>,
        sending: &mut Option<Sending>,
    ) -> io::Result<()> {
        let typed = matches!(event, Event::Typed(_) | Event::Garbled(_));
        let over = matches!(event, Event::Ended(_));
        let scene = self.scene();
        let step = self.desk.handle(event, scene);
        if let Some(ballot) = step.send {
            let judge = Arc::clone(&self.judge);
            *sending = Some(Box::pin(async move {
                let (id, voter) = (ballot.id, ballot.voter.clone());
                Event::Sent { id, voter, reply: judge.judge(ballot).await }
            }));
        }
        let look = Look { colour: self.colour, width: scene.width };
        let mut text = step.page.paint(look);
        let unchanged = text.is_empty() && step.cue.as_ref().map(|cue| &cue.text) == standing.as_ref();
        if unchanged && !typed {
            return Ok(());
        }
        if standing.take().is_some() {
            text.insert_str(0, &self.after_cue(typed, echo, look));
        }
        self.screen.print(text).await?;
        match step.cue {
            Some(cue) => {
                self.ask(&cue, look).await?;
                *standing = Some(cue.text);
            }
            None => self.lines.pause(),
        }
        if over {
            self.over.send_replace(true);
        }
        Ok(())
    }

    /// Tells what became of the last answer, and leaves the cursor at the beginning of a line.
    async fn leave(mut self, standing: bool, sending: Option<Sending>) {
        self.lines.pause();
        let mut text = if standing { "\n".to_owned() } else { String::new() };
        if let Some(sending) = sending {
            self.desk.retire();
            let event = sending.await;
            let scene = self.scene();
            let look = Look { colour: self.colour, width: scene.width };
            text.push_str(&self.desk.handle(event, scene).page.paint(look));
        }
        if let Err(error) = self.screen.print(text).await {
            tracing::debug!(%error, "the terminal was gone before the program");
        }
    }

    /// What ends the line of the cue. People end it themselves when they type, with the terminal's echo.
    fn after_cue(&self, typed: bool, echo: Option<String>, look: Look) -> String {
        match (self.lines.typed(), typed) {
            (true, true) => String::new(),
            (false, true) => {
                Page::line(Style::Plain, &echo.unwrap_or_default()).paint(Look { width: None, ..look })
            }
            (_, false) => "\n".to_owned(),
        }
    }

    /// Puts the cue on the screen; from then on lines count.
    async fn ask(&mut self, cue: &Cue, look: Look) -> io::Result<()> {
        if self.lines.typed() {
            if cue.fresh {
                tokio::time::sleep(self.settle).await;
            }
            self.lines.discard();
        }
        let cue = Page::line(Style::Heading, &cue.text).paint(Look { width: None, ..look });
        self.screen.print(cue.trim_end_matches('\n').to_owned()).await
    }

    fn scene(&self) -> Scene {
        Scene { now: self.clock.now(), width: (self.width)() }
    }
}

fn event(input: Input) -> (Event, Option<String>) {
    match input {
        Input::Line(line) => (Event::Typed(line.clone()), Some(line)),
        Input::Garbled(why) => (Event::Garbled(why), None),
        Input::Ended(why) => (Event::Ended(why), None),
    }
}

/// Waits for the answer on its way; for ever if there is none.
async fn pending(sending: &mut Option<Sending>) -> Event {
    match sending {
        Some(sending) => sending.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
