//! The queue in front of the people at the terminal, as a state machine without input, output or clock.

mod entry;

use std::collections::BTreeSet;

use approval_core::Principal;
use approval_core::clock::Timestamp;
use approval_core::id::RequestId;
use approval_core::model::ArgumentsDigest;

use self::entry::{Entry, News};
use super::prompt::{self, Answer, Said};
use super::render;
use super::text::{Line, Page, Style};
use super::view::View;

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event {
    /// These people are asked, for the first time or again.
    Asked {
        /// The request as it stands.
        view: Box<View>,
        /// Who may answer here.
        voters: Vec<Principal>,
        /// Why again, as half a sentence.
        why: &'static str,
    },
    /// It needs no decision any more: decided elsewhere, out of time, or cancelled.
    Closed {
        /// The request.
        id: RequestId,
        /// Who decided what, as half a sentence.
        how: String,
    },
    /// Something to be shown that asks for nothing.
    Told(String),
    /// A person typed a line.
    Typed(String),
    /// A line could not be read; why.
    Garbled(&'static str),
    /// No line will come any more; why.
    Ended(String),
    /// The manager answered to what was sent.
    Sent {
        /// The request.
        id: RequestId,
        /// Who had answered.
        voter: Principal,
        /// What became of it.
        reply: Reply,
    },
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    /// In short.
    pub(super) verdict: Verdict,
    /// For the person who answered.
    pub(super) text: String,
    /// The request as it stands now.
    pub(super) view: Option<Box<View>>,
}

/// What became of an answer, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It counts, and the request is decided by it.
    Decided,
    /// The vote counts; more votes are needed.
    Voted,
    /// It was handed on, and the same person may still vote.
    HandedOn,
    /// It does not count; another one may.
    Refused,
    /// It does not count, and nothing will.
    TooLate,
}

/// An answer on its way to the manager.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ballot {
    /// The request.
    pub(super) id: RequestId,
    /// Digest of the arguments that were on the screen.
    pub(super) digest: ArgumentsDigest,
    /// Who answers.
    pub(super) voter: Principal,
    /// What.
    pub(super) answer: Answer,
}

/// What to wait for at the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cue {
    /// The words in front of the cursor.
    pub(super) text: String,
    /// Whether a request has just been put on the screen that was not there before.
    pub(super) fresh: bool,
}

/// What to do about an event: print, send, and then wait for a line if there is a cue.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Step {
    /// To be printed.
    pub(super) page: Page,
    /// To be sent to the manager.
    pub(super) send: Option<Ballot>,
    /// Whether a line is wanted.
    pub(super) cue: Option<Cue>,
    /// Whether the page holds a request that was not on the screen before.
    fresh: bool,
}

impl Step {
    fn page(page: Page) -> Self {
        Self { page, ..Self::default() }
    }

    fn line(style: Style, text: &str) -> Self {
        Self::page(Page::line(style, text))
    }
}

/// What rendering depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    /// The time.
    pub(super) now: Timestamp,
    /// Columns of the terminal.
    pub(super) width: Option<usize>,
}

/// What the prompt is about. The request that it names is the one on the screen.
#[derive(Debug, PartialEq)]
enum State {
    /// Nothing to ask.
    Idle,
    /// Waiting for an answer; `voter` is set once the person said who votes.
    Asking { id: RequestId, voter: Option<Principal> },
    /// Waiting to hear who gave this answer.
    Choosing { id: RequestId, answer: Answer },
    /// Waiting for the manager.
    Sending { id: RequestId },
    /// No person can answer any more.
    Over,
}

impl State {
    const fn asking(id: RequestId) -> Self {
        Self::Asking { id, voter: None }
    }
}

/// Requests in the order in which they are asked about.
#[derive(Debug)]
pub(super) struct Desk {
    entries: Vec<Entry>,
    state: State,
    /// Requests that were shown as left undecided, since no person can answer any more.
    left: BTreeSet<RequestId>,
    /// What to do instead, shown when no person can be asked here.
    elsewhere: String,
}

impl Desk {
    /// An empty desk; `elsewhere` tells how to decide when no person can be asked here.
    pub(super) const fn new(elsewhere: String) -> Self {
        Self { entries: Vec::new(), state: State::Idle, left: BTreeSet::new(), elsewhere }
    }

