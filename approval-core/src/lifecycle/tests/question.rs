use super::*;
use crate::model::{AnswerOption, OnTimeout, Outcome, Question, Status};

fn question(agree: u32, options: &[&str]) -> Question {
    Question {
        text: text("How many?"),
        schema: text(r#"{"type":"integer","minimum":0}"#),
        options: options
            .iter()
            .map(|value| AnswerOption { value: text(value), title: text(value) })
            .collect(),
        agree,
    }
}

fn ask(question: Question, gate: Gate) -> Draft {
    Draft { question: Some(Arc::new(question)), ..draft(gate) }
}

fn open(question: Question, gate: Gate) -> World {
    World::open(ask(question, gate), People::default())
}

fn answer(value: &str) -> Ballot {
    Ballot::Answer(json(value))
}

#[test]
fn the_first_valid_answer_decides() {
    let mut world = open(question(1, &[]), gate([need(1, "ann bob")]));
    for bad in ["-1", "\"x\"", "1.5"] {
        assert!(matches!(world.vote("ann", answer(bad), 1), Err(Refusal::Invalid(_))), "{bad}");
    }
    let Err(Refusal::Invalid(invalid)) = world.approve("ann", 1) else { panic!() };
    assert!(invalid.to_string().contains("no answer"));
    world.vote("ann", answer("3"), 1).unwrap();
    let decision = world.decision();
    assert_eq!((decision.outcome, &decision.answer), (Outcome::Approved, &Some(json("3"))));
    assert_eq!(decision.by, users("ann"));
    assert_eq!((world.request.grant.clone(), world.state()), (None, None), "nothing runs");
    assert_eq!(due_at(&world.request), None);
    assert_eq!(world.consume(2).unwrap_err(), Refusal::NotApproved);
    assert_eq!(world.operate(Act::Revoke { reason: text("x") }, 2).unwrap_err(), Refusal::NotApproved);
    assert_eq!(world.operate(Act::Halt { reason: text("x") }, 2).unwrap_err(), Refusal::NothingToDo);
    let retry = Act::Retry { successor: RequestId::from_uuid(id(9)) };
    assert!(matches!(world.act(&agent(), retry, 2), Err(Refusal::NotPermitted { .. })));
}

#[test]
fn equal_answers_decide_where_several_are_asked_for() {
    let mut world = open(question(2, &[]), gate([need(1, "ann bob cid dan")]));
    world.vote("ann", answer("3"), 1).unwrap();
    world.vote("bob", answer("4"), 2).unwrap();
    assert_eq!(world.vote("bob", answer("4"), 2).unwrap_err(), Refusal::NothingToDo);
    world.vote("ann", answer("5"), 3).unwrap();
    assert!(world.request.status.is_open());
    world.vote("cid", answer("4.0"), 4).unwrap();
    assert_eq!(world.decision().answer, Some(json("4")));
    assert_eq!(world.decision().by, users("bob cid"));
}

#[test]
fn the_gate_of_a_question_must_be_met_too() {
    let mut world = open(question(1, &[]), gate([need(1, "ann"), need(1, "bob")]));
    world.vote("ann", answer("3"), 1).unwrap();
    assert!(world.request.status.is_open());
    world.vote("bob", answer("3"), 2).unwrap();
    assert_eq!(world.decision().by, users("ann bob"));
}

#[test]
fn refusing_to_answer_is_a_rejection() {
    let mut world = open(question(1, &[]), gate([need(1, "ann bob")]));
    world.reject("ann", 1).unwrap();
    assert_eq!((world.request.status, &world.decision().answer), (Status::Rejected, &None));
}

#[test]
fn an_answer_must_be_one_of_the_options() {
    let mut world = open(question(1, &["1", "2"]), gate([need(1, "ann")]));
    let Err(Refusal::Invalid(invalid)) = world.vote("ann", answer("3"), 1) else { panic!() };
    assert!(invalid.to_string().contains("choose one of: 1, 2"), "{invalid}");
    world.vote("ann", answer("2.0"), 1).unwrap();
    assert_eq!(world.decision().answer, Some(json("2")));
}

#[test]
fn an_action_takes_no_answer() {
    let mut world = World::new(gate([need(1, "ann")]));
    let Err(Refusal::Invalid(invalid)) = world.vote("ann", answer("3"), 1) else { panic!() };
    assert!(invalid.to_string().contains("approve or reject"));
    let mut world = open(question(1, &[]), gate([need(1, "ann")]));
    let edit = Edit { path: text("cents"), value: json("1") };
    let act = Act::ApproveEdited { digest: world.digest(), edits: vec![edit], note: None };
    let Err(Refusal::Invalid(invalid)) = world.act(&user("ann"), act, 1) else { panic!() };
    assert!(invalid.to_string().contains("no arguments to edit"));
}

#[test]
fn a_question_that_cannot_be_answered_is_refused() {
    let gate = || gate([need(1, "ann bob")]);
    let refused =
        |question: Question| create(ask(question, gate()), &facts(&People::default()), at(0)).unwrap_err();
    assert_eq!(refused(question(3, &[])), Refusal::NoApprover { requirement: 0, needed: 3, eligible: 2 });
    let remote = text(r#"{"$ref":"https://example.com/schema.json"}"#);
    for (bad, why) in [
        (question(0, &[]), "0 people"),
        (Question { schema: text("{"), ..question(1, &[]) }, "cannot be used"),
        (Question { schema: text(r#"{"type":"nonsense"}"#), ..question(1, &[]) }, "cannot be used"),
        (Question { schema: remote, ..question(1, &[]) }, "cannot be used"),
        (Question { text: text(" "), ..question(1, &[]) }, "is empty"),
        (question(1, &["1", "1.0"]), "offered twice"),
        (question(1, &["1", "-1"]), "does not fit"),
        (question(1, &["1", "one"]), "not JSON"),
    ] {
        let Refusal::Invalid(invalid) = refused(bad) else { panic!() };
        assert!(invalid.to_string().contains(why), "{invalid} / {why}");
    }
    let mut request = ask(question(1, &[]), Gate { on_timeout: OnTimeout::Approve, ..gate() });
    request.risk = Risk::Low;
    let Err(Refusal::Invalid(invalid)) = create(request, &facts(&People::default()), at(0)) else { panic!() };
    assert!(invalid.to_string().contains("answers no question"));
}
