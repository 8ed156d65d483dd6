use serde_json::json;

use super::super::sample::{digest, id, now, principal, question, view};
use super::super::text::Look;
use super::*;

const ANN: &str = "user:ann@example.com";
const BOB: &str = "user:bob@example.com";
const SCENE: Scene = Scene { now: Timestamp::UNIX_EPOCH, width: None };

fn approve() -> Answer {
    Answer::Approve { note: None }
}

fn named(name: &str) -> Box<View> {
    Box::new(View { id: id(name), action: format!("act.{name}"), ..view() })
}

/// A desk, and everything that it printed and sent.
struct Room {
    desk: Desk,
    sent: Vec<Ballot>,
    printed: String,
    cue: Option<Cue>,
}

impl Room {
    fn new() -> Self {
        Self { desk: Desk::new("Go elsewhere.".to_owned()), sent: vec![], printed: String::new(), cue: None }
    }

    /// Lets something happen, and returns what is printed about it.
    fn on(&mut self, event: Event) -> String {
        let step = self.desk.handle(event, SCENE);
        let text = step.page.paint(Look { colour: false, width: None });
        self.printed.push_str(&text);
        self.sent.extend(step.send);
        self.cue = step.cue;
        text
    }

    fn ask(&mut self, name: &str, voter: &str) -> String {
        self.ask_about(*named(name), voter)
    }

    fn ask_about(&mut self, view: View, voter: &str) -> String {
        let why = "it is asked about again";
        self.on(Event::Asked { view: Box::new(view), voters: vec![principal(voter)], why })
    }

    fn close(&mut self, name: &str, how: &str) -> String {
        self.on(Event::Closed { id: id(name), how: how.to_owned() })
    }

    fn type_in(&mut self, line: &str) -> String {
        self.on(Event::Typed(line.to_owned()))
    }

    fn reply(&mut self, verdict: Verdict, text: &str) -> String {
        self.reply_with(verdict, text, None)
    }

    fn reply_with(&mut self, verdict: Verdict, text: &str, view: Option<View>) -> String {
        let ballot = self.sent.last().expect("something was sent").clone();
        let reply = Reply { verdict, text: text.to_owned(), view: view.map(Box::new) };
        self.on(Event::Sent { id: ballot.id, voter: ballot.voter, reply })
    }

    fn cue(&self) -> &str {
        self.cue.as_ref().map_or("", |cue| cue.text.as_str())
    }

    fn fresh(&self) -> bool {
        self.cue.as_ref().is_some_and(|cue| cue.fresh)
    }
}

#[test]
fn a_request_is_shown_and_asked_about() {
    let mut room = Room::new();
    let text = room.ask("one", ANN);
    assert!(text.starts_with("Approval wanted: act.one\n"), "{text}");
    assert_eq!((room.cue(), room.fresh()), ("user:ann@example.com> ", true));
    room.type_in("y");
    let expected =
        Ballot { id: id("one"), digest: digest("first"), voter: principal(ANN), answer: approve() };
    assert_eq!(room.sent, [expected]);
    assert_eq!(room.cue, None);
    let text = room.reply(Verdict::Decided, "Approved.");
    assert_eq!(text, "Approved.\n");
    assert_eq!(room.cue, None);
}

#[test]
fn requests_wait_for_their_turn() {
    let mut room = Room::new();
    room.ask("one", ANN);
    assert_eq!(room.ask("two", ANN), "");
    assert_eq!(room.cue(), "user:ann@example.com> ");
    assert!(!room.fresh(), "nothing new is on the screen");
    room.type_in("y");
    let text = room.reply(Verdict::Decided, "Approved.");
    assert!(text.contains("Approval wanted: act.two"), "{text}");
    assert!(room.fresh());
    room.type_in("n");
    let ids: Vec<_> = room.sent.iter().map(|ballot| ballot.id).collect();
    assert_eq!(ids, [id("one"), id("two")]);
}

#[test]
fn a_line_that_comes_while_an_answer_is_on_its_way_is_not_taken_for_anything() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.ask("two", ANN);
    room.type_in("y");
    room.type_in("y");
    assert_eq!(room.sent.len(), 1);
}

#[test]
fn an_unclear_line_decides_nothing_and_is_explained() {
    let mut room = Room::new();
    room.ask("one", ANN);
    let text = room.type_in("yes but less");
    assert!(text.starts_with("Nothing was decided: to approve, write y and nothing else"), "{text}");
    assert!(room.sent.is_empty());
    assert_eq!((room.cue(), room.fresh()), ("user:ann@example.com> ", false));
}