    /// From now on no further request is put on the screen.
    pub(super) fn retire(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.shelved = true);
    }

    /// Takes note of an event and says what to do.
    pub(super) fn handle(&mut self, event: Event, scene: Scene) -> Step {
        let mut step = match event {
            Event::Asked { view, voters, why } => self.asked(*view, voters, why, scene),
            Event::Closed { id, how } => self.closed(id, &how),
            Event::Told(text) => Step::line(Style::Plain, &text),
            Event::Typed(line) => self.typed(&line, scene),
            Event::Garbled(why) => self.garbled(why),
            Event::Ended(why) => self.ended(&why),
            Event::Sent { id, voter, reply } => self.sent(id, &voter, reply, scene),
        };
        if self.state == State::Idle
            && let Some(entry) = self.entries.iter().find(|entry| !entry.shelved)
        {
            self.state = State::asking(entry.view.id);
            let others = self.waiting().saturating_sub(1);
            step.page.append(entry.screen(others, scene));
            step.fresh = true;
        }
        step.cue = self.cue().map(|text| Cue { text, fresh: step.fresh });
        step
    }

    /// The words in front of the cursor, if a line is wanted.
    fn cue(&self) -> Option<String> {
        match &self.state {
            State::Asking { voter: Some(voter), .. } => Some(format!("{voter}> ")),
            State::Asking { id, voter: None } => {
                let open = self.entry(*id)?.open();
                Some(if let [one] = open.as_slice() { format!("{one}> ") } else { "answer> ".to_owned() })
            }
            State::Choosing { .. } => Some("who> ".to_owned()),
            State::Idle | State::Sending { .. } | State::Over => None,
        }
    }

    fn entry(&self, id: RequestId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.view.id == id)
    }

    fn entry_mut(&mut self, id: RequestId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.view.id == id)
    }

    /// Asks about all the others before this one.
    fn put_last(&mut self, id: RequestId) {
        if let Some(at) = self.entries.iter().position(|entry| entry.view.id == id) {
            let entry = self.entries.remove(at);
            self.entries.push(entry);
        }
    }

    /// How many requests are asked about.
    fn waiting(&self) -> usize {
        self.entries.iter().filter(|entry| !entry.shelved).count()
    }

    /// The request on the screen.
    const fn current(&self) -> Option<RequestId> {
        match &self.state {
            State::Asking { id, .. } | State::Choosing { id, .. } | State::Sending { id } => Some(*id),
            State::Idle | State::Over => None,
        }
    }

    fn asked(&mut self, view: View, voters: Vec<Principal>, why: &str, scene: Scene) -> Step {
        if self.state == State::Over {
            if !self.left.insert(view.id) {
                // It is one of those that were open at the end, or is shown to one more person.
                return Step::default();
            }
            let mut page = render::request(&view, scene.now, scene.width);
            page.push(Line::new(
                Style::Warning,
                &format!("No person can answer here any more. {}", self.elsewhere),
            ));
            return Step::page(page);
        }
        let id = view.id;
        match self.entry_mut(id) {
            None => {
                self.entries.push(Entry::new(view, voters));
                Step::default()
            }
            Some(entry) => {
                for voter in voters {
                    entry.add(voter);
                }
                entry.shelved = entry.shelved && entry.all_voted();
                self.renew(view, why, scene)
            }
        }
    }

    /// Takes over the newest state of a known request, and shows what of it people have not seen.
    fn renew(&mut self, view: View, why: &str, scene: Scene) -> Step {
        let id = view.id;
        let on_screen = self.current() == Some(id);
        let Some(entry) = self.entry_mut(id) else { return Step::default() };
        let news = entry.renew(view);
        if !on_screen || news == News::default() {
            return Step::default();
        }
        let mut page = Page::line(Style::Warning, &format!("Changed while you looked: {why}."));
        if !news.arguments && !news.remarks {
            page.append(render::votes(&entry.view));
            return Step::page(page);
        }
        page.append(entry.screen(0, scene));
        if !matches!(self.state, State::Sending { .. }) {
            self.state = State::asking(id);
        }
        Step { page, fresh: true, ..Step::default() }
    }

    fn closed(&mut self, id: RequestId, how: &str) -> Step {
        let Some(at) = self.entries.iter().position(|entry| entry.view.id == id) else {
            return Step::default();
        };
        let entry = self.entries.remove(at);
        if self.current() == Some(id) {
            self.state = State::Idle;
        }
        Step::line(
            Style::Warning,
            &format!("{}: {how}. Nothing to do here any more.", render::title(&entry.view)),
        )
    }

    fn typed(&mut self, line: &str, scene: Scene) -> Step {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Asking { id, voter } => self.answered(id, voter, line, scene),
            State::Choosing { id, answer } => self.chosen(id, answer, line),
            other @ (State::Idle | State::Sending { .. } | State::Over) => {
                self.state = other;
                Step::default()
            }
        }
    }

    fn answered(&mut self, id: RequestId, voter: Option<Principal>, line: &str, scene: Scene) -> Step {
        let elsewhere = self.elsewhere.clone();
        let others = self.waiting() > 1;
        let Some(entry) = self.entry_mut(id) else { return Step::default() };
        let page = match prompt::read(line, &entry.view) {
            Said::Answer(answer) => return self.answer(id, voter, answer),
            Said::Skip => {
                entry.shelved = true;
                let text = format!("Skipped: {} stays undecided. {elsewhere}", render::title(&entry.view));
                return Step::line(Style::Plain, &text);
            }
            Said::Later if others => {
                self.put_last(id);
                return Step::default();
            }
            Said::Later => Page::line(Style::Plain, "Nothing else is waiting."),
            Said::Show => entry.screen(0, scene),
            Said::Help => entry.help(),
            Said::Who(None) => entry.who(),
            Said::Who(Some(name)) => {
                let found = pick(&entry.voters(), &name);
                let page = if found.is_some() { Page::default() } else { entry.who() };
                self.state = State::Asking { id, voter: found.or(voter) };
                return Step::page(page);
            }
            Said::Unclear(why) => unclear(&why),
        };
        self.state = State::Asking { id, voter };
        Step::page(page)
    }

    /// Sends the answer if it is clear whose it is, else asks.
    fn answer(&mut self, id: RequestId, voter: Option<Principal>, answer: Answer) -> Step {
        let Some(entry) = self.entry(id) else { return Step::default() };
        let open = entry.open();
        let only = if let [one] = open.as_slice() { Some((*one).clone()) } else { None };
        let Some(voter) = voter.or(only) else {
            let mut page = Page::line(Style::Hint, "Who says so?");
            for (number, name) in (1..).zip(&open) {
                page.push(Line::new(Style::Plain, &format!("  {number}) {name}")));
            }
            self.state = State::Choosing { id, answer };
            return Step::page(page);
        };
        let send = Some(Ballot { id, digest: entry.view.digest, voter, answer });
        self.state = State::Sending { id };
        Step { send, ..Step::default() }
    }

    fn chosen(&mut self, id: RequestId, answer: Answer, line: &str) -> Step {
        let Some(entry) = self.entry(id) else { return Step::default() };
        if let Some(voter) = pick(&entry.open(), line.trim_matches([' ', '\t'])) {
            return self.answer(id, Some(voter), answer);
        }
        self.state = State::asking(id);
        Step::line(Style::Warning, "That is none of these people: nothing was decided.")
    }

    fn garbled(&mut self, why: &str) -> Step {
        if let State::Choosing { id, .. } = self.state {
            self.state = State::asking(id);
        }
        Step::page(unclear(why))
    }

    fn ended(&mut self, why: &str) -> Step {
        self.state = State::Over;
        let text = format!("{why}: no person can answer here any more. What is open stays undecided:");
        let mut page = Page::line(Style::Warning, &text);
        for entry in self.entries.drain(..) {
            self.left.insert(entry.view.id);
            let text = format!("  {} ({})", render::title(&entry.view), entry.view.id);
            page.push(Line::new(Style::Plain, &text));
        }
        page.push(Line::new(Style::Plain, &self.elsewhere));
        Step::page(page)
    }

    fn sent(&mut self, id: RequestId, voter: &Principal, reply: Reply, scene: Scene) -> Step {
        let Reply { verdict, text, view } = reply;
        let on_screen = self.state == State::Sending { id };
        let style = match verdict {
            Verdict::Decided | Verdict::Voted => Style::Good,
            Verdict::HandedOn => Style::Plain,
            Verdict::Refused | Verdict::TooLate => Style::Danger,
        };
        let mut step = Step::line(style, &text);
        let over = self.state == State::Over;
        let Some(entry) = self.entry_mut(id) else {
            // It was decided by this very answer, and that news was faster.
            let told = verdict == Verdict::Decided && !over;
            return if told { Step::default() } else { step };
        };
        let news = view.map(|view| entry.renew(*view));
        match verdict {
            Verdict::Decided | Verdict::TooLate => self.entries.retain(|entry| entry.view.id != id),
            Verdict::Voted => entry.voted(voter),
            // Others first; this one again while the answer is awaited.
            Verdict::HandedOn => self.put_last(id),
            Verdict::Refused => {}
        }
        if !on_screen {
            return step;
        }
        let asked = self.entry(id).filter(|entry| !entry.shelved);
        match asked.filter(|_| verdict != Verdict::HandedOn || self.waiting() == 1) {
            None => self.state = State::Idle,
            Some(entry) => {
                // A question of one's own is no news to oneself.
                if news.is_some_and(|news| news.arguments || (news.remarks && verdict != Verdict::HandedOn)) {
                    step.page.append(entry.screen(0, scene));
                    step.fresh = true;
                }
                self.state = State::asking(id);
            }
        }
        step
    }
}

fn unclear(why: &str) -> Page {
    let mut page = Page::line(Style::Warning, &format!("Nothing was decided: {why}."));
    page.push(Line::new(Style::Hint, "Write ? for the words that count."));
    page
}

/// The one of that number, counted from 1, or of that name.
fn pick(names: &[&Principal], text: &str) -> Option<Principal> {
    let by_number = prompt::number(text).and_then(|index| names.get(index));
    by_number.or_else(|| names.iter().find(|name| name.as_str() == text)).map(|name| (*name).clone())
}

#[cfg(test)]
mod tests;
