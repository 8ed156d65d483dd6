//! The channel against a stand-in for the manager that takes down what it is handed.

use std::collections::VecDeque;
use std::io::{self, BufReader, PipeWriter, Write};

use approval_core::id::{NoticeId, RequestId};
use approval_core::lifecycle::{Act, Command, Edit};
use approval_core::model::canonical::parse_canonical;
use approval_core::model::{
    Ballot, Decision, Outcome, StandingArguments, StandingReach, StandingTerms, Vote,
};
use approval_core::notify::{DecideToken, DecisionSink};
use approval_core::store::{Page, Stored};
use tokio::time::timeout;

use super::super::sample::{digest, id, now, principal, request};
use super::*;

const ANN: &str = "user:ann@example.com";
const BOB: &str = "user:bob@example.com";
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct Clerk {
    commands: mpsc::UnboundedSender<(RequestId, Command)>,
    /// What is answered to the next commands; after that everything is decided at once.
    answers: Mutex<VecDeque<Result<Request, ApprovalError>>>,
    /// What there is to be got.
    current: Option<Request>,
    /// What is open when the terminal starts.
    open: Vec<Request>,
    /// Who may decide.
    deciders: Vec<Principal>,
}

#[async_trait]
impl DecisionSink for Clerk {
    async fn submit(&self, request: RequestId, command: Command) -> Result<Arc<Request>, ApprovalError> {
        self.commands.send((request, command)).unwrap();
        let answer = self.answers.lock().unwrap().pop_front();
        answer.unwrap_or_else(|| Ok(decided(Outcome::Approved))).map(Arc::new)
    }

    async fn get(&self, request: RequestId) -> Result<Arc<Request>, ApprovalError> {
        self.current.clone().map(Arc::new).ok_or(ApprovalError::NotFound(request))
    }

    async fn list(&self, query: &Query) -> Result<Page, ApprovalError> {
        assert_eq!(query.status, [Status::Pending, Status::InfoRequested]);
        let stored = |request: &Request| Stored { version: 1, request: Arc::new(request.clone()) };
        Ok(Page { items: self.open.iter().map(stored).collect(), next: None })
    }

    async fn deciders(&self, _: RequestId) -> Result<Vec<Principal>, ApprovalError> {
        Ok(self.deciders.clone())
    }

    async fn identify(&self, _: &str, _: &str) -> Result<Option<Principal>, ApprovalError> {
        Ok(None)
    }

    fn verifies(&self, _: &DecideToken) -> bool {
        false
    }
}

fn decided(outcome: Outcome) -> Request {
    let mut request = request("one");
    request.status = if outcome == Outcome::Approved { Status::Approved } else { Status::Rejected };
    request.decision = Some(Arc::new(Decision {
        outcome,
        at: now(),
        by: vec![principal(BOB)],
        reason: None,
        option: None,
        digest: digest("first"),
        answer: None,
        by_timeout: false,
        by_standing: None,
        by_policy: false,
        by_halt: false,
        unreachable: false,
        by_definition: false,
    }));
    request
}

