//! A second lifecycle, written plainly: sets and brute force instead of matchings, seconds instead of timestamps, chains of
//! delegations followed from their owner instead of back from the voter.

use std::collections::BTreeSet;

use crate::setup::{
    AGENT, ALIAS, AtTimeout, BOSS, End, GRANT_TTL, GROUPS, Need, OTHER_AGENT, STRANGER, Said, Setup, Step,
    Who, Wrong,
};

/// Why not; the name of a variant of the real refusal.
pub type No = &'static str;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    pub who: Who,
    pub said: Said,
    pub void: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    NotStarted,
    Executing(u8),
    Succeeded,
    Failed,
    Unknown(u8),
    GrantExpired,
    Revoked,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub outcome: &'static str,
    pub by: Vec<Who>,
    pub by_timeout: bool,
    pub by_halt: bool,
    pub unreachable: bool,
    pub answer: Option<u8>,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub setup: Setup,
    pub now: i64,
    pub groups: [Vec<Who>; 2],
    pub gone: Vec<Who>,
    pub halted: bool,
    pub delivered: bool,
    pub needs: Vec<Need>,
    pub excluded: Vec<Who>,
    pub timeout: Option<i64>,
    pub asking_agent: bool,
    pub unanswered: usize,
    pub votes: Vec<Ballot>,
    pub delegations: Vec<(Who, Who)>,
    /// Which requirement, who, by which stage.
    pub widened: Vec<(usize, Vec<Who>, Option<usize>)>,
    pub reminded: u32,
    pub extended: bool,
    pub deadline: Option<i64>,
    pub priority: usize,
    pub ended: Option<Ended>,
    pub running: Option<Running>,
    pub grant_until: Option<i64>,
    /// Whether the right of an idempotent action to run again was taken back.
    pub no_rerun: bool,
    pub comments: usize,
    pub successor: Option<u8>,
    pub cents: u8,
    pub revision: u32,
}

impl Model {
    /// Opens a request at 0.
    pub fn open(setup: &Setup) -> Result<Self, No> {
        let model = Self {
            now: 0,
            groups: setup.groups.clone(),
            gone: Vec::new(),
            halted: false,
            delivered: true,
            needs: setup.needs.clone(),
            excluded: setup.excluded.clone(),
            timeout: setup.timeout,
            asking_agent: false,
            unanswered: 0,
            votes: Vec::new(),
            delegations: Vec::new(),
            widened: Vec::new(),
            reminded: 0,
            extended: false,
            deadline: setup.timeout,
            priority: [0, 0, 1, 2, 3][setup.risk],
            ended: None,
            running: None,
            grant_until: None,
            no_rerun: false,
            comments: 0,
            successor: None,
            cents: 0,
            revision: 1,
            setup: setup.clone(),
        };
        let sensible = match setup.at_timeout {
            AtTimeout::Reject => true,
            AtTimeout::Escalate => !setup.stages.is_empty(),
            AtTimeout::Approve => setup.risk < 2 && setup.agree.is_none(),
        };
        if !sensible {
            return Err("Invalid");
        }
        model.could_be_met()?;
        Ok(model)
    }

    // ---- people

    /// The one name of a person whom the directory knows.
    fn person(&self, who: Who) -> Option<Who> {
        let one = if who == ALIAS { 0 } else { who };
        let human = one <= 4 || one == BOSS || one == STRANGER;
        (human && !self.gone.contains(&one)).then_some(one)
    }

    fn expand(&self, cast: &[Who]) -> BTreeSet<Who> {
        let mut all = BTreeSet::new();
        for who in cast {
            match GROUPS.iter().position(|group| group == who) {
                Some(group) => {
                    all.extend(self.groups[group].iter().filter_map(|member| self.person(*member)))
                }
                None => all.extend(self.person(*who)),
            }
        }
        all
    }

    pub fn barred(&self, person: Who) -> Option<No> {
        if self.expand(&self.excluded).contains(&person) {
            return Some("Excluded");
        }
        let own = self.setup.behalf.is_some_and(|behalf| self.expand(&[behalf]).contains(&person));
        let allowed = self.setup.self_allowed.unwrap_or(self.setup.risk < 3);
        (own && !allowed).then_some("OwnRequest")
    }