#[test]
fn a_request_decided_elsewhere_leaves_with_a_line_that_says_who_decided() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.ask("two", ANN);
    room.ask("three", ANN);
    let text = room.close("two", "approved by user:cfo@example.com");
    assert_eq!(
        text,
        "act.two for agent:worker-3: approved by user:cfo@example.com. Nothing to do here any more.\n"
    );
    assert!(!room.fresh(), "the request on the screen is still the first");
    let text = room.close("one", "rejected by user:cfo@example.com: too much");
    assert!(
        text.starts_with("act.one for agent:worker-3: rejected by user:cfo@example.com: too much."),
        "{text}"
    );
    assert!(text.contains("Approval wanted: act.three"), "{text}");
    assert!(room.fresh());
    room.type_in("y");
    assert_eq!(room.sent.last().map(|ballot| ballot.id), Some(id("three")));
}

#[test]
fn news_of_unknown_requests_changes_nothing() {
    let mut room = Room::new();
    assert_eq!(room.close("nine", "approved"), "");
    assert_eq!(room.cue, None);
}

#[test]
fn several_people_are_told_apart_before_anything_is_sent() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.ask("one", BOB);
    assert_eq!(room.cue(), "answer> ");
    let text = room.type_in("y");
    assert_eq!(text, "Who says so?\n  1) user:ann@example.com\n  2) user:bob@example.com\n");
    assert_eq!((room.sent.len(), room.cue()), (0, "who> "));
    room.type_in("2");
    assert_eq!((room.sent[0].voter.as_str(), &room.sent[0].answer), (BOB, &approve()));
}

#[test]
fn nobody_of_that_name_means_that_nothing_was_decided() {
    for line in ["3", "0", "", "y", "ann", "user:cfo@example.com"] {
        let mut room = Room::new();
        room.ask("one", ANN);
        room.ask("one", BOB);
        room.type_in("y");
        let text = room.type_in(line);
        assert!(text.contains("nothing was decided"), "{line:?}: {text}");
        assert_eq!((room.sent.len(), room.cue()), (0, "answer> "), "{line:?}");
    }
}

#[test]
fn who_votes_can_be_chosen_first() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.ask("one", BOB);
    let text = room.type_in("who");
    assert_eq!(text, "  1) user:ann@example.com has not voted\n  2) user:bob@example.com has not voted\n");
    room.type_in("who user:bob@example.com");
    assert_eq!(room.cue(), "user:bob@example.com> ");
    room.type_in("y");
    assert_eq!(room.sent[0].voter.as_str(), BOB);
}

#[test]
fn a_second_person_is_asked_when_the_first_vote_was_not_enough() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.ask("one", BOB);
    room.type_in("y");
    room.type_in("1");
    room.reply(Verdict::Voted, "1 more is needed.");
    assert_eq!(room.cue(), "user:bob@example.com> ");
    room.type_in("y");
    assert_eq!(room.sent[1].voter.as_str(), BOB);
    room.reply(Verdict::Decided, "Approved.");
    assert_eq!(room.cue, None);
}

#[test]
fn a_request_that_waits_for_others_is_not_asked_about_again() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.ask("two", ANN);
    room.type_in("y");
    let text = room.reply(Verdict::Voted, "1 more is needed.");
    assert!(text.contains("Approval wanted: act.two"), "{text}");
    let text = room.close("one", "approved by all");
    assert!(text.starts_with("act.one"), "the outcome is told all the same: {text}");
}

#[test]
fn an_edit_by_somebody_else_is_shown_whole_and_asked_about_anew() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.type_in("y");
    room.reply(Verdict::Voted, "1 more is needed.");
    assert_eq!(room.cue, None);
    let view = View {
        digest: digest("second"),
        revision: 2,
        arguments: json!({"cents": 7}).to_string(),
        ..*named("one")
    };
    let text = room.ask_about(view, ANN);
    assert!(text.contains("\"cents\": 7") && text.contains("revision    2,"), "{text}");
    assert!(room.fresh());
    room.type_in("y");
    assert_eq!(room.sent.last().map(|ballot| ballot.digest), Some(digest("second")));
}

#[test]
fn after_an_edit_those_who_had_voted_are_asked_again() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.ask("one", BOB);
    room.type_in("y");
    room.type_in("1");
    room.reply(Verdict::Voted, "1 more is needed.");
    assert_eq!(room.cue(), "user:bob@example.com> ");
    room.ask_about(View { digest: digest("second"), ..*named("one") }, ANN);
    assert_eq!(room.cue(), "answer> ", "either may vote");
}

