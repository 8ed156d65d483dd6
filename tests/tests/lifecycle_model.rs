//! The lifecycle against a second one that was written plainly: random worlds, random histories, every answer and every
//! state compared, and what must hold of any history checked besides.

#[path = "lifecycle_model/model.rs"]
mod model;
#[path = "lifecycle_model/setup.rs"]
mod setup;

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use approval_core::{
    audit::{VerifyOptions, verify_file},
    id::{ExecutorId, GrantId, RequestId, StandingId},
    lifecycle::{
        Act, Agents, Behind, Claim, Command, Edit, EditRuling, Ending, Facts, Refusal, Requires, RunRuling,
        Settlement, Transition, apply, create, due_at, edited_arguments,
    },
    model::{
        ActionName, ArgumentsDigest, Ballot, ChainHash, EventLine, Execution, Gate, Halt, HaltScope, Halts,
        NoticeKind, Outcome, People, Request, RunLimits, Status, canonical::parse_canonical, verify_chain,
    },
};
use jiff::{SignedDuration, Timestamp};
use model::{Ended, Model, No, Running};
use proptest::{
    collection::vec,
    prelude::any,
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};
use setup::{AGENT, Bytes, End, OTHER_AGENT, Phase, Said, Setup, Step, Who, Wrong, principal, who};

/// Whether this is the full run: 100,000 histories, others every time. Else 3,000, the same ones every time, so that what
/// must be seen is always seen.
fn is_full() -> bool {
    std::env::var_os("APPROVALS_FULL").is_some()
}

fn at(seconds: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().expect("a moment") + SignedDuration::from_secs(seconds)
}

fn seconds(at: Timestamp) -> i64 {
    at.duration_since(self::at(0)).as_secs()
}

fn number(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}

/// The request under test and the world around it.
struct Real {
    request: Request,
    lines: Vec<EventLine>,
    people: People,
    halts: Halts,
    delivered: bool,
    edited_gate: Option<Gate>,
    grants: u128,
    /// A digest that is not the present one.
    stale: ArgumentsDigest,
    /// The grant before the present one, if it was reopened.
    earlier_grant: Option<GrantId>,
}

/// The policy forbids nothing when a grant is consumed.
static ALLOWS: RunRuling = RunRuling::Allows { inform: Vec::new(), run_windows: Vec::new() };

impl Real {
    fn facts<'a>(&'a self, edited: Option<&'a EditRuling>) -> Facts<'a> {
        Facts {
            people: &self.people,
            halts: &self.halts,
            grant_id: GrantId::from_uuid(number(1000 + self.grants)),
            notice_delivered: self.delivered,
            ruling: Some(&ALLOWS),
            edited,
            basis: None,
            limits: &[],
            counters: &[],
            standing: &[],
            standing_id: StandingId::from_uuid(number(2000 + self.grants)),
        }
    }

    /// What the policy says about a call with the arguments that a command makes.
    fn ruling_of_edit(&self, command: &Command) -> Option<EditRuling> {
        let Act::ApproveEdited { edits, .. } = &command.act else { return None };
        let (_, digest) = edited_arguments(&self.request, edits).ok()?;
        let ruling = match &self.edited_gate {
            Some(gate) => RunRuling::Asks(Arc::new(gate.clone())),
            None => ALLOWS.clone(),
        };
        Some(EditRuling { digest, ruling })
    }

    fn open(setup: &Setup) -> Result<Self, Refusal> {
        let halts = Halts::default();
        let people = setup::people(&setup.groups, &[]);
        let facts = Facts {
            people: &people,
            halts: &halts,
            grant_id: GrantId::from_uuid(number(999)),
            notice_delivered: true,
            ruling: None,
            edited: None,
            basis: None,
            limits: &[],
            counters: &[],
            standing: &[],
            standing_id: StandingId::from_uuid(number(998)),
        };
        let transition = create(setup.draft(), &facts, at(0))?;
        let mut real = Self {
            request: Request::clone(&transition.request),
            lines: Vec::new(),
            people,
            halts,
            delivered: true,
            edited_gate: setup.edited_gate(),
            grants: 0,
            stale: ArgumentsDigest::from_bytes([7; 32]),
            earlier_grant: None,
        };
        real.take(transition);
        Ok(real)
    }

