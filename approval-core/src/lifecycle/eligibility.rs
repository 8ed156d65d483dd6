//! Who may fill a seat: asked directly, through a group, by escalation or by delegation, and barred by nothing.

use super::NotEligible;
use crate::model::{Delegation, DelegationRule, People, Principal, Request, Risk, Vote};

/// Most hand-overs between the person whose seat it is and the person who sits in it.
pub(super) const DELEGATION_DEPTH: usize = 3;

/// Whether a person may fill a seat of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seat {
    /// No.
    None,
    /// By delegation, but a person whose seat it was has voted after all.
    Taken,
    /// Yes.
    Free,
}

/// A person who sits in the seat of one who is out of office.
#[derive(Clone, Copy)]
pub(super) struct StandIn<'a> {
    /// Whose seat.
    pub(super) owner: &'a Principal,
    /// Who sits in it.
    pub(super) person: &'a Principal,
}

/// A request and the directory, for judging people. Names of people are canonical unless said otherwise.
#[derive(Clone, Copy)]
pub(super) struct Seating<'a> {
    request: &'a Request,
    people: &'a People,
    /// Whether the stand-in of a person may sit in that person's seat.
    stand_ins: bool,
}

impl<'a> Seating<'a> {
    pub(super) fn new(request: &'a Request, people: &'a People) -> Self {
        let stand_ins = !people.stand_ins.is_empty() && request.gate.delegation != DelegationRule::Forbidden;
        Self { request, people, stand_ins }
    }

    /// The same without stand-ins.
    pub(super) const fn without_stand_ins(mut self) -> Self {
        self.stand_ins = false;
        self
    }

