//! What the tests of the lifecycle share: a small world of people, and a request that lives in it.

mod asked;
mod clock;
mod command;
mod create;
mod declaration;
mod delegate;
mod edit;
mod edited_rules;
mod escalate;
mod execution;
mod grant;
mod halt;
mod hand_over;
mod hours;
mod info;
mod join;
mod key;
mod limit;
mod limit_at_run;
mod limit_of_request;
mod limit_that_changes;
mod matching;
mod namespace;
mod principals;
mod question;
mod reachable;
mod render;
mod retry;
mod ruling;
mod stand_in;
mod standing;
mod statistics;
mod tighten;
mod timeout;
mod unasked;
mod vote;
mod window_days;

use std::sync::Arc;

use super::*;
use crate::{
    clock::{Span, Timestamp},
    id::{ExecutorId, GrantId, RequestId, StandingId},
    model::{
        ActionInfo, ActionName, ArgumentsDigest, Ballot, CanonicalJson, Event, EventKind, EventLine,
        ExecutionState, Gate, Halt, HaltScope, Halts, NoticeKind, People, Principal, Request, Requirement,
        Risk, SchemaDigest, Text,
        canonical::{arguments_digest, parse_canonical},
        verify_chain,
    },
};

pub(super) fn p(text: &str) -> Principal {
    Principal::new(text).unwrap()
}

pub(super) fn user(name: &str) -> Principal {
    p(&format!("user:{name}"))
}

pub(super) fn users(names: &str) -> Vec<Principal> {
    names.split_whitespace().map(user).collect()
}

pub(super) fn agent() -> Principal {
    p("agent:worker")
}

/// The moment `seconds` after the requests of the tests are opened.
pub(super) fn at(seconds: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + Span::from_secs(seconds)
}

pub(super) fn json(text: &str) -> CanonicalJson {
    parse_canonical(text).unwrap()
}

pub(super) fn id(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}

pub(super) fn executor(number: u128) -> ExecutorId {
    ExecutorId::from_uuid(id(number))
}

/// `count` of the people with these names.
pub(super) fn need(count: u32, names: &str) -> Requirement {
    Requirement::at_least(count, users(names))
}

pub(super) fn gate(requirements: impl Into<Vec<Requirement>>) -> Gate {
    Gate::new("test", requirements.into())
}