    /// Everybody named for a requirement as it is written down, widenings included.
    fn written(&self, requirement: usize) -> Vec<Who> {
        let more = self.widened.iter().filter(|(which, ..)| *which == requirement);
        let mut all = self.needs[requirement].of.clone();
        all.extend(more.flat_map(|(_, to, _)| to.clone()));
        all
    }

    /// The people who own a seat of the requirement by themselves.
    fn owners(&self, requirement: usize) -> BTreeSet<Who> {
        let named = self.expand(&self.written(requirement));
        named.into_iter().filter(|person| self.barred(*person).is_none()).collect()
    }

    /// The owner of a seat, then everybody to whom it was handed on.
    fn chain(&self, owner: Who) -> Vec<Who> {
        let mut chain = vec![owner];
        while chain.len() <= 3 {
            let last = chain[chain.len() - 1];
            let next = self.delegations.iter().find(|(from, _)| *from == last);
            match next.and_then(|(_, to)| self.person(*to)) {
                Some(next) if self.barred(next).is_none() => chain.push(next),
                _ => break,
            }
        }
        chain
    }

    pub fn has_voted(&self, person: Who) -> bool {
        self.votes.iter().any(|vote| vote.who == person && !vote.void)
    }

    /// `Some(true)` for a seat of the requirement, `Some(false)` if somebody in front has voted instead.
    fn sits(&self, requirement: usize, person: Who) -> Option<bool> {
        if self.barred(person).is_some() {
            return None;
        }
        let mut best = None;
        for owner in self.owners(requirement) {
            let chain = self.chain(owner);
            if let Some(place) = chain.iter().position(|one| *one == person) {
                let free = chain[..place].iter().all(|before| !self.has_voted(*before));
                best = best.max(Some(free));
            }
        }
        best
    }

    fn best_seat(&self, person: Who) -> Option<bool> {
        (0..self.needs.len()).filter_map(|requirement| self.sits(requirement, person)).max()
    }

    /// Why somebody is not asked to decide.
    pub fn approver(&self, who: Who) -> Result<Who, No> {
        if matches!(who, AGENT | OTHER_AGENT) || GROUPS.contains(&who) {
            return Err("NotAPerson");
        }
        let person = self.person(who).ok_or("Unknown")?;
        match self.barred(person) {
            Some(why) => Err(why),
            None => self.best_seat(person).map(|_| person).ok_or("NotAsked"),
        }
    }

    /// Whether an approver may ask somebody besides for a requirement in which the approver sits.
    fn may_be_let_in(&self, requirement: usize, who: Who) -> bool {
        let person = self.person(who);
        let listed = |list: &[Who]| {
            list.contains(&who) || person.is_some_and(|person| self.expand(list).contains(&person))
        };
        let stages = self.setup.stages.iter().filter(|stage| stage.requirement == requirement);
        listed(&self.needs[requirement].of) || stages.into_iter().any(|stage| listed(&stage.to))
    }

    /// Whether an action that runs may run again, once it failed or is in doubt.
    fn may_rerun(&self) -> bool {
        self.setup.idempotent && !self.no_rerun && self.grant_until.is_some_and(|until| self.now < until)
    }

    /// Whether it ran, and may run again now.
    fn runs_again(&self) -> bool {
        let ran = matches!(self.running, Some(Running::Failed | Running::Unknown(_)));
        ran && self.may_rerun() && self.successor.is_none()
    }

    fn voter(&self, who: Who) -> Result<Who, No> {
        let person = self.approver(who)?;
        if self.best_seat(person) == Some(true) { Ok(person) } else { Err("SeatTaken") }
    }

    /// Everybody who may decide now.
    pub fn deciders(&self) -> BTreeSet<Who> {
        [0, 1, 2, 3, 4, BOSS, STRANGER].into_iter().filter(|who| self.approver(*who).is_ok()).collect()
    }

    // ---- quorum