    /// Who stands in for whom at this moment and is not barred: seats that were not handed on by hand.
    pub(super) fn stand_ins(&self) -> impl Iterator<Item = StandIn<'a>> {
        let all = self.people.stand_ins.iter().filter(|_| self.stand_ins);
        all.filter_map(|(owner, person)| {
            let (owner, person) = (self.people.person(owner)?, self.people.person(person)?);
            let handed_on = |one: &Delegation| self.people.person(&one.from) == Some(owner);
            let free = owner != person
                && self.barred(owner).is_none()
                && self.barred(person).is_none()
                && !self.request.delegations.iter().any(handed_on);
            free.then_some(StandIn { owner, person })
        })
    }

    /// The request.
    pub(super) const fn request(&self) -> &'a Request {
        self.request
    }

    /// The directory.
    pub(super) const fn people(&self) -> &'a People {
        self.people
    }

    /// The canonical name of an actor who might vote.
    ///
    /// # Errors
    /// Why the actor may not.
    pub(super) fn voter(&self, actor: &'a Principal) -> Result<&'a Principal, NotEligible> {
        match self.asked_person(actor)? {
            (person, Seat::Free) => Ok(person),
            (_, Seat::Taken | Seat::None) => Err(NotEligible::SeatTaken),
        }
    }

    /// The canonical name of an actor who is asked to decide, even if another person has taken the seat meanwhile.
    ///
    /// # Errors
    /// Why the actor is not.
    pub(super) fn approver(&self, actor: &'a Principal) -> Result<&'a Principal, NotEligible> {
        self.asked_person(actor).map(|(person, _)| person)
    }

    /// The canonical name of an actor who is asked to decide, and the best seat that the actor may fill.
    fn asked_person(&self, actor: &'a Principal) -> Result<(&'a Principal, Seat), NotEligible> {
        if !actor.is_person() {
            return Err(NotEligible::NotAPerson);
        }
        let person = self.people.person(actor).ok_or(NotEligible::Unknown)?;
        if let Some(why) = self.barred(person) {
            return Err(why);
        }
        match self.best_seat(person) {
            Seat::None => Err(NotEligible::NotAsked),
            seat @ (Seat::Taken | Seat::Free) => Ok((person, seat)),
        }
    }

    /// Why a person never counts, whatever the gate names.
    pub(super) fn barred(&self, person: &Principal) -> Option<NotEligible> {
        let request = self.request;
        let is = |principal: &Principal| self.people.includes(principal, person);
        if is(&request.requester) {
            Some(NotEligible::Requester)
        } else if request.gate.excluded.iter().any(is) {
            Some(NotEligible::Excluded)
        } else if !request.gate.allow_self_approval.unwrap_or(request.risk < Risk::High)
            && request.on_behalf_of.as_ref().is_some_and(is)
        {
            Some(NotEligible::OwnRequest)
        } else {
            None
        }
    }

    /// Whom a requirement names: by the gate, and by escalation.
    pub(super) fn named(&self, requirement: usize) -> impl Iterator<Item = &'a Principal> + use<'a> {
        let of = self.request.gate.requirements.get(requirement).into_iter().flat_map(|one| &one.of);
        let widened = self.request.widened.iter().filter(move |widening| widening.requirement == requirement);
        of.chain(widened.flat_map(|widening| &widening.to))
    }

    /// The people whom a requirement names and whom nothing bars: sorted, each once.
    pub(super) fn eligible(&self, requirement: usize) -> Vec<&'a Principal> {
        let members = self.named(requirement).flat_map(|principal| self.people.members(principal));
        let mut people: Vec<&Principal> = members.filter(|person| self.barred(person).is_none()).collect();
        people.sort_unstable();
        people.dedup();
        people
    }

    /// Whether the requirement names the person, delegation aside.
    pub(super) fn names(&self, requirement: usize, person: &Principal) -> bool {
        self.named(requirement).any(|principal| self.people.includes(principal, person))
    }

    /// Whether a person whom nothing bars may fill a seat of the requirement.
    pub(super) fn seat(&self, requirement: usize, person: &'a Principal) -> Seat {
        let mut best = Seat::None;
        self.walk_back(person, false, DELEGATION_DEPTH, &mut |owner, taken| {
            if self.names(requirement, owner) {
                best = best.max(if taken { Seat::Taken } else { Seat::Free });
            }
        });
        best
    }

    /// The best seat that a person whom nothing bars may fill.
    pub(super) fn best_seat(&self, person: &'a Principal) -> Seat {
        let requirements = 0..self.request.gate.requirements.len();
        requirements.map(|requirement| self.seat(requirement, person)).max().unwrap_or(Seat::None)
    }

    /// Visits all whose seat a person may sit in: the person, and who handed a seat on to the person, over others too.
    /// Tells whether one of them on the way has voted. A chain ends at a person who is barred or unknown.
    fn walk_back(
        &self,
        person: &'a Principal,
        taken: bool,
        depth: usize,
        visit: &mut dyn FnMut(&'a Principal, bool),
    ) {
        visit(person, taken);
        if depth == 0 {
            return;
        }
        for delegation in &self.request.delegations {
            if self.people.person(&delegation.to) != Some(person) {
                continue;
            }
            if let Some(from) = self.people.person(&delegation.from)
                && self.barred(from).is_none()
            {
                self.walk_back(from, taken || self.has_voted(from), depth - 1, visit);
            }
        }
        for StandIn { owner, .. } in self.stand_ins().filter(|one| one.person == person) {
            self.walk_back(owner, taken || self.has_voted(owner), depth - 1, visit);
        }
    }

    /// Whether a vote of the person stands.
    pub(super) fn has_voted(&self, person: &Principal) -> bool {
        let own = |vote: &&Vote| self.people.person(&vote.voter) == Some(person);
        self.request.votes.iter().filter(own).any(|vote| self.stands(vote))
    }

    /// Whether a vote stands: a rejection always, an approval as long as it is about the present arguments.
    pub(super) fn stands(&self, vote: &Vote) -> bool {
        !vote.void && (vote.ballot.is_reject() || vote.digest == self.request.revision.digest)
    }

    /// Everybody who may decide now, sorted, each once: whom a requirement names, and who was handed a seat.
    pub(super) fn deciders(&self) -> Vec<&'a Principal> {
        let mut people = self.named_people();
        let delegates = self.request.delegations.iter().map(|delegation| &delegation.to);
        people.extend(delegates.filter_map(|delegate| self.approver(delegate).ok()));
        people.extend(self.stand_ins().filter_map(|one| self.approver(one.person).ok()));
        people.sort_unstable();
        people.dedup();
        people
    }

    /// Whom a notice should reach, of all who may decide: not those who have a stand-in. Sorted, each once.
    pub(super) fn audience(&self) -> Vec<&'a Principal> {
        let mut people = self.deciders();
        people.retain(|person| !self.stand_ins().any(|one| one.owner == *person));
        people
    }

    /// Everybody who is or was asked, sorted, each once: whom a requirement names, who was handed a seat, who voted.
    pub(super) fn asked(&self) -> Vec<&'a Principal> {
        let mut people = self.named_people();
        let delegates = self.request.delegations.iter().map(|delegation| &delegation.to);
        let voters = self.request.votes.iter().map(|vote| &vote.voter);
        people.extend(delegates.chain(voters).filter_map(|person| self.people.person(person)));
        people.extend(self.stand_ins().filter_map(|one| self.approver(one.person).ok()));
        people.sort_unstable();
        people.dedup();
        people
    }

    fn named_people(&self) -> Vec<&'a Principal> {
        (0..self.request.gate.requirements.len()).flat_map(|requirement| self.eligible(requirement)).collect()
    }
}