#[test]
fn an_edit_voids_the_answer_that_waits_for_its_voter() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.ask("one", BOB);
    room.type_in("y");
    let view = View { digest: digest("second"), ..*named("one") };
    let text = room.ask_about(view, ANN);
    assert!(text.starts_with("Changed while you looked: it is asked about again."), "{text}");
    assert_eq!((room.cue(), room.fresh()), ("answer> ", true));
    room.type_in("1");
    let answer = room.sent.first().map(|ballot| &ballot.answer);
    assert!(
        matches!(answer, None | Some(Answer::Reject { .. })),
        "1 is a reason now, not a voter: {answer:?}"
    );
}

#[test]
fn a_vote_of_somebody_else_is_told_in_a_line() {
    let mut room = Room::new();
    room.ask("one", ANN);
    let view = View { votes: vec!["1 of 2".into()], ..*named("one") };
    let text = room.ask_about(view, ANN);
    assert_eq!(text, "Changed while you looked: it is asked about again.\n  votes       1 of 2\n");
    assert!(!room.fresh());
}

#[test]
fn a_skipped_request_stays_open_and_returns_when_it_is_asked_about_again() {
    let mut room = Room::new();
    room.ask("one", ANN);
    let text = room.type_in("s");
    assert!(text.contains("stays undecided. Go elsewhere."), "{text}");
    assert_eq!((room.cue.is_none(), room.sent.len()), (true, 0));
    let text = room.ask("one", ANN);
    assert!(text.contains("Approval wanted: act.one"), "{text}");
    assert_eq!(room.cue(), "user:ann@example.com> ");
}

#[test]
fn an_overtaken_notice_does_not_bring_the_arguments_before_an_edit_back() {
    let mut room = Room::new();
    let edited = View { revision: 2, digest: digest("second"), ..*named("one") };
    room.ask_about(edited, ANN);
    assert_eq!(room.ask("one", ANN), "");
    room.type_in("y");
    assert_eq!(room.sent[0].digest, digest("second"));
}

#[test]
fn a_request_that_is_put_off_comes_back_after_the_others() {
    let mut room = Room::new();
    for name in ["one", "two", "three"] {
        room.ask(name, ANN);
    }
    assert_eq!(room.type_in("?").matches("later").count(), 1);
    for next in ["two", "three", "one"] {
        let text = room.type_in("later");
        assert!(text.contains(&format!("Approval wanted: act.{next}\n")), "{text}");
        assert!(text.contains("2 more waiting"), "{text}");
        assert!(room.fresh(), "what was typed for the one before must not count for this one");
    }
    room.type_in("l");
    room.type_in("y");
    let sent: Vec<_> = room.sent.iter().map(|ballot| ballot.id).collect();
    assert_eq!(sent, [id("two")]);
}

#[test]
fn the_only_request_is_not_put_off() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.ask("two", ANN);
    room.type_in("s");
    assert_eq!(room.type_in("later"), "Nothing else is waiting.\n");
    assert_eq!((room.cue(), room.fresh(), room.sent.len()), ("user:ann@example.com> ", false, 0));
    room.type_in("y");
    assert_eq!(room.sent[0].id, id("two"));
}

#[test]
fn after_a_question_to_the_agent_others_come_first_and_the_answer_brings_it_back() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.ask("two", ANN);
    room.type_in("ask why?");
    assert_eq!(room.sent[0].answer, Answer::Ask("why?".into()));
    let text = room.reply(Verdict::HandedOn, "Asked.");
    assert!(text.contains("Approval wanted: act.two"), "{text}");
    room.type_in("s");
    assert_eq!(room.cue(), "user:ann@example.com> ");
    let view = View { remarks: vec![("agent:worker-3".into(), "because".into())], ..*named("one") };
    let text = room.ask_about(view, ANN);
    assert!(text.contains("agent:worker-3: because"), "{text}");
}

#[test]
fn a_lonely_request_can_be_decided_right_after_a_question_to_the_agent() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.type_in("ask why?");
    assert_eq!(room.reply(Verdict::HandedOn, "Asked."), "Asked.\n");
    assert_eq!((room.cue(), room.fresh()), ("user:ann@example.com> ", false));
}

#[test]
fn a_refused_answer_is_explained_and_asked_for_again() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.type_in("y");
    let text = room.reply(Verdict::Refused, "the arguments changed");
    assert_eq!(text, "the arguments changed\n");
    assert_eq!(room.cue(), "user:ann@example.com> ");
}