    fn seats(&self, matching: usize) -> Vec<usize> {
        let own = self.needs.iter().enumerate().filter(|(_, need)| need.matching == matching);
        let single = own.filter(|(_, need)| !need.may_share);
        single.flat_map(|(number, need)| vec![number; need.count]).collect()
    }

    /// Whether these people can all sit, each in another of the seats. Tries every way.
    fn all_sit(people: &[Who], seats: &[usize], fits: &dyn Fn(usize, Who) -> bool) -> bool {
        let Some((first, rest)) = people.split_first() else { return true };
        (0..seats.len()).any(|seat| {
            let mut left = seats.to_vec();
            let requirement = left.remove(seat);
            fits(requirement, *first) && Self::all_sit(rest, &left, fits)
        })
    }

    fn matchings(&self) -> BTreeSet<usize> {
        self.needs.iter().map(|need| need.matching).collect()
    }

    /// Who of these people, the earlier the rather, fill all seats of every matching.
    fn fill(&self, people: &[Who], fits: &dyn Fn(usize, Who) -> bool) -> Option<Vec<Who>> {
        let mut all = BTreeSet::new();
        for matching in self.matchings() {
            all.extend(self.fill_one(matching, people, fits)?);
        }
        Some(people.iter().copied().filter(|person| all.contains(person)).collect())
    }

    fn fill_one(
        &self,
        matching: usize,
        people: &[Who],
        fits: &dyn Fn(usize, Who) -> bool,
    ) -> Option<Vec<Who>> {
        let seats = self.seats(matching);
        let mut chosen: Vec<Who> = Vec::new();
        for person in people {
            let mut more = chosen.clone();
            more.push(*person);
            if more.len() <= seats.len() && Self::all_sit(&more, &seats, fits) {
                chosen = more;
            }
        }
        if chosen.len() < seats.len() {
            return None;
        }
        let shared = |(_, need): &(usize, &Need)| need.may_share && need.matching == matching;
        for (number, need) in self.needs.iter().enumerate().filter(shared) {
            let some: Vec<Who> =
                people.iter().copied().filter(|person| fits(number, *person)).take(need.count).collect();
            if some.len() < need.count {
                return None;
            }
            chosen.extend(some);
        }
        Some(people.iter().copied().filter(|person| chosen.contains(person)).collect())
    }

    /// Who may yet fill a seat, if these have said no for good.
    fn possible(&self, number: usize, noes: &[Who]) -> BTreeSet<Who> {
        let says_no = |person: &Who| noes.contains(person);
        let everybody = [0, 1, 2, 3, 4, BOSS, STRANGER];
        let holder =
            everybody.iter().any(|person| !says_no(person) && self.sits(number, *person) == Some(true));
        let mut all = self.owners(number);
        let again =
            self.setup_at_timeout() == AtTimeout::Escalate && !self.extended && self.timeout.is_some();
        for (place, stage) in self.setup.stages.iter().enumerate() {
            let fires = self
                .stage_due(place)
                .is_some_and(|due| again || self.deadline.is_none_or(|deadline| due < deadline));
            if stage.requirement == number && (fires || holder) {
                all.extend(self.expand(&stage.to));
            }
        }
        all.retain(|person| !says_no(person) && self.barred(*person).is_none());
        all
    }

    /// Who of these who rejected make it impossible to approve.
    fn blockers(&self, noes: &[Who]) -> Vec<Who> {
        let met = |matching: usize, noes: &[Who]| {
            let possible: Vec<BTreeSet<Who>> =
                (0..self.needs.len()).map(|number| self.possible(number, noes)).collect();
            let people: Vec<Who> =
                possible.iter().flatten().copied().collect::<BTreeSet<Who>>().into_iter().collect();
            self.fill_one(matching, &people, &|number, person| possible[number].contains(&person)).is_some()
        };
        let others =
            |person: Who| noes.iter().copied().filter(|other| *other != person).collect::<Vec<Who>>();
        let mut blocking: BTreeSet<Who> = BTreeSet::new();
        for matching in self.matchings() {
            if met(matching, noes) || !met(matching, &[]) {
                continue;
            }
            let own: Vec<usize> =
                (0..self.needs.len()).filter(|number| self.needs[*number].matching == matching).collect();
            let sits = |person: &Who| own.iter().any(|number| self.sits(*number, *person).is_some());
            let seated: Vec<Who> = noes.iter().copied().filter(sits).collect();
            let alone: Vec<Who> =
                seated.iter().copied().filter(|person| met(matching, &others(*person))).collect();
            blocking.extend(if alone.is_empty() { seated } else { alone });
        }
        if let Some(agree) = self.setup.agree {
            let enough = |noes: &[Who]| {
                let all: BTreeSet<Who> =
                    (0..self.needs.len()).flat_map(|number| self.possible(number, noes)).collect();
                all.len() >= agree
            };
            if !enough(noes) && enough(&[]) {
                let alone: Vec<Who> =
                    noes.iter().copied().filter(|person| enough(&others(*person))).collect();
                blocking.extend(if alone.is_empty() { noes.to_vec() } else { alone });
            }
        }
        noes.iter().copied().filter(|person| blocking.contains(person)).collect()
    }

