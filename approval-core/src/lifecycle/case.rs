//! One command on one request, and the checks that many commands share.

use super::{Command, Facts, NotEligible, Refusal, eligibility::Seating, history::Change};
use crate::{
    clock::Timestamp,
    model::{ArgumentsDigest, Principal, Request},
};

/// Who wants what, when, and what is known.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) request: &'a Request,
    pub(super) command: &'a Command,
    pub(super) facts: &'a Facts<'a>,
    pub(super) now: Timestamp,
}

impl<'a> Case<'a> {
    /// A change to begin with; the actor as in the command.
    pub(super) fn change(&self) -> Change<'a> {
        self.change_by(&self.command.actor)
    }

    /// A change to begin with, under the actor's canonical name.
    pub(super) fn change_by(&self, actor: &'a Principal) -> Change<'a> {
        Change::new(self.request.clone(), actor, self.command.via.as_ref(), self.now)
    }

    /// Who sits where.
    pub(super) fn seating(&self) -> Seating<'a> {
        Seating::new(self.request, self.facts.people)
    }

    /// Refuses when it is decided, or the deadline has passed.
    pub(super) fn open(&self) -> Result<(), Refusal> {
        self.undecided()?;
        match self.request.deadline {
            Some(deadline) if self.now >= deadline => Err(Refusal::DeadlinePassed(deadline)),
            _ => Ok(()),
        }
    }

    /// Refuses when it is decided.
    pub(super) fn undecided(&self) -> Result<(), Refusal> {
        match &self.request.decision {
            Some(decision) => Err(Refusal::AlreadyDecided(decision.clone())),
            None => Ok(()),
        }
    }

    /// The canonical name of the actor, who must be eligible to vote.
    pub(super) fn voter(&self) -> Result<&'a Principal, Refusal> {
        self.seating().voter(&self.command.actor).map_err(|why| self.not_an_approver(why))
    }

    /// The canonical name of the actor, who must be eligible, even if the seat is taken meanwhile.
    pub(super) fn approver(&self) -> Result<&'a Principal, Refusal> {
        self.seating().approver(&self.command.actor).map_err(|why| self.not_an_approver(why))
    }

    fn not_an_approver(&self, why: NotEligible) -> Refusal {
        Refusal::NotAnApprover { who: self.command.actor.clone(), why }
    }

    /// Whether the actor is an eligible approver, even if the seat is taken meanwhile.
    pub(super) fn is_approver(&self) -> bool {
        self.approver().is_ok()
    }

    /// Whether the actor is the agent that asked.
    pub(super) fn is_requester(&self) -> bool {
        self.command.actor == self.request.requester
    }

    /// Whether the actor is the person behind the agent.
    pub(super) fn is_principal(&self) -> bool {
        let people = self.facts.people;
        let actor = people.canonical(&self.command.actor);
        self.request.on_behalf_of.as_ref().is_some_and(|person| people.canonical(person) == actor)
    }

    /// The actor's canonical name.
    pub(super) fn actor(&self) -> &'a Principal {
        self.facts.people.canonical(&self.command.actor)
    }

    /// Refuses what was decided on by the sight of other arguments.
    pub(super) fn saw(&self, seen: ArgumentsDigest) -> Result<(), Refusal> {
        let current = self.request.revision.digest;
        if seen == current { Ok(()) } else { Err(Refusal::ArgumentsChanged { seen, current }) }
    }

    /// The actor may not do this.
    pub(super) fn not_permitted(&self, why: &'static str) -> Refusal {
        Refusal::NotPermitted { who: self.command.actor.clone(), why }
    }
}