    fn take(&mut self, transition: Transition) {
        if transition.request.revision.digest != self.request.revision.digest {
            self.stale = self.request.revision.digest;
        }
        let granted = |request: &Request| request.grant.as_ref().map(|grant| grant.id);
        if granted(&transition.request) != granted(&self.request) {
            self.earlier_grant = granted(&self.request);
        }
        self.lines.extend(transition.events);
        self.request = Arc::unwrap_or_clone(transition.request);
        self.grants += 1;
    }

    /// The command of a step.
    fn command(&self, step: &Step) -> Option<Command> {
        let digest = |stale: bool| if stale { self.stale } else { self.request.revision.digest };
        let executor = |number: u8| ExecutorId::from_uuid(self::number(u128::from(number)));
        let (actor, act) = match step {
            Step::Vote { who, said, stale } => {
                let ballot = match said {
                    Said::Approve => Ballot::Approve,
                    Said::Reject => Ballot::Reject { option: None },
                    Said::Answer(answer) => {
                        Ballot::Answer(parse_canonical(&answer.to_string()).expect("a number"))
                    }
                };
                (*who, Act::Vote { digest: digest(*stale), ballot, note: None })
            }
            Step::Edit { who, cents, stale } => {
                let value = parse_canonical(&cents.to_string()).expect("a number");
                let edits = vec![Edit { path: "cents".into(), value }];
                (*who, Act::ApproveEdited { digest: digest(*stale), edits, note: None })
            }
            Step::Delegate { from, to } => (*from, Act::Delegate { to: principal(*to) }),
            Step::Escalate { who, requirement, to, priority } => {
                let priority = priority.map(|level| approval_core::Priority::ALL[level]);
                let to = setup::principals(to);
                (*who, Act::Escalate { requirement: *requirement, to, priority })
            }
            Step::Ask { who } => (*who, Act::RequestInfo { question: "why?".into() }),
            Step::Inform { who } => (*who, Act::ProvideInfo { answer: "so".into() }),
            Step::Comment { who } => (*who, Act::Comment { text: "hm".into() }),
            Step::Cancel { who } => (*who, Act::Cancel { reason: None }),
            Step::Halt { who } => (*who, Act::Halt { reason: "stop".into() }),
            Step::Revoke { who } => (*who, Act::Revoke { reason: "no".into() }),
            Step::Consume { wrong } => (AGENT, self.consume(*wrong)),
            Step::Finish { executor: by, end, earlier } => {
                let ending = match end {
                    End::Succeeded => Ending::Succeeded { result: None },
                    End::Failed => Ending::Failed { why: "x".into(), started: true },
                    End::Unknown => Ending::Unknown { why: "x".into() },
                };
                let present = self.request.grant.as_ref().map(|grant| grant.id);
                let grant = if *earlier { self.earlier_grant } else { present };
                let grant = grant.unwrap_or(GrantId::from_uuid(self::number(5)));
                (AGENT, Act::Finish { executor: executor(*by), grant, ending })
            }
            Step::Lose { executor: by } => (AGENT, Act::LoseLease { executor: executor(*by) }),
            Step::Settle { who, succeeded } => {
                let settlement = if *succeeded { Settlement::Succeeded } else { Settlement::Failed };
                (*who, Act::Settle { settlement, note: Some("x".into()) })
            }
            Step::Reopen { who } => (*who, Act::Reopen { run: RunLimits::default() }),
            Step::Retry { who, successor } => {
                (*who, Act::Retry { successor: RequestId::from_uuid(number(u128::from(*successor))) })
            }
            Step::Tick => (AGENT, Act::Tick),
            Step::Wait { .. }
            | Step::Move { .. }
            | Step::Leave { .. }
            | Step::FlipHalt
            | Step::FlipDelivered => {
                return None;
            }
        };
        Some(Command { actor: principal(actor), via: None, operator: actor == setup::BOSS, act })
    }