    /// Ends the request if those who rejected make it impossible to approve.
    fn give_up(&mut self, rejects: &[Who]) -> bool {
        let blockers = self.blockers(rejects);
        if blockers.is_empty() {
            return false;
        }
        self.end("rejected", blockers, None);
        self.ended.as_mut().expect("just ended").unreachable = true;
        true
    }

    fn could_be_met(&self) -> Result<(), No> {
        let owners: Vec<BTreeSet<Who>> = (0..self.needs.len()).map(|number| self.owners(number)).collect();
        let all: BTreeSet<Who> = owners.iter().flatten().copied().collect();
        let people: Vec<Who> = all.into_iter().collect();
        let enough = self.setup.agree.is_none_or(|agree| people.len() >= agree);
        match self.fill(&people, &|number, person| owners[number].contains(&person)) {
            Some(_) if enough => Ok(()),
            _ => Err("NoApprover"),
        }
    }

    /// Ends the request if the votes suffice.
    fn count(&mut self) -> Result<bool, No> {
        let heard: Vec<Ballot> = self
            .votes
            .iter()
            .filter(|vote| {
                !vote.void && self.person(vote.who).is_some() && self.best_seat(vote.who) == Some(true)
            })
            .cloned()
            .collect();
        let said = |what: Said| -> Vec<Who> {
            heard.iter().filter(|vote| vote.said == what).map(|vote| vote.who).collect()
        };
        let rejects = said(Said::Reject);
        if rejects.len() >= self.setup.veto {
            self.end("rejected", rejects, None);
            return Ok(true);
        }
        let free: BTreeSet<(usize, Who)> = (0..self.needs.len())
            .flat_map(|number| heard.iter().map(move |vote| (number, vote.who)))
            .filter(|(number, person)| self.sits(*number, *person) == Some(true))
            .collect();
        let fits = |number: usize, person: Who| free.contains(&(number, person));
        let (by, answer) = match self.setup.agree {
            None => match self.fill(&said(Said::Approve), &fits) {
                Some(by) => (by, None),
                None => return Ok(self.give_up(&rejects)),
            },
            Some(agree) => {
                let answers = heard.iter().filter_map(|vote| match vote.said {
                    Said::Answer(answer) => Some(answer),
                    Said::Approve | Said::Reject => None,
                });
                let enough = |answer: &u8| {
                    let same = said(Said::Answer(*answer));
                    same.len() >= agree && self.fill(&same, &fits).is_some()
                };
                match answers.into_iter().find(enough) {
                    Some(answer) => (said(Said::Answer(answer)), Some(answer)),
                    None => return Ok(self.give_up(&rejects)),
                }
            }
        };
        if self.halted {
            return Err("Halted");
        }
        self.end("approved", by, answer);
        Ok(true)
    }

    fn end(&mut self, outcome: &'static str, by: Vec<Who>, answer: Option<u8>) {
        self.ended =
            Some(Ended { outcome, by, by_timeout: false, by_halt: false, unreachable: false, answer });
        if outcome == "approved" && self.setup.agree.is_none() {
            self.running = Some(Running::NotStarted);
            self.grant_until = Some(self.now + GRANT_TTL);
        }
    }

    // ---- time