pub(super) fn draft(gate: Gate) -> Draft {
    let action = ActionInfo::new(ActionName::new("payments.refund").unwrap());
    let arguments = json(r#"{"cents":1250}"#);
    Draft {
        id: RequestId::from_uuid(id(1)),
        namespace: "default".into(),
        enclosed: None,
        digest: arguments_digest(action.name.as_str(), action.version, action.schema.as_ref(), &arguments),
        action: Arc::new(action),
        question: None,
        requester: agent(),
        on_behalf_of: None,
        run: None,
        intent: None,
        key: None,
        risk: Risk::Medium,
        priority: None,
        gate: Arc::new(gate),
        arguments,
        answers_info: false,
        predecessor: None,
        allowed: false,
        declaration: None,
        basis: None,
    }
}

/// The action of [`draft`] with a cost, and allowed to give money back.
pub(super) fn credits(cost: Option<&str>) -> Arc<ActionInfo> {
    let mut action = ActionInfo::new(ActionName::new("payments.refund").unwrap());
    action.cost = cost.map(text);
    action.credits = true;
    Arc::new(action)
}

pub(super) const ALLOWS: RunRuling = RunRuling::Allows { inform: Vec::new(), run_windows: Vec::new() };

pub(super) const NOBODY: Halts = Halts(Vec::new());

pub(super) fn halt() -> Halt {
    Halt { scope: HaltScope::Everything, reason: "stop".into(), by: user("boss"), at: at(0) }
}

pub(super) fn approve() -> Ballot {
    Ballot::Approve
}

pub(super) fn reject() -> Ballot {
    Ballot::Reject { option: None }
}

/// To run again, outside of a run.
pub(super) fn reopen() -> Act {
    Act::Reopen { run: crate::model::RunLimits::default() }
}

/// A request, its history, and what is known about the world around it.
#[derive(Clone)]
pub(super) struct World {
    pub(super) people: People,
    pub(super) halts: Halts,
    pub(super) notice_delivered: bool,
    pub(super) edited_gate: Option<Gate>,
    /// What the policy says when a grant is consumed.
    pub(super) ruling: Option<RunRuling>,
    pub(super) limits: Vec<Counted>,
    pub(super) counters: Vec<Counter>,
    pub(super) standing: Vec<Standing>,
    pub(super) request: Request,
    pub(super) lines: Vec<EventLine>,
    /// Makes every grant another.
    pub(super) grants: u128,
}

impl World {
    /// Opens a request with this gate at the beginning of time.
    pub(super) fn new(gate: Gate) -> Self {
        Self::open(draft(gate), People::default())
    }

    pub(super) fn open(draft: Draft, people: People) -> Self {
        let transition = create(draft, &facts(&people), at(0)).unwrap();
        let mut world = Self {
            people,
            halts: NOBODY,
            notice_delivered: true,
            edited_gate: None,
            ruling: Some(ALLOWS),
            limits: Vec::new(),
            counters: Vec::new(),
            standing: Vec::new(),
            request: Request::clone(&transition.request),
            lines: Vec::new(),
            grants: 100,
        };
        world.take(transition);
        world
    }

    /// What the policy says about a call with the arguments that a command makes.
    fn ruling_of_edit(&self, command: &Command) -> Option<EditRuling> {
        let Act::ApproveEdited { edits, .. } = &command.act else { return None };
        let (_, digest) = edited_arguments(&self.request, edits).ok()?;
        let ruling = self.edited_gate.clone().map_or(ALLOWS, |gate| RunRuling::Asks(Arc::new(gate)));
        Some(EditRuling { digest, ruling })
    }

    /// What would follow.
    pub(super) fn try_act(&self, command: &Command, seconds: i64) -> Result<Transition, Refusal> {
        let edited = self.ruling_of_edit(command);
        let facts = Facts {
            people: &self.people,
            halts: &self.halts,
            grant_id: GrantId::from_uuid(id(self.grants)),
            notice_delivered: self.notice_delivered,
            ruling: self.ruling.as_ref(),
            edited: edited.as_ref(),
            basis: None,
            limits: &self.limits,
            counters: &self.counters,
            standing: &self.standing,
            standing_id: StandingId::from_uuid(id(1000 + self.grants)),
        };
        apply(&self.request, command, &facts, at(seconds))
    }

    /// Does it, or tells why not.
    pub(super) fn act(&mut self, actor: &Principal, act: Act, seconds: i64) -> Result<Transition, Refusal> {
        self.run(&Command { actor: actor.clone(), via: None, operator: false, act }, seconds)
    }

    /// Does it with the rights of an operator, or tells why not.
    pub(super) fn operate(&mut self, act: Act, seconds: i64) -> Result<Transition, Refusal> {
        self.run(&Command { actor: user("boss"), via: None, operator: true, act }, seconds)
    }

    pub(super) fn run(&mut self, command: &Command, seconds: i64) -> Result<Transition, Refusal> {
        let transition = self.try_act(command, seconds)?;
        self.take(transition.clone());
        Ok(transition)
    }

    fn take(&mut self, transition: Transition) {
        assert!(!transition.events.is_empty(), "every transition has a line of history");
        self.lines.extend(transition.events);
        self.request = Arc::unwrap_or_clone(transition.request);
        verify_chain(self.request.id, &self.lines, &self.request.chain).unwrap();
        self.grants += 1;
    }

    pub(super) fn vote_act(&self, ballot: Ballot) -> Act {
        Act::Vote { digest: self.request.revision.digest, ballot, note: None }
    }

    /// The person votes on the present arguments.
    pub(super) fn vote(&mut self, name: &str, ballot: Ballot, seconds: i64) -> Result<Transition, Refusal> {
        let act = self.vote_act(ballot);
        self.act(&user(name), act, seconds)
    }

    pub(super) fn approve(&mut self, name: &str, seconds: i64) -> Result<Transition, Refusal> {
        self.vote(name, approve(), seconds)
    }

    pub(super) fn reject(&mut self, name: &str, seconds: i64) -> Result<Transition, Refusal> {
        self.vote(name, reject(), seconds)
    }

    pub(super) fn tick(&mut self, seconds: i64) -> Result<Transition, Refusal> {
        self.act(&Principal::service("due").unwrap(), Act::Tick, seconds)
    }

    /// The grant of the request; 0 if it has none.
    fn grant_id(&self) -> GrantId {
        self.request.grant.as_ref().map_or(GrantId::from_uuid(id(0)), |grant| grant.id)
    }

    /// The command that would spend the grant.
    pub(super) fn consume_act(&self) -> Act {
        Act::Consume {
            executor: executor(7),
            grant: self.grant_id(),
            claim: Box::new(Claim {
                namespace: Text::clone(&self.request.namespace),
                agents: Agents::one(agent()),
                behind: Behind::Exactly(self.request.on_behalf_of.clone()),
                action: self.request.action.name.clone(),
                version: self.request.action.version,
                schema: self.request.action.schema,
                digest: self.request.revision.digest,
                declared: None,
                needs_proof: false,
            }),
        }
    }

    pub(super) fn consume(&mut self, seconds: i64) -> Result<Transition, Refusal> {
        let act = self.consume_act();
        self.act(&agent(), act, seconds)
    }

    /// The command with which process 7 reports how the present run ended.
    pub(super) fn finish_act(&self, ending: Ending) -> Act {
        Act::Finish { executor: executor(7), grant: self.grant_id(), ending }
    }

    pub(super) fn finish(&mut self, ending: Ending, seconds: i64) -> Result<Transition, Refusal> {
        let act = self.finish_act(ending);
        self.act(&agent(), act, seconds)
    }

    pub(super) fn state(&self) -> Option<ExecutionState> {
        self.request.execution.as_deref().map(crate::model::Execution::state)
    }

    /// The decision.
    pub(super) fn decision(&self) -> &crate::model::Decision {
        self.request.decision.as_ref().unwrap()
    }

    pub(super) fn digest(&self) -> ArgumentsDigest {
        self.request.revision.digest
    }
}

pub(super) fn facts(people: &People) -> Facts<'_> {
    Facts {
        people,
        halts: const { &NOBODY },
        grant_id: GrantId::from_uuid(id(99)),
        notice_delivered: true,
        ruling: None,
        edited: None,
        basis: None,
        limits: &[],
        counters: &[],
        standing: &[],
        standing_id: StandingId::from_uuid(id(98)),
    }
}

/// What the lines of a transition tell.
pub(super) fn told(transition: &Transition) -> Vec<EventKind> {
    transition.events.iter().map(|line| event(line).what).collect()
}

pub(super) fn event(line: &EventLine) -> Event {
    line.event().unwrap()
}

/// To whom notices of this kind go.
pub(super) fn notified(transition: &Transition, kind: NoticeKind) -> Vec<String> {
    transition
        .notices
        .iter()
        .filter(|notice| notice.kind == kind)
        .map(|notice| notice.to.to_string())
        .collect()
}

pub(super) fn text(text: &str) -> Text {
    text.into()
}

/// An approved request with one approver, ann.
pub(super) fn approved() -> World {
    let mut world = World::new(gate([need(1, "ann")]));
    world.approve("ann", 1).unwrap();
    world
}