    fn consume(&self, wrong: Wrong) -> Act {
        let nonce = self.request.grant.as_ref().map_or(GrantId::from_uuid(number(5)), |grant| grant.id);
        let name = |name| ActionName::new(name).expect("a good name");
        Act::Consume {
            executor: ExecutorId::from_uuid(number(0)),
            grant: if wrong == Wrong::Nonce { GrantId::from_uuid(number(6)) } else { nonce },
            claim: Box::new(Claim {
                namespace: self.request.namespace.clone(),
                agents: Agents::one(principal(if wrong == Wrong::Agent { OTHER_AGENT } else { AGENT })),
                behind: Behind::Exactly(self.request.on_behalf_of.clone()),
                action: name(if wrong == Wrong::Action { "model.other" } else { "model.act" }),
                version: self.request.action.version,
                schema: self.request.action.schema,
                digest: if wrong == Wrong::Arguments { self.stale } else { self.request.revision.digest },
                declared: None,
                needs_proof: false,
            }),
        }
    }

    /// The world as the model has it.
    fn follow(&mut self, model: &Model) {
        self.people = setup::people(&model.groups, &model.gone);
        let halt = Halt {
            scope: HaltScope::Everything,
            reason: "stop".into(),
            by: principal(setup::BOSS),
            at: at(0),
        };
        self.halts = Halts(if model.halted { vec![halt] } else { Vec::new() });
        self.delivered = model.delivered;
    }
}