    fn stage_due(&self, number: usize) -> Option<i64> {
        let fired = self.widened.iter().any(|(_, _, stage)| *stage == Some(number));
        (!fired).then(|| self.setup.stages[number].after)
    }

    pub fn due(&self) -> Option<i64> {
        if self.ended.is_some() {
            return if self.running == Some(Running::NotStarted) { self.grant_until } else { None };
        }
        let mut times: Vec<i64> =
            (0..self.setup.stages.len()).filter_map(|number| self.stage_due(number)).collect();
        times.extend(self.deadline);
        if let Some((every, at_most)) = self.setup.reminders
            && self.reminded < at_most
        {
            times.push(every * i64::from(self.reminded + 1));
        }
        times.into_iter().min()
    }

    fn fire(&mut self, number: usize) {
        let stage = self.setup.stages[number].clone();
        self.widened.push((stage.requirement, stage.to, Some(number)));
        self.priority = self.priority.max(stage.priority.unwrap_or(0));
    }

    fn tick(&mut self) -> Result<(), No> {
        if self.due().is_none_or(|due| self.now < due) {
            return Err("NothingToDo");
        }
        if self.running == Some(Running::NotStarted) {
            self.running = Some(Running::GrantExpired);
            return Ok(());
        }
        let late = self.deadline.is_some_and(|deadline| self.now >= deadline);
        let again = self.setup_at_timeout() == AtTimeout::Escalate && !self.extended;
        if late && !again {
            let objected = self.votes.iter().any(|vote| vote.said == Said::Reject);
            let lucky = self.setup_at_timeout() == AtTimeout::Approve
                && self.setup.risk < 2
                && !objected
                && self.unanswered == 0
                && self.could_be_met().is_ok()
                && self.delivered
                && !self.halted;
            self.end(if lucky { "approved" } else { "expired" }, Vec::new(), None);
            self.ended.as_mut().expect("just ended").by_timeout = lucky;
            return Ok(());
        }
        for number in 0..self.setup.stages.len() {
            if self.stage_due(number).is_some_and(|due| late || self.now >= due) {
                self.fire(number);
            }
        }
        if late {
            self.extended = true;
            self.deadline = self.timeout.map(|timeout| self.now + timeout);
        }
        if let Some((every, at_most)) = self.setup.reminders {
            while self.reminded < at_most && self.now >= every * i64::from(self.reminded + 1) {
                self.reminded += 1;
            }
        }
        if !self.halted {
            self.count()?;
        }
        Ok(())
    }

    /// What happens at the deadline. No policy of these worlds makes that stricter.
    fn setup_at_timeout(&self) -> AtTimeout {
        self.setup.at_timeout
    }

    // ---- commands

    fn open_still(&self) -> Result<(), No> {
        if self.ended.is_some() {
            return Err("AlreadyDecided");
        }
        if self.deadline.is_some_and(|deadline| self.now >= deadline) {
            return Err("DeadlinePassed");
        }
        Ok(())
    }

    fn behind(&self, who: Who) -> bool {
        let one = |who: Who| if who == ALIAS { 0 } else { who };
        who == AGENT || self.setup.behalf.is_some_and(|behalf| one(behalf) == one(who))
    }

    fn put(&mut self, who: Who, said: Said) {
        self.votes.retain(|vote| vote.who != who);
        self.votes.push(Ballot { who, said, void: false });
    }