#[test]
fn an_answer_that_lost_against_an_edit_shows_the_new_arguments() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.type_in("y");
    let view = View { digest: digest("second"), arguments: json!({"cents": 7}).to_string(), ..*named("one") };
    let text = room.reply_with(Verdict::Refused, "the arguments changed", Some(view));
    assert!(
        text.starts_with("the arguments changed\nApproval wanted") && text.contains("\"cents\": 7"),
        "{text}"
    );
    assert!(room.fresh());
    room.type_in("y");
    assert_eq!(room.sent[1].digest, digest("second"));
}

#[test]
fn an_edit_of_ones_own_is_shown_to_the_next_person_here() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.ask("one", BOB);
    room.type_in("who 1");
    room.type_in("edit cents=7");
    let view = View { digest: digest("second"), arguments: json!({"cents": 7}).to_string(), ..*named("one") };
    let text = room.reply_with(Verdict::Voted, "1 more is needed.", Some(view));
    assert!(text.contains("\"cents\": 7"), "{text}");
    assert_eq!((room.cue(), room.fresh()), ("user:bob@example.com> ", true));
    room.type_in("y");
    assert_eq!((room.sent[1].digest, room.sent[1].voter.as_str()), (digest("second"), BOB));
}

#[test]
fn an_edit_of_ones_own_is_not_asked_about_again() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.type_in("edit cents=7");
    let view = View { digest: digest("second"), arguments: json!({"cents": 7}).to_string(), ..*named("one") };
    let text = room.reply_with(Verdict::Voted, "1 more is needed.", Some(view));
    assert_eq!(text, "1 more is needed.\n");
    assert_eq!(room.cue, None);
}

#[test]
fn the_news_of_ones_own_decision_is_told_once() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.type_in("y");
    assert_ne!(room.close("one", "approved by user:ann@example.com"), "");
    assert_eq!(room.reply(Verdict::Decided, "Approved."), "");
}

#[test]
fn an_answer_that_lost_is_told_though_the_request_is_gone() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.type_in("y");
    room.close("one", "rejected by user:cfo@example.com");
    let text = room.reply(Verdict::Refused, "it was decided already");
    assert_eq!(text, "it was decided already\n");
}

#[test]
fn the_end_of_input_votes_nothing_and_lists_what_is_open() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.ask("two", ANN);
    let text = room.on(Event::Ended("The input ended".into()));
    let expected = format!(
        "The input ended: no person can answer here any more. What is open stays undecided:\n  act.one for \
         agent:worker-3 ({})\n  act.two for agent:worker-3 ({})\nGo elsewhere.\n",
        id("one"),
        id("two")
    );
    assert_eq!(text, expected);
    assert_eq!((room.cue.is_none(), room.sent.len()), (true, 0));
    assert_eq!(room.ask("one", ANN), "", "it was told of");
    let text = room.ask("three", ANN);
    assert!(text.contains("Approval wanted: act.three") && text.ends_with("Go elsewhere.\n"), "{text}");
    assert_eq!(room.ask("three", BOB), "", "it was shown");
    assert!(room.cue.is_none());
    room.type_in("y");
    assert!(room.sent.is_empty());
}

#[test]
fn a_garbled_line_decides_nothing_also_where_a_voter_is_chosen() {
    let mut room = Room::new();
    room.ask("one", ANN);
    room.ask("one", BOB);
    room.type_in("y");
    let text = room.on(Event::Garbled("the line is not UTF-8"));
    assert!(text.starts_with("Nothing was decided: the line is not UTF-8."), "{text}");
    assert_eq!((room.cue(), room.sent.len()), ("answer> ", 0));
}

#[test]
fn a_question_is_answered() {
    let mut room = Room::new();
    let view = View { description: "How many?".into(), ..question(json!({"type": "integer"})) };
    let text = room.ask_about(view, ANN);
    assert!(text.starts_with("Answer wanted: ") && text.contains("How many?"), "{text}");
    room.type_in("answer 3");
    assert_eq!(room.sent[0].answer, Answer::Value(json!(3)));
}

#[test]
fn help_and_show_print_and_ask_on() {
    let mut room = Room::new();
    room.ask("one", ANN);
    assert!(room.type_in("?").contains("approve it exactly as shown"));
    assert!(room.type_in("show").starts_with("Approval wanted: act.one"));
    assert_eq!(room.cue(), "user:ann@example.com> ");
}

#[test]
fn a_request_said_to_be_past_its_deadline_says_so() {
    let view = named("one");
    let late = Scene { now: now() + approval_core::clock::Span::from_hours(1), width: None };
    let step =
        Desk::new(String::new()).handle(Event::Asked { view, voters: vec![principal(ANN)], why: "" }, late);
    assert!(step.page.paint(Look { colour: false, width: None }).contains("(past), then rejected"));
}
