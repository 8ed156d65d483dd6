//! One request on the desk, and the people at this terminal who are asked about it.

use approval_core::Principal;

use super::Scene;
use crate::terminal::prompt;
use crate::terminal::render;
use crate::terminal::text::{Line, Page, Style};
use crate::terminal::view::View;

/// A request, in the newest state that is known.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) view: View,
    voters: Vec<Voter>,
    /// Not asked about at the moment: skipped, or waiting for others.
    pub(super) shelved: bool,
}

#[derive(Debug)]
struct Voter {
    name: Principal,
    voted: bool,
}

/// What people have not seen yet of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// Other arguments.
    pub(super) arguments: bool,
    /// Something was said.
    pub(super) remarks: bool,
    /// How others voted.
    pub(super) votes: bool,
}

impl Entry {
    pub(super) fn new(view: View, voters: Vec<Principal>) -> Self {
        let voters = voters.into_iter().map(|name| Voter { name, voted: false }).collect();
        Self { view, voters, shelved: false }
    }

    /// Another person is asked.
    pub(super) fn add(&mut self, name: Principal) {
        if !self.voters.iter().any(|known| known.name == name) {
            self.voters.push(Voter { name, voted: false });
        }
    }

    /// Everybody here who is asked.
    pub(super) fn voters(&self) -> Vec<&Principal> {
        self.voters.iter().map(|voter| &voter.name).collect()
    }

    /// Those who have not voted yet, or all of them if everybody has: a latest vote replaces an earlier one.
    pub(super) fn open(&self) -> Vec<&Principal> {
        let waiting: Vec<_> =
            self.voters.iter().filter(|voter| !voter.voted).map(|voter| &voter.name).collect();
        if waiting.is_empty() { self.voters() } else { waiting }
    }

    pub(super) fn all_voted(&self) -> bool {
        self.voters.iter().all(|voter| voter.voted)
    }

    /// Notes a vote; the request is set aside when everybody here has voted.
    pub(super) fn voted(&mut self, name: &Principal) {
        self.voters.iter_mut().filter(|known| known.name == *name).for_each(|known| known.voted = true);
        self.shelved = self.all_voted();
    }

    /// Takes over a newer state, and tells what is new. Arguments before an edit that is known here come from a notice that
    /// was overtaken on its way.
    pub(super) fn renew(&mut self, view: View) -> News {
        if view.revision < self.view.revision {
            return News::default();
        }
        let news = News {
            arguments: self.view.digest != view.digest,
            remarks: self.view.remarks != view.remarks,
            votes: self.view.votes != view.votes,
        };
        self.view = view;
        if news.arguments {
            // Votes were for other arguments.
            self.voters.iter_mut().for_each(|voter| voter.voted = false);
        }
        if news.arguments || news.remarks {
            self.shelved = false;
        }
        news
    }

    /// The request as people see it, with the most needed words below.
    pub(super) fn screen(&self, others: usize, scene: Scene) -> Page {
        let mut page = render::request(&self.view, scene.now, scene.width);
        if others > 0 {
            page.push(Line::new(Style::Label, &format!("  {others} more waiting, l = those first")));
        }
        page.push(Line::new(Style::Hint, &prompt::hint(&self.view)));
        page
    }

    /// The words that count.
    pub(super) fn help(&self) -> Page {
        prompt::help(&self.view)
            .into_iter()
            .map(|(usage, meaning)| {
                Line::of([(Style::Hint, &format!("  {usage:24}")), (Style::Plain, meaning)]).hang(26)
            })
            .collect()
    }

    /// Who may vote here, and who has.
    pub(super) fn who(&self) -> Page {
        (1..)
            .zip(&self.voters)
            .map(|(number, voter)| {
                let state = if voter.voted { "has voted" } else { "has not voted" };
                Line::new(Style::Plain, &format!("  {number}) {} {state}", voter.name))
            })
            .collect()
    }
}