    /// Does a step, or says why not. Time and the world change without a command.
    pub fn step(&mut self, step: &Step) -> Result<(), No> {
        let mut next = self.clone();
        next.apply(step)?;
        *self = next;
        Ok(())
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each command")]
    fn apply(&mut self, step: &Step) -> Result<(), No> {
        match step {
            Step::Vote { who, said, stale } => {
                self.open_still()?;
                let person = self.voter(*who)?;
                if *stale {
                    return Err("ArgumentsChanged");
                }
                match (said, self.setup.agree) {
                    (Said::Approve, Some(_)) | (Said::Answer(_), None) => return Err("Invalid"),
                    _ => {}
                }
                let again =
                    self.votes.iter().any(|vote| vote.who == person && vote.said == *said && !vote.void);
                self.put(person, *said);
                if !self.count()? && again {
                    return Err("NothingToDo");
                }
            }
            Step::Edit { who, cents, stale } => {
                self.open_still()?;
                let person = self.voter(*who)?;
                if *stale {
                    return Err("ArgumentsChanged");
                }
                if self.setup.agree.is_some() || !self.setup.editable || *cents == self.cents {
                    return Err("Invalid");
                }
                self.cents = *cents;
                self.revision += 1;
                self.tighten();
                for vote in &mut self.votes {
                    vote.void |= vote.said != Said::Reject;
                }
                self.could_be_met()?;
                self.voter(person)?;
                self.put(person, Said::Approve);
                self.count()?;
            }
            Step::Delegate { from, to } => {
                self.open_still()?;
                let from = self.voter(*from)?;
                let to = self.person(*to).ok_or("Delegation")?;
                let permitted =
                    self.setup.delegates.as_ref().is_some_and(|list| self.expand(list).contains(&to));
                if to == from || self.barred(to).is_some() || !permitted {
                    return Err("Delegation");
                }
                if self.delegations.contains(&(from, to)) {
                    return Err("NothingToDo");
                }
                if self.votes.iter().any(|vote| vote.who == from && vote.said == Said::Reject) {
                    return Err("Delegation");
                }
                self.delegations.retain(|(other, _)| *other != from);
                self.delegations.push((from, to));
                if self.longest_chain().is_none_or(|links| links > 3) {
                    return Err("Delegation");
                }
                for vote in &mut self.votes {
                    vote.void |= vote.who == from;
                }
                self.count()?;
            }
            Step::Escalate { who, requirement, to, priority } => {
                self.open_still()?;
                if *who != BOSS && self.approver(*who).is_err() {
                    return Err("NotPermitted");
                }
                if *requirement >= self.needs.len() {
                    return Err("Invalid");
                }
                let before = self.written(*requirement);
                let mut new: Vec<Who> = to.iter().copied().filter(|who| !before.contains(who)).collect();
                if *who != BOSS {
                    let members = self.expand(&before);
                    new.retain(|who| self.person(*who).is_none_or(|person| !members.contains(&person)));
                    let holder = self.approver(*who)?;
                    let seated = self.sits(*requirement, holder) == Some(true);
                    if !seated || !new.iter().all(|who| self.may_be_let_in(*requirement, *who)) {
                        return Err("NotPermitted");
                    }
                }
                let raised = priority.filter(|priority| *priority > self.priority);
                if new.is_empty() && raised.is_none() {
                    return Err("NothingToDo");
                }
                self.priority = raised.unwrap_or(self.priority);
                if !new.is_empty() {
                    self.widened.push((*requirement, new, None));
                }
                self.count()?;
            }
            Step::Ask { who } => {
                self.open_still()?;
                self.approver(*who)?;
                self.asking_agent = true;
                self.unanswered += 1;
            }
            Step::Inform { who } => {
                self.open_still()?;
                if !matches!(*who, AGENT | BOSS) {
                    return Err("NotPermitted");
                }
                if self.unanswered == 0 {
                    return Err("NothingToDo");
                }
                (self.asking_agent, self.unanswered) = (false, 0);
            }
            Step::Comment { who } => {
                if *who != BOSS && !self.behind(*who) && self.approver(*who).is_err() {
                    return Err("NotPermitted");
                }
                self.comments += 1;
            }
            Step::Cancel { who } => {
                self.open_still()?;
                if *who != BOSS && !self.behind(*who) {
                    return Err("NotPermitted");
                }
                self.end("cancelled", vec![if *who == ALIAS { 0 } else { *who }], None);
            }
            Step::Halt { who } => {
                if *who != BOSS && !self.halted {
                    return Err("NotPermitted");
                }
                if self.ended.is_none() {
                    self.end("cancelled", vec![if *who == ALIAS { 0 } else { *who }], None);
                    self.ended.as_mut().expect("just ended").by_halt = true;
                } else if self.running == Some(Running::NotStarted) {
                    self.running = Some(Running::Revoked);
                } else if matches!(self.running, Some(Running::Executing(_))) && self.may_rerun()
                    || self.runs_again()
                {
                    self.no_rerun = true;
                } else {
                    return Err("NothingToDo");
                }
            }
            Step::Revoke { who } => {
                let again = self.runs_again();
                if !again {
                    self.unspent()?;
                }
                if self.now >= self.grant_until.expect("an unspent grant has a time") {
                    return Err("GrantExpired");
                }
                let by_timeout = self.ended.as_ref().is_some_and(|ended| ended.by_timeout);
                let approved = self.person(*who).is_some_and(|person| {
                    self.votes
                        .iter()
                        .any(|vote| vote.who == person && vote.said == Said::Approve && !vote.void)
                });
                let may = if by_timeout { self.approver(*who).is_ok() } else { approved };
                if *who != BOSS && !may {
                    return Err("NotPermitted");
                }
                if again {
                    self.no_rerun = true;
                } else {
                    self.running = Some(Running::Revoked);
                }
            }
            Step::Consume { wrong } => {
                self.unspent()?;
                if self.halted {
                    return Err("Halted");
                }
                if *wrong != Wrong::Nothing {
                    return Err("WrongGrant");
                }
                if self.now >= self.grant_until.expect("an unspent grant has a time") {
                    return Err("GrantExpired");
                }
                self.running = Some(Running::Executing(0));
            }
            Step::Finish { executor, end, earlier } => {
                if *earlier {
                    return Err("NotExecuting");
                }
                let next = match end {
                    End::Succeeded => Running::Succeeded,
                    End::Failed => Running::Failed,
                    End::Unknown => Running::Unknown(*executor),
                };
                match self.running {
                    Some(same) if same == next => return Err("NothingToDo"),
                    Some(Running::Executing(by) | Running::Unknown(by)) if by == *executor => {}
                    _ => return Err("NotExecuting"),
                }
                self.running = Some(next);
            }
            Step::Lose { executor } => {
                if self.running != Some(Running::Executing(*executor)) {
                    return Err("NothingToDo");
                }
                self.running = Some(Running::Unknown(*executor));
            }
            Step::Settle { who, succeeded } => {
                match self.running {
                    None => return Err("NotApproved"),
                    Some(Running::Unknown(_)) => {}
                    Some(_) => return Err("NothingToDo"),
                }
                if *who != BOSS && self.approver(*who).is_err() {
                    return Err("NotPermitted");
                }
                self.running = Some(if *succeeded { Running::Succeeded } else { Running::Failed });
            }
            Step::Reopen { who } => {
                match self.running.ok_or("NotApproved")? {
                    Running::Unknown(_) | Running::Failed => {}
                    Running::Executing(_) | Running::Succeeded => return Err("AlreadyRan"),
                    Running::NotStarted | Running::GrantExpired | Running::Revoked => {
                        return Err("NothingToDo");
                    }
                }
                if self.successor.is_some() {
                    return Err("AlreadyRetried");
                }
                if self.no_rerun || self.now >= self.grant_until.unwrap_or_default() {
                    return Err("AlreadyRan");
                }
                if !self.setup.idempotent || !self.involved(*who) {
                    return Err("NotPermitted");
                }
                if self.halted {
                    return Err("Halted");
                }
                self.running = Some(Running::NotStarted);
            }
            Step::Retry { who, successor } => {
                match self.successor {
                    Some(same) if same == *successor => return Err("NothingToDo"),
                    Some(_) => return Err("AlreadyRetried"),
                    None => {}
                }
                let approved = self.ended.as_ref().is_some_and(|ended| ended.outcome == "approved");
                let over = match self.running {
                    None => self.ended.is_some() && !approved,
                    Some(Running::Failed | Running::GrantExpired | Running::Revoked) => true,
                    Some(Running::NotStarted) => false,
                    Some(Running::Executing(_) | Running::Succeeded | Running::Unknown(_)) => {
                        return Err("AlreadyRan");
                    }
                };
                if !over || !self.involved(*who) {
                    return Err("NotPermitted");
                }
                self.successor = Some(*successor);
            }
            Step::Tick => self.tick()?,
            Step::Wait { .. }
            | Step::Move { .. }
            | Step::Leave { .. }
            | Step::FlipHalt
            | Step::FlipDelivered => {
                self.change_world(step);
            }
        }
        Ok(())
    }

    fn change_world(&mut self, step: &Step) {
        match step {
            Step::Wait { seconds } => self.now += seconds,
            Step::Move { group, person } => {
                let members = &mut self.groups[*group];
                if members.contains(person) {
                    members.retain(|member| member != person);
                } else {
                    members.push(*person);
                }
            }
            Step::Leave { person } => {
                if self.gone.contains(person) {
                    self.gone.retain(|one| one != person);
                } else {
                    self.gone.push(*person);
                }
            }
            Step::FlipHalt => self.halted = !self.halted,
            Step::FlipDelivered => self.delivered = !self.delivered,
            _ => unreachable!("a command"),
        }
    }

    fn unspent(&self) -> Result<(), No> {
        match self.running {
            None => Err("NotApproved"),
            Some(Running::NotStarted) => Ok(()),
            Some(Running::GrantExpired) => Err("GrantExpired"),
            Some(Running::Revoked) => Err("Revoked"),
            Some(_) => Err("AlreadyRan"),
        }
    }

    fn involved(&self, who: Who) -> bool {
        who == BOSS || self.behind(who) || self.approver(who).is_ok()
    }

    fn tighten(&mut self) {
        let Some(stricter) = self.setup.stricter.clone() else { return };
        let set = |cast: &[Who]| cast.iter().copied().collect::<BTreeSet<Who>>();
        let mut asked = if stricter.besides { self.setup.needs.clone() } else { Vec::new() };
        if let Some(need) = stricter.need {
            match asked.iter_mut().find(|own| set(&own.of) == set(&need.of)) {
                Some(own) => {
                    own.count = own.count.max(need.count);
                    own.may_share &= need.may_share;
                }
                None => asked.push(need),
            }
        }
        let implied = self.matchings().into_iter().any(|matching| {
            // The edited call has no stages, so what stages widen does not cover it.
            let widens = |number: usize| self.setup.stages.iter().any(|stage| stage.requirement == number);
            let own = self.needs.iter().enumerate().filter(|(_, need)| need.matching == matching);
            let required: Vec<&Need> =
                own.filter(|(number, _)| !widens(*number)).map(|(_, need)| need).collect();
            Self::implied(&required, &asked)
        });
        if !implied {
            let matching = self.needs.iter().map(|need| need.matching).max().unwrap_or(0) + 1;
            self.needs.extend(asked.into_iter().map(|need| Need { matching, ..need }));
        }
        for who in stricter.excluded {
            if !self.excluded.contains(&who) {
                self.excluded.push(who);
            }
        }
        let shorter = match (self.timeout, stricter.timeout) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
        if shorter != self.timeout
            && let Some(timeout) = shorter
        {
            let new = self.now + timeout;
            self.deadline = Some(self.deadline.map_or(new, |deadline| deadline.min(new)));
        }
        self.timeout = shorter;
    }

    /// Whether all that is asked for is among what is required; tries every way.
    fn implied(required: &[&Need], asked: &[Need]) -> bool {
        let Some((first, rest)) = asked.split_first() else { return true };
        let set = |cast: &[Who]| cast.iter().copied().collect::<BTreeSet<Who>>();
        (0..required.len()).any(|place| {
            let mut left = required.to_vec();
            let one = left.remove(place);
            set(&one.of) == set(&first.of)
                && one.count >= first.count
                && (first.may_share || !one.may_share)
                && Self::implied(&left, rest)
        })
    }

    /// Links of the longest chain of delegations; `None` for a circle.
    fn longest_chain(&self) -> Option<usize> {
        let mut longest = 0;
        for (start, _) in &self.delegations {
            let mut at = *start;
            let mut links = 0;
            while let Some((_, to)) = self.delegations.iter().find(|(from, _)| *from == at) {
                (at, links) = (*to, links + 1);
                if at == *start || links > self.delegations.len() {
                    return None;
                }
            }
            longest = longest.max(links);
        }
        Some(longest)
    }
}