struct Printer(mpsc::UnboundedSender<String>);

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(String::from_utf8(bytes.to_vec()).unwrap()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A started terminal, and what it is connected to.
struct Room {
    terminal: Terminal,
    keyboard: PipeWriter,
    output: mpsc::UnboundedReceiver<String>,
    seen: String,
    commands: mpsc::UnboundedReceiver<(RequestId, Command)>,
}

impl Room {
    async fn new(people: &[&str]) -> Self {
        Self::with(people, vec![], None, vec![]).await
    }

    async fn with(
        people: &[&str],
        answers: Vec<Result<Request, ApprovalError>>,
        current: Option<Request>,
        open: Vec<Request>,
    ) -> Self {
        let (reader, keyboard) = io::pipe().unwrap();
        let (printer, output) = mpsc::unbounded_channel();
        let (sender, commands) = mpsc::unbounded_channel();
        let terminal =
            Terminal::new(BufReader::new(reader), Printer(printer)).elsewhere("Write to the desk.");
        let terminal = people.iter().fold(terminal, |terminal, who| terminal.acting_as(principal(who)));
        let deciders = vec![principal(ANN), principal(BOB)];
        let clerk = Clerk { commands: sender, answers: Mutex::new(answers.into()), current, open, deciders };
        terminal.start(Decider::new("terminal", Arc::new(clerk))).await.unwrap();
        Self { terminal, keyboard, output, seen: String::new(), commands }
    }

    async fn deliver(&self, kind: NoticeKind, to: &str, request: Request) -> Result<Delivered, NotifyError> {
        self.terminal.deliver(&notice(kind, to, request)).await
    }

    async fn ask(&self, to: &str) {
        self.deliver(NoticeKind::Decide, to, request("one")).await.unwrap();
    }

    fn type_in(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    async fn until(&mut self, text: &str) {
        while !self.seen.contains(text) {
            match timeout(PATIENCE, self.output.recv()).await {
                Ok(Some(more)) => self.seen.push_str(&more),
                _ => panic!("{text:?} did not appear in {}", self.seen),
            }
        }
    }

    async fn command(&mut self) -> (RequestId, Command) {
        timeout(PATIENCE, self.commands.recv()).await.expect("a command in time").expect("a session")
    }
}

fn notice(kind: NoticeKind, to: &str, request: Request) -> Notice {
    Notice::new(NoticeId::generate(now()), kind, principal(to), "terminal".into(), Arc::new(request), now())
}

fn vote(ballot: Ballot, note: Option<&str>) -> Act {
    Act::Vote { digest: digest("first"), ballot, note: note.map(Into::into) }
}

#[tokio::test]
async fn a_line_becomes_a_vote_of_the_person_on_what_was_shown() {
    let lines = [
        ("y", vote(Ballot::Approve, None)),
        ("y note fine", vote(Ballot::Approve, Some("fine"))),
        (
            "always agent any for 2h times 5",
            Act::ApproveStanding {
                digest: digest("first"),
                note: None,
                terms: StandingTerms::new(StandingReach::Agent, StandingArguments::Any)
                    .lasting(approval_core::clock::Span::from_hours(2))
                    .at_most(5),
            },
        ),
        ("n", vote(Ballot::Reject { option: None }, None)),
        ("n half would do", vote(Ballot::Reject { option: None }, Some("half would do"))),
        ("1", vote(Ballot::Reject { option: Some("too_much".into()) }, None)),
        ("n 1: by half", vote(Ballot::Reject { option: Some("too_much".into()) }, Some("by half"))),
        ("ask why?", Act::RequestInfo { question: "why?".into() }),
        (
            "edit cents=1200",
            Act::ApproveEdited {
                digest: digest("first"),
                edits: vec![Edit { path: "cents".into(), value: parse_canonical("1200").unwrap() }],
                note: None,
            },
        ),
    ];
    for (line, act) in lines {
        let mut room = Room::new(&[ANN]).await;
        room.ask(ANN).await;
        room.type_in(line);
        let (request, command) = room.command().await;
        let expected = Command { actor: principal(ANN), via: Some("terminal".into()), operator: false, act };
        assert_eq!((request, command), (id("one"), expected), "{line}");
        room.until("Done: approved by user:bob@example.com.").await;
    }
}

#[tokio::test]
async fn it_reaches_only_those_whom_it_acts_as() {
    let room = Room::new(&[ANN]).await;
    assert!(room.terminal.reaches(&principal(ANN)) && !room.terminal.reaches(&principal(BOB)));
    let error = room.deliver(NoticeKind::Decide, BOB, request("one")).await.unwrap_err();
    assert!(matches!(&error, NotifyError::Permanent { why } if why.contains(BOB)), "{error}");
}

#[tokio::test]
async fn a_decision_elsewhere_takes_the_request_away() {
    let mut room = Room::new(&[ANN]).await;
    let delivered = room.deliver(NoticeKind::Decide, ANN, request("one")).await.unwrap();
    room.until("ann@example.com> ").await;
    let message = delivered.message.expect("a message to bring up to date");
    let closed = notice(NoticeKind::Closed, ANN, decided(Outcome::Rejected));
    room.terminal.update(&message, &closed).await.unwrap();
    room.until("rejected by user:bob@example.com. Nothing to do here any more.").await;
    assert!(room.commands.try_recv().is_err());
}

#[tokio::test]
async fn what_is_still_open_is_not_taken_away() {
    let mut room = Room::new(&[ANN]).await;
    let message = room.deliver(NoticeKind::Decide, ANN, request("one")).await.unwrap().message.unwrap();
    room.until("ann@example.com> ").await;
    room.terminal.update(&message, &notice(NoticeKind::Closed, ANN, request("one"))).await.unwrap();
    room.type_in("y");
    assert_eq!(room.command().await.1.act, vote(Ballot::Approve, None));
}

#[tokio::test]
async fn a_vote_that_is_not_enough_is_told_and_the_next_person_is_asked() {
    let mut room = Room::with(&[ANN, BOB], vec![Ok(request("one"))], None, vec![]).await;
    room.ask(ANN).await;
    room.ask(BOB).await;
    room.type_in("y");
    room.type_in("1");
    assert_eq!(room.command().await.1.actor, principal(ANN));
    room.until("Your vote counts; it takes more votes to decide.\nuser:bob@example.com> ").await;
    room.type_in("n");
    assert_eq!(room.command().await.1.actor, principal(BOB));
}

#[tokio::test]
async fn what_is_not_asked_about_any_more_is_said() {
    let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any);
    let vote = |voter: &str, standing: Option<&StandingTerms>| Vote {
        voter: principal(voter),
        ballot: Ballot::Approve,
        digest: digest("first"),
        note: None,
        via: None,
        at: now(),
        standing: standing.cloned().map(Box::new),
        void: false,
    };
    let calls = "calls of payments.refund by agent:worker-3 on behalf of user:bob@example.com with any arguments, for the next 24 hours";
    let (mut open, mut same, mut other) =
        (request("one"), decided(Outcome::Approved), decided(Outcome::Approved));
    open.votes.push(vote(ANN, Some(&terms)));
    same.votes.push(vote(BOB, Some(&terms)));
    other.votes.extend([vote(ANN, Some(&terms)), vote(BOB, None)]);
    for (answer, told) in [
        (
            open,
            format!(
                "more votes to decide. Not asked about then, if everybody whose vote it takes asks for the same: {calls}."
            ),
        ),
        (same, format!("Not asked about from now on: {calls}. A rejection of such a call ends that.")),
        (other, "Not everybody asked for the same: such calls are asked about as before.".to_owned()),
    ] {
        let mut room = Room::with(&[ANN], vec![Ok(answer)], None, vec![]).await;
        room.ask(ANN).await;
        room.until("always ... = and do not ask again").await;
        room.type_in("always agent any");
        room.until(&told).await;
    }
}

#[tokio::test]
async fn a_question_to_the_agent_leaves_the_request_open() {
    let mut answering = request("one");
    answering.answers_info = true;
    let mut room = Room::with(&[ANN], vec![Ok(answering)], None, vec![]).await;
    room.ask(ANN).await;
    room.type_in("ask why?");
    room.until("Asked. The deadline stays; the answer will appear here.\nuser:ann@example.com> ").await;
}

#[tokio::test]
async fn a_question_to_an_agent_that_answers_none_is_said_to_stay_unanswered() {
    let mut room = Room::with(&[ANN], vec![Ok(request("one"))], None, vec![]).await;
    room.ask(ANN).await;
    room.type_in("ask why?");
    room.until("no answer will come unless an operator gives one.").await;
    room.until("user:ann@example.com> ").await;
}

#[tokio::test]
async fn a_refused_vote_is_explained_and_the_request_shown_as_it_is_now() {
    let mut edited = request("one");
    edited.revision.digest = digest("second");
    edited.revision.arguments = parse_canonical(r#"{"cents":7}"#).unwrap();
    let refusal = ApprovalError::NotFound(id("refused"));
    let mut room = Room::with(&[ANN], vec![Err(refusal)], Some(edited), vec![]).await;
    room.ask(ANN).await;
    room.type_in("y");
    room.command().await;
    room.until("That does not count: ").await;
    room.until("\"cents\": 7").await;
    room.type_in("y");
    let act = Act::Vote { digest: digest("second"), ballot: Ballot::Approve, note: None };
    assert_eq!(room.command().await.1.act, act);
}

#[tokio::test]
async fn a_vote_that_came_too_late_ends_the_prompt() {
    let refusal = ApprovalError::NotFound(id("refused"));
    let mut room = Room::with(&[ANN], vec![Err(refusal)], Some(decided(Outcome::Rejected)), vec![]).await;
    room.ask(ANN).await;
    room.deliver(NoticeKind::Decide, ANN, request("two")).await.unwrap();
    room.type_in("y");
    room.command().await;
    room.until(&id("two").to_string()).await;
}

#[tokio::test]
async fn what_earlier_runs_left_open_is_asked_about_again() {
    let mut voted = request("voted");
    let vote = serde_json::json!({
        "voter": ANN, "ballot": "approve", "digest": digest("first"), "at": now(),
    });
    voted.votes = vec![serde_json::from_value(vote).unwrap()].into();
    let mut room = Room::with(&[ANN], vec![], None, vec![voted, request("left")]).await;
    room.type_in("y");
    assert_eq!(room.command().await.0, id("left"));
    assert!(!room.seen.contains(&id("voted").to_string()));
}

#[tokio::test]
async fn nobody_is_asked_about_what_others_decide() {
    let mut room = Room::with(&["user:eve@example.com"], vec![], None, vec![request("left")]).await;
    room.terminal
        .deliver(&notice(NoticeKind::Outcome, "user:eve@example.com", request("two")))
        .await
        .unwrap();
    room.until("For your information").await;
    room.deliver(NoticeKind::Decide, "user:eve@example.com", request("three")).await.unwrap();
    room.until("eve@example.com> ").await;
    assert!(!room.seen.contains(&id("left").to_string()), "{}", room.seen);
}

#[tokio::test]
async fn everybody_here_who_may_answer_is_offered_from_the_first_notice_on() {
    let mut room = Room::with(&[BOB, "user:eve@example.com", ANN], vec![], None, vec![]).await;
    room.ask(ANN).await;
    room.until("answer> ").await;
    room.type_in("y");
    room.until("  1) user:bob@example.com\n  2) user:ann@example.com\nwho> ").await;
    room.type_in("2");
    assert_eq!(room.command().await.1.actor, principal(ANN));
}

#[tokio::test]
async fn after_the_end_of_input_notices_do_not_get_through() {
    let room = Room::new(&[ANN]).await;
    let Room { terminal, keyboard, mut output, .. } = room;
    let mut end = terminal.input_end();
    assert!(!end.has_come());
    terminal.deliver(&notice(NoticeKind::Decide, ANN, request("one"))).await.unwrap();
    drop(keyboard);
    timeout(PATIENCE, end.wait()).await.expect("the end in time");
    assert!(end.has_come());
    let error = terminal.deliver(&notice(NoticeKind::Decide, ANN, request("two"))).await.unwrap_err();
    assert!(matches!(error, NotifyError::Permanent { .. }), "{error}");
    terminal.stop().await;
    let mut seen = String::new();
    while let Ok(more) = output.try_recv() {
        seen.push_str(&more);
    }
    assert!(seen.contains("no person can answer here any more. What is open stays undecided:"), "{seen}");
    assert!(seen.ends_with("No person can answer here any more. Write to the desk.\n"), "{seen}");
}

#[tokio::test]
async fn what_asks_for_nothing_is_told() {
    let mut room = Room::new(&[ANN]).await;
    room.deliver(NoticeKind::Outcome, ANN, decided(Outcome::Rejected)).await.unwrap();
    room.until("For your information: payments.refund of agent:worker-3: rejected by user:bob@example.com")
        .await;
    assert!(room.commands.try_recv().is_err());
}

#[tokio::test]
async fn what_was_decided_before_the_notice_came_is_told_and_not_asked_about() {
    let mut room = Room::new(&[ANN]).await;
    room.deliver(NoticeKind::Reminder, ANN, decided(Outcome::Rejected)).await.unwrap();
    room.deliver(NoticeKind::Decide, ANN, request("two")).await.unwrap();
    room.until("ann@example.com> ").await;
    assert!(room.seen.starts_with("For your information: "), "{}", room.seen);
    assert_eq!(room.seen.matches("Approval wanted: ").count(), 1, "{}", room.seen);
    assert!(room.seen.contains(&format!("  request     {}", id("two"))), "{}", room.seen);
}

#[tokio::test]
async fn a_terminal_of_nobody_or_of_no_person_does_not_start() {
    let clerk = || {
        let (commands, _) = mpsc::unbounded_channel();
        let answers = Mutex::default();
        let clerk = Clerk { commands, answers, current: None, open: vec![], deciders: vec![] };
        Decider::new("terminal", Arc::new(clerk))
    };
    let terminal = || Terminal::new(io::empty(), io::sink());
    assert!(terminal().start(clerk()).await.unwrap_err().to_string().contains("acts for no person"));
    let group = terminal().acting_as(principal("group:finance"));
    assert!(group.start(clerk()).await.unwrap_err().to_string().contains("no person"));
    let ann = terminal().acting_as(principal(ANN));
    ann.start(clerk()).await.unwrap();
    assert!(ann.start(clerk()).await.unwrap_err().to_string().contains("started before"));
}