/// The name of a refusal, or of the reason why somebody may not vote.
fn name(refusal: &Refusal) -> String {
    let text = match refusal {
        Refusal::NotAnApprover { why, .. } => format!("{why:?}"),
        Refusal::AlreadyDecided(_) => "AlreadyDecided".to_owned(),
        other => format!("{other:?}"),
    };
    text.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// Everything that both know, as text, so that a difference can be read.
fn view_of_model(model: &Model) -> String {
    let status = match &model.ended {
        Some(ended) => ended.outcome,
        None if model.asking_agent => "info_requested",
        None => "pending",
    };
    let votes: Vec<String> =
        model.votes.iter().map(|vote| format!("{} {:?} {}", vote.who, vote.said, vote.void)).collect();
    let needs: Vec<String> = model
        .needs
        .iter()
        .map(|need| format!("{} {:?} {} {}", need.count, need.of, need.may_share, need.matching))
        .collect();
    let running = model.running.map(|running| format!("{running:?}"));
    format!(
        "{status} {running:?} until {:?}\nvotes {votes:?}\ndelegations {:?}\nneeds {needs:?}\nwidened {:?}\n\
         reminded {} extended {} deadline {:?} priority {} due {:?}\nended {:?}\ncomments {} unanswered {} \
         successor {:?} revision {} cents {}",
        model.grant_until,
        model.delegations,
        model.widened,
        model.reminded,
        model.extended,
        model.deadline,
        model.priority,
        model.due(),
        model.ended,
        model.comments,
        model.unanswered,
        model.successor,
        model.revision,
        model.cents,
    )
}

fn small(id: &uuid::Uuid) -> u8 {
    u8::try_from(id.as_u128()).expect("a small number")
}

fn said(ballot: &Ballot) -> Said {
    match ballot {
        Ballot::Approve => Said::Approve,
        Ballot::Reject { .. } => Said::Reject,
        Ballot::Answer(answer) => Said::Answer(answer.as_str().parse().expect("a number")),
    }
}

fn view_of_request(request: &Request) -> String {
    let running = request.execution.as_deref().map(|execution| match execution {
        Execution::NotStarted => Running::NotStarted,
        Execution::Executing { executor, .. } => Running::Executing(small(executor.as_uuid())),
        Execution::Succeeded { .. } => Running::Succeeded,
        Execution::Failed { .. } => Running::Failed,
        Execution::Unknown { executor, .. } => Running::Unknown(small(executor.as_uuid())),
        Execution::GrantExpired { .. } => Running::GrantExpired,
        Execution::Revoked { .. } => Running::Revoked,
    });
    let running = running.map(|running| format!("{running:?}"));
    let votes: Vec<String> = request
        .votes
        .iter()
        .map(|vote| format!("{} {:?} {}", who(&vote.voter), said(&vote.ballot), vote.void))
        .collect();
    let cast = |principals: &[approval_core::Principal]| principals.iter().map(who).collect::<Vec<Who>>();
    let needs: Vec<String> = request
        .gate
        .requirements
        .iter()
        .map(|one| format!("{} {:?} {} {}", one.count, cast(&one.of), one.may_share, one.matching))
        .collect();
    let delegations: Vec<(Who, Who)> =
        request.delegations.iter().map(|one| (who(&one.from), who(&one.to))).collect();
    let widened: Vec<(usize, Vec<Who>, Option<usize>)> =
        request.widened.iter().map(|one| (one.requirement, cast(&one.to), one.stage)).collect();
    let ended = request.decision.as_ref().map(|decision| Ended {
        outcome: decision.outcome.as_str(),
        by: cast(&decision.by),
        by_timeout: decision.by_timeout,
        by_halt: decision.by_halt,
        unreachable: decision.unreachable,
        answer: decision.answer.as_ref().map(|answer| answer.as_str().parse().expect("a number")),
    });
    let cents: String = request.revision.arguments.as_str().chars().filter(char::is_ascii_digit).collect();
    format!(
        "{} {running:?} until {:?}\nvotes {votes:?}\ndelegations {delegations:?}\nneeds {needs:?}\nwidened {widened:?}\n\
         reminded {} extended {} deadline {:?} priority {} due {:?}\nended {ended:?}\ncomments {} unanswered {} \
         successor {:?} revision {} cents {cents}",
        request.status.as_str(),
        request.grant.as_ref().map(|grant| seconds(grant.expires_at)),
        request.reminders,
        request.extended,
        request.deadline.map(seconds),
        approval_core::Priority::ALL.iter().position(|level| *level == request.priority).expect("a level"),
        due_at(request).map(seconds),
        request.comments.len(),
        request.info.iter().filter(|info| info.answer.is_none()).count(),
        request.successor.map(|successor| small(successor.as_uuid())),
        request.revision.number,
    )
}

/// What must hold of every transition, whatever led to it.
fn check_transition(before: &Request, command: &Command, transition: &Transition, model: &Model) {
    let after = &transition.request;
    let now = at(model.now);
    assert!(!transition.events.is_empty(), "a transition without a line of history");
    assert!(transition.not_before.is_none_or(|bound| bound <= now), "not_before lies ahead");
    assert!(transition.not_after.is_none_or(|bound| now < bound), "not_after has passed");
    let timed = !matches!(command.act, Act::Tick | Act::Halt { .. } | Act::Comment { .. });
    if before.status.is_open() && timed {
        assert_eq!(transition.not_after, before.deadline, "a person's act is bound to the deadline");
    }
    if let Some(decision) = &before.decision {
        assert_eq!(after.decision.as_ref(), Some(decision), "a decision is for ever");
        assert_eq!(after.status, before.status);
        assert_eq!(after.votes, before.votes);
    }
    let decided = before.decision.is_none() && after.decision.is_some();
    assert_eq!(after.decision.is_some(), !after.status.is_open());
    if decided && after.status == Status::Approved {
        assert!(transition.requires.contains(&Requires::SameHalts));
        assert!(model.halted || transition.requires == [Requires::SameHalts]);
    }
    if decided {
        assert!(transition.notices.iter().all(|notice| !notice.kind.asks()), "nobody is asked any more");
        assert!(transition.notices.iter().any(|notice| notice.kind == NoticeKind::Outcome));
    }
    check_notices(before, transition, model);
}

fn check_notices(before: &Request, transition: &Transition, model: &Model) {
    let mut told = transition.notices.clone();
    told.sort_by(|one, other| (one.kind, &one.to).cmp(&(other.kind, &other.to)));
    told.dedup();
    assert_eq!(told.len(), transition.notices.len(), "somebody is told the same twice: {told:?}");
    for notice in &transition.notices {
        if notice.kind == NoticeKind::InfoProvided {
            assert!(before.info.iter().any(|info| info.by == notice.to && info.answer.is_none()));
        } else if notice.kind.asks() {
            assert!(model.approver(who(&notice.to)).is_ok(), "{} is asked in vain", notice.to);
        }
        if notice.kind == NoticeKind::Reminder {
            assert!(!model.has_voted(who(&notice.to)), "{} has voted", notice.to);
        }
    }
    let closed = transition.notices.iter().filter(|notice| notice.kind == NoticeKind::Closed);
    let closed: Vec<Who> = closed.map(|notice| who(&notice.to)).collect();
    if !closed.is_empty() {
        assert!(
            model.deciders().iter().all(|decider| closed.contains(decider)),
            "somebody is not told the end"
        );
    }
}

/// Whoever verifies the trail finds nothing that could not have happened.
fn check_trail(real: &Real) {
    let chain = real.request.chain;
    let (count, hash, id) = (chain.count, chain.hash, real.request.id);
    let mut trail = format!(
        "{{\"trail\":1}}\n{{\"request\":{{\"count\":{count},\"hash\":\"{hash}\",\"id\":\"{id}\"}}}}\n"
    );
    for line in &real.lines {
        trail += &format!("{{\"event\":{}}}\n", line.text);
    }
    let (hash, lines) = (ChainHash::of(&trail), trail.lines().count());
    trail += &format!("{{\"end\":{{\"hash\":\"{hash}\",\"lines\":{lines}}}}}\n");
    let report = verify_file(trail.as_bytes(), VerifyOptions::default()).expect("it can be read");
    assert_eq!(report.expect("a sound trail").events, count);
}

/// What must hold at the end of a history.
fn check_history(real: &Real) {
    let request = &real.request;
    verify_chain(request.id, &real.lines, &request.chain).expect("the chain holds");
    check_trail(real);
    let count = |wanted: &str| {
        let wanted = format!(r#""what":{{"kind":"{wanted}""#);
        real.lines.iter().filter(|line| line.text.contains(&wanted)).count()
    };
    assert_eq!(count("created"), 1);
    assert_eq!(count("decided"), usize::from(request.decision.is_some()), "at most one decision, ever");
    assert!(count("consumed") <= 1 + count("reopened"), "a grant is spent once");
    if let Some(decision) = &request.decision
        && decision.outcome == Outcome::Approved
    {
        assert!(decision.by_timeout || !decision.by.is_empty(), "approved by nobody");
        assert!(decision.by.iter().all(approval_core::Principal::is_person), "an agent counted");
        let mut people = decision.by.clone();
        people.sort();
        people.dedup();
        assert_eq!(people.len(), decision.by.len(), "somebody counted twice");
        let most = request.gate.requirements.iter().map(|one| one.count).max().unwrap_or(0);
        assert!(decision.by_timeout || decision.by.len() >= most as usize, "too few people");
    }
    for (stage, _) in request.gate.escalation.iter().enumerate() {
        assert!(request.widened.iter().filter(|one| one.stage == Some(stage)).count() <= 1, "fired twice");
    }
    let text = serde_json::to_string(request).expect("JSON");
    assert_eq!(serde_json::from_str::<Request>(&text).expect("the same request"), *request);
}

/// Lets time run out: everything that is due happens at its time, one after the other, until nothing will ever happen.
fn run_out(real: &mut Real, model: &mut Model) {
    let mut last = None;
    while let Some(due) = due_at(&real.request) {
        assert!(last.is_none_or(|last| due > last), "due at {due} again");
        last = Some(due);
        let tick = real.command(&Step::Tick).expect("a command");
        let early = at(seconds(due) - 1);
        let nothing = apply(&real.request, &tick, &real.facts(None), early);
        assert_eq!(nothing.expect_err("too early"), Refusal::NothingToDo);
        model.now = seconds(due);
        model.step(&Step::Tick).expect("something is due");
        let transition = apply(&real.request, &tick, &real.facts(None), due).expect("something is due");
        assert_eq!(transition.not_before, Some(due));
        real.take(transition);
        assert_eq!(view_of_request(&real.request), view_of_model(model), "at {due}");
    }
    let over = model.ended.is_some() || model.deadline.is_none();
    assert!(over, "nothing is due, and yet it is open with a deadline");
}

/// How often something was seen, so that the test can tell that it saw it.
type Seen = RefCell<BTreeMap<String, u64>>;

fn saw(seen: &Seen, what: &str) {
    *seen.borrow_mut().entry(what.to_owned()).or_default() += 1;
}

/// Which steps mean something now.
fn phase(model: &Model) -> Phase {
    match model.running {
        None if model.ended.is_none() => Phase::Open,
        None => Phase::Over,
        Some(Running::NotStarted) => Phase::NotStarted,
        Some(_) => Phase::Begun,
    }
}

fn try_history(setup: &[u8], steps: &[[u8; 6]], seen: &Seen, trace: bool) {
    let setup = Setup::decode(&mut Bytes(setup));
    let (mut model, mut real) = match (Model::open(&setup), Real::open(&setup)) {
        (Ok(model), Ok(real)) => (model, real),
        (Err(expected), Err(refusal)) => {
            assert_eq!(name(&refusal), expected, "opening {setup:#?}");
            saw(seen, &format!("open: {expected}"));
            return;
        }
        (model, real) => {
            panic!(
                "opening {setup:#?}: {:?} instead of {:?}",
                real.map(|real| real.request),
                model.map(|_| ())
            )
        }
    };
    let mut left: i32 = 6;
    for bytes in steps {
        left -= i32::from(phase(&model) == Phase::Over);
        if left < 0 {
            break; // the same refusals again and again
        }
        let hot: Vec<Who> = model.delegations.iter().flat_map(|(from, to)| [*from, *to]).collect();
        let step = Step::decode(bytes, phase(&model), &hot);
        if trace {
            println!("{step:?}");
        }
        let before = model.clone();
        let expected: Result<(), No> = model.step(&step);
        let Some(command) = real.command(&step) else {
            real.follow(&model);
            continue;
        };
        let context = || format!("{step:?} at {}s in\n{setup:#?}\nafter\n{before:#?}", before.now);
        let edited = real.ruling_of_edit(&command);
        match apply(&real.request, &command, &real.facts(edited.as_ref()), at(model.now)) {
            Ok(transition) => {
                assert_eq!(expected, Ok(()), "it was done: {}", context());
                check_transition(&real.request, &command, &transition, &model);
                real.take(transition);
                let kind = format!("{step:?}");
                saw(seen, kind.split([' ', '{']).next().unwrap_or_default());
            }
            Err(refusal) => {
                assert_eq!(Err(name(&refusal).as_str()), expected, "{}", context());
                saw(seen, &name(&refusal));
            }
        }
        assert_eq!(view_of_request(&real.request), view_of_model(&model), "{}", context());
    }
    if model.needs.iter().any(|need| need.matching > 0) {
        saw(seen, "a second matching");
    }
    if let Some(ended) = &model.ended {
        saw(seen, ended.outcome);
        if ended.unreachable {
            saw(seen, "unreachable");
        }
    }
    run_out(&mut real, &mut model);
    check_history(&real);
}

#[test]
fn the_lifecycle_does_what_a_plain_model_of_it_does() {
    let seen = Seen::default();
    let cases = if is_full() { 100_000 } else { 3_000 };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = if is_full() {
        TestRunner::new(config)
    } else {
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
    };
    let histories = (vec(any::<u8>(), 64), vec(any::<[u8; 6]>(), 0..32));
    let result = runner.run(&histories, |(setup, steps)| {
        try_history(&setup, &steps, &seen, false);
        Ok(())
    });
    if let Err(TestError::Fail(reason, (setup, steps))) = result {
        println!("the shortest history found, {reason}:");
        try_history(&setup, &steps, &seen, true);
        panic!("{reason}, but not again");
    }
    result.expect("histories can be made");
    let seen = seen.into_inner();
    for what in [
        "approved",
        "rejected",
        "unreachable",
        "a second matching",
        "expired",
        "cancelled",
        "Vote",
        "Edit",
        "Delegate",
        "Escalate",
        "Ask",
        "Inform",
        "Comment",
        "Cancel",
        "Halt",
        "Revoke",
        "Consume",
        "Finish",
        "Lose",
        "Settle",
        "Retry",
        "Reopen",
        "Tick",
        "AlreadyDecided",
        "DeadlinePassed",
        "NotAPerson",
        "Unknown",
        "NotAsked",
        "Excluded",
        "OwnRequest",
        "SeatTaken",
        "ArgumentsChanged",
        "NoApprover",
        "Invalid",
        "Delegation",
        "Halted",
        "NotApproved",
        "WrongGrant",
        "GrantExpired",
        "Revoked",
        "AlreadyRan",
        "NotExecuting",
        "NothingToDo",
        "NotPermitted",
        "AlreadyRetried",
        "open: NoApprover",
        "open: Invalid",
    ] {
        assert!(seen.contains_key(what), "never seen in {cases} histories: {what}\n{seen:#?}");
    }
}
