use std::sync::Arc;

use approval_core::model::{
    Comment, ContentDigest, Decision, Delegation, Enclosed, InfoExchange, Purchase, Question, Widening,
    canonical::parse_canonical,
};
use serde_json::json;

use super::*;
use crate::terminal::sample::{digest, id, now, principal, request};

const ANN: &str = "user:ann@example.com";
const BOB: &str = "user:bob@example.com";

fn vote_of(who: &str, ballot: Ballot) -> Vote {
    let (note, via) = (Some("noted".into()), None);
    Vote {
        voter: principal(who),
        ballot,
        digest: digest("first"),
        note,
        via,
        at: now(),
        standing: None,
        void: false,
    }
}

fn decided(outcome: Outcome) -> Request {
    let mut request = request("one");
    let by = vec![principal(ANN), principal(BOB)];
    request.decision = Some(Arc::new(Decision {
        outcome,
        at: now(),
        by,
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

fn change(request: &mut Request, change: impl FnOnce(&mut Decision)) {
    let mut decision = (**request.decision.as_ref().unwrap()).clone();
    change(&mut decision);
    request.decision = Some(Arc::new(decision));
}

#[test]
fn everything_that_a_decision_needs_is_taken_over() {
    let view = View::of(&request("one")).unwrap();
    assert_eq!((view.id, view.digest, view.revision), (id("one"), digest("first"), 1));
    assert_eq!(view.matter, Matter::Action);
    assert_eq!(view.action, "payments.refund version 2");
    assert_eq!(view.description, "Refund 120000 cents to cust-9");
    assert_eq!(view.agent, "agent:worker-3");
    assert_eq!(view.on_behalf_of.as_deref(), Some(BOB));
    assert_eq!(
        (view.run.as_deref(), view.intent.as_deref()),
        (Some("run-7"), Some("The customer complained"))
    );
    assert_eq!((view.risk, view.priority.as_str()), (("high".to_owned(), Severity::High), "critical"));
    assert_eq!(view.cost.as_deref(), Some("1200.00 USD"));
    assert_eq!(view.deadline.map(|(at, _)| at.as_second()), Some(1_900_000_900));
    assert_eq!(view.arguments, r#"{"args":{"customer":"cust-9"},"cents":120000}"#);
    assert_eq!((view.redacted, view.unbound), (vec!["args.token".to_owned()], vec!["client".to_owned()]));
    let editable: Vec<_> = view.editable.into_iter().map(|field| (field.path, field.value)).collect();
    let expected =
        [("cents", Some(json!(120_000))), ("args.customer", Some(json!("cust-9"))), ("missing", None)];
    assert_eq!(editable, expected.map(|(path, value)| (path.to_owned(), value)));
    assert_eq!(view.options[0].title, "Too much");
    assert_eq!(view.votes, ["needs 1 of user:ann@example.com, group:finance"]);
}

#[test]
fn attachments_are_taken_over_with_their_digests() {
    let mut request = request("one");
    let sha256 = ContentDigest::from_bytes([7; 32]);
    let sevens = "07".repeat(32);
    let pdf = "application/pdf";
    let all = vec![
        Attachment::text("a.txt", "hello").unwrap(),
        Attachment::from_bytes("b.bin", "application/octet-stream", *b"x").unwrap(),
        Attachment::at("c.pdf", pdf, "https://example.com/c").unwrap(),
        Attachment::at_with_sha256("d.pdf", pdf, "https://example.com/d", sha256).unwrap(),
    ];
    request.enclosed = Some(Arc::new(all.into()));
    let shown = View::of(&request).unwrap().attachments;
    let names: Vec<_> = shown.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["a.txt", "b.bin", "c.pdf", "d.pdf"]);
    let what: Vec<_> = shown.iter().map(|one| one.what.clone()).collect();
    let expected = [
        "text/plain; charset=utf-8, 5 bytes, sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "application/octet-stream, 1 byte, sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        "application/pdf, at https://example.com/c, without a digest: what lies there may change",
        &format!("application/pdf, at https://example.com/d, sha256:{sevens}"),
    ];
    assert_eq!(what, expected, "printf hello | sha256sum, printf x | sha256sum");
    let texts: Vec<_> = shown.iter().map(|one| one.text.as_deref()).collect();
    assert_eq!(texts, [Some("hello"), None, None, None]);
}

#[test]
fn a_preview_is_taken_over_with_what_must_be_known_about_it() {
    let of = |computed: Result<&str, &str>, revision: u32| {
        let mut request = request("one");
        let mut enclosed = Enclosed::default();
        let computed = computed.map(str::to_owned).map_err(str::to_owned);
        enclosed.preview = Some(Preview::new(1, computed));
        request.enclosed = Some(Arc::new(enclosed));
        request.revision.number = revision;
        View::of(&request).unwrap().preview.unwrap()
    };
    let fresh = of(Ok("47 rows"), 1);
    assert_eq!((fresh.text.as_str(), fresh.failed, fresh.cautions.len()), ("47 rows", false, 0));
    let stale = of(Err("away"), 2);
    assert_eq!((stale.text.as_str(), stale.failed), ("away", true));
    assert_eq!(stale.cautions, ["this preview is of the arguments before the edit"]);
    assert_eq!(View::of(&request("one")).unwrap().preview, None);
}

#[test]
fn the_fields_of_a_kind_are_read_from_the_arguments() {
    let mut request = request("one");
    assert_eq!(View::of(&request).unwrap().kind, None);
    let purchase = r#"{"amount":"1200.00","currency":"USD","vendor":"ACME","description":"chairs"}"#;
    request.revision.arguments = parse_canonical(purchase).unwrap();
    assert_eq!(View::of(&request).unwrap().kind, None, "nobody said that it is a purchase");
    Arc::make_mut(&mut request.action).kind = "purchase".into();
    let expected = Purchase::new("1200.00 USD".parse().unwrap(), "ACME", "chairs");
    assert_eq!(View::of(&request).unwrap().kind, Some(ActionKind::Purchase(expected)));
}

#[test]
fn votes_delegations_and_people_asked_later_are_told() {
    let mut request = request("one");
    request.votes = vec![
        vote_of(ANN, Ballot::Approve),
        vote_of(BOB, Ballot::Reject { option: Some("too_much".into()) }),
        Vote { void: true, note: None, ..vote_of(BOB, Ballot::Reject { option: None }) },
    ]
    .into();
    request.widened = vec![Widening {
        requirement: 0,
        to: vec![principal("user:cfo@example.com")],
        stage: None,
        at: now(),
        hand_over: None,
    }]
    .into();
    request.delegations = vec![Delegation { from: principal(ANN), to: principal(BOB), at: now() }].into();
    let expected = [
        "needs 1 of user:ann@example.com, group:finance, user:cfo@example.com",
        "user:bob@example.com stands in for user:ann@example.com",
        "approved by user:ann@example.com: noted",
        "rejected by user:bob@example.com for too_much: noted",
        "rejected by user:bob@example.com (does not count any more)",
    ];
    assert_eq!(View::of(&request).unwrap().votes, expected);
}

#[test]
fn the_needs_of_before_and_after_an_edit_are_both_shown() {
    let mut request = request("one");
    let added = approval_core::model::Requirement {
        matching: 1,
        ..approval_core::model::Requirement::at_least(2, [principal(ANN), principal(BOB)])
    };
    Arc::make_mut(&mut request.gate).requirements.push(added);
    let expected = [
        "needs 1 of user:ann@example.com, group:finance",
        "needs 2 of user:ann@example.com, user:bob@example.com for the edited arguments; votes for the above count here too",
    ];
    assert_eq!(View::of(&request).unwrap().votes, expected);
}

#[test]
fn remarks_are_told_in_their_order() {
    let mut request = request("one");
    let later = now() + approval_core::clock::Span::from_secs(1);
    request.comments = vec![Comment { by: principal(BOB), text: "I know them".into(), at: later }].into();
    let (question, answer) = ("why?".into(), Some("because".into()));
    request.info = vec![InfoExchange { by: principal(ANN), question, at: now(), answer }].into();
    let expected = [(ANN, "asks: why?"), ("agent:worker-3", "answers: because"), (BOB, "I know them")];
    assert_eq!(
        View::of(&request).unwrap().remarks,
        expected.map(|(who, text)| (who.to_owned(), text.to_owned()))
    );
}

#[test]
fn a_question_brings_its_schema_and_its_choices() {
    let mut request = request("one");
    let question = json!({
        "text": "Which colour?",
        "schema": r#"{"type":"string"}"#,
        "options": [{"value": "\"b\"", "title": "Blue"}],
        "agree": 1,
    });
    request.question = Some(Arc::new(serde_json::from_value::<Question>(question).unwrap()));
    let view = View::of(&request).unwrap();
    assert_eq!(view.description, "Which colour?");
    let choices = vec![("Blue".to_owned(), json!("b"))];
    assert_eq!(view.matter, Matter::Question { schema: json!({"type": "string"}), choices });
}

#[test]
fn the_answers_that_a_schema_lists_can_be_chosen() {
    let blue_or_7 = vec![("blue".to_owned(), json!("blue")), ("7".to_owned(), json!(7))];
    assert_eq!(enumerated(&json!({"enum": ["blue", 7]})), blue_or_7);
    assert_eq!(
        enumerated(&json!({"oneOf": [{"const": "blue", "description": "As the sky"}, {"const": 7}]})),
        blue_or_7
    );
    assert_eq!(enumerated(&json!({"oneOf": [{"const": "blue"}, {"type": "integer"}]})), []);
    assert_eq!(enumerated(&json!({"type": "string"})), []);
}

#[test]
fn endings_say_who_decided_what_and_why() {
    let by = "user:ann@example.com, user:bob@example.com";
    assert_eq!(ending(&request("one")), "it is open");
    assert_eq!(ending(&decided(Outcome::Approved)), format!("approved by {by}"));
    let mut rejected = decided(Outcome::Rejected);
    change(&mut rejected, |decision| {
        decision.reason = Some("half would do".into());
        decision.option = Some("too_much".into());
    });
    assert_eq!(ending(&rejected), format!("rejected by {by}: too_much: half would do"));
    change(&mut rejected, |decision| (decision.unreachable, decision.option) = (true, None));
    let text = format!("rejected by {by}, without whom it can no longer be approved: half would do");
    assert_eq!(ending(&rejected), text);
    assert_eq!(ending(&decided(Outcome::Expired)), "expired, no person decided in time");
    assert_eq!(ending(&decided(Outcome::Cancelled)), format!("cancelled by {by}"));
    let mut by_timeout = decided(Outcome::Approved);
    change(&mut by_timeout, |decision| decision.by_timeout = true);
    assert_eq!(ending(&by_timeout), "approved by its timeout rule, without a vote");
    let mut halted = decided(Outcome::Cancelled);
    change(&mut halted, |decision| decision.by_halt = true);
    assert_eq!(ending(&halted), format!("cancelled by a halt by {by}"));
}

#[test]
fn the_card_shows_which_request_it_follows_and_how_that_ended() {
    let mut earlier = request("one");
    let mut text = |change: fn(&mut Request)| {
        change(&mut earlier);
        let mut request = request("two");
        let mut enclosed = Enclosed::default();
        enclosed.follows = Some(Box::new(Follows::of(&earlier)));
        request.enclosed = Some(Arc::new(enclosed));
        let id = earlier.id;
        View::of(&request).unwrap().follows.unwrap().replace(&id.to_string(), "ID")
    };
    let cancelled = text(|request| {
        request.status = approval_core::model::Status::Expired;
    });
    assert_eq!(cancelled, "ID, expired; it was: Refund 120000 cents to cust-9");
    let revoked = text(|request| {
        let revoked =
            json!({"state": "revoked", "at": "2026-01-01T00:00:00Z", "by": BOB, "why": "too\nearly"});
        request.execution = Some(serde_json::from_value(revoked).unwrap());
    });
    assert_eq!(revoked, format!("ID, revoked by {BOB}: too\nearly; it was: Refund 120000 cents to cust-9"));
}

#[test]
fn what_cannot_be_read_is_not_shown_as_something_else() {
    let why = |request: &Request| View::of(request).unwrap_err();
    let question = |schema: &str, value: &str| {
        let mut request = request("one");
        let option = serde_json::json!({ "title": "yes", "value": value });
        let question = serde_json::json!({ "text": "?", "schema": schema, "options": [option], "agree": 1 });
        request.question = Some(Arc::new(serde_json::from_value(question).unwrap()));
        request
    };
    assert!(View::of(&question("{}", "true")).is_ok());
    assert!(why(&question("no schema", "true")).contains("the type of its answer"));
    assert!(why(&question("{}", "approve it")).contains("a prepared answer"));
    let mut gate = (*request("one").gate).clone();
    gate.editable[0].path = "a..b".into();
    let mut broken = request("one");
    broken.gate = Arc::new(gate);
    assert!(why(&broken).contains("what may be edited"), "{}", why(&broken));
}
