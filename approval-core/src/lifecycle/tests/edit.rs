use super::*;
use crate::model::{
    Editable, Outcome, Status, Vote,
    canonical::{DigestKey, redact},
};

fn editable(path: &str, schema: Option<&str>) -> Editable {
    Editable { path: text(path), schema: schema.map(text) }
}

fn world_with(arguments: CanonicalJson, gate: Gate) -> World {
    let mut request = draft(gate);
    let mut action = (*request.action).clone();
    action.description = text("Refund {cents} cents");
    action.cost = Some(text("{cents} / 100 USD"));
    request.digest = arguments_digest("payments.refund", 1, None, &arguments);
    request.arguments = arguments;
    request.action = Arc::new(action);
    World::open(request, People::default())
}

const ARGUMENTS: &str =
    r#"{"args":{"note":"a","tags":["x","y"]},"big":12345678901234567890123,"cents":1250}"#;

fn world(gate: Gate) -> World {
    world_with(json(ARGUMENTS), gate)
}

fn three(editables: Vec<Editable>) -> Gate {
    Gate { editable: editables, veto: 2, ..gate([need(2, "ann bob cid")]) }
}

fn edit(path: &str, value: &str) -> Edit {
    Edit { path: text(path), value: json(value) }
}

fn approve_edited(world: &mut World, who: &str, edits: Vec<Edit>) -> Result<Transition, Refusal> {
    let act = Act::ApproveEdited { digest: world.digest(), edits, note: Some(text("less")) };
    world.act(&user(who), act, 10)
}

fn why(world: &mut World, edits: Vec<Edit>) -> String {
    match approve_edited(world, "ann", edits) {
        Err(Refusal::Invalid(invalid)) => invalid.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_edit_makes_a_new_revision_and_voids_approvals() {
    let mut world = world(three(vec![editable("cents", None)]));
    world.approve("bob", 1).unwrap();
    world.reject("cid", 2).unwrap();
    let before = world.digest();
    let transition = approve_edited(&mut world, "ann", vec![edit("cents", "900")]).unwrap();

    let revision = &world.request.revision;
    assert_eq!(
        revision.arguments.as_str(),
        r#"{"args":{"note":"a","tags":["x","y"]},"big":12345678901234567890123,"cents":900}"#,
        "nothing else changes, not a digit"
    );
    assert_eq!((revision.number, revision.editor.as_ref()), (2, Some(&user("ann"))));
    assert_eq!(&*revision.description, "Refund 900 cents");
    assert_eq!(revision.cost.unwrap().to_string(), "9 USD");
    assert_eq!(revision.digest, arguments_digest("payments.refund", 1, None, &revision.arguments));
    assert_ne!(revision.digest, before);
    assert_eq!(world.request.original, before);

    let votes: Vec<_> = world
        .request
        .votes
        .iter()
        .map(|Vote { voter, ballot, void, .. }| (voter.to_string(), ballot.is_reject(), *void))
        .collect();
    assert_eq!(
        votes,
        [
            ("user:bob".to_owned(), false, true),
            ("user:cid".to_owned(), true, false),
            ("user:ann".to_owned(), false, false)
        ]
    );
    assert!(world.request.status.is_open());
    assert_eq!(transition.not_after, Some(at(3600)));
    assert_eq!(notified(&transition, NoticeKind::Edited), ["user:bob", "user:cid"]);
    let Ok([EventKind::Edited { revision: 2, from, .. }, EventKind::Voted { ballot: Ballot::Approve, note }]) =
        <[_; 2]>::try_from(told(&transition))
    else {
        panic!()
    };
    assert_eq!((from, note), (before, Some(text("less"))));
    assert_eq!(event(&transition.events[0]).digest, world.digest());

    let stale = Act::Vote { digest: before, ballot: approve(), note: None };
    assert_eq!(
        world.act(&user("bob"), stale, 11).unwrap_err(),
        Refusal::ArgumentsChanged { seen: before, current: world.digest() }
    );
    world.approve("bob", 12).unwrap();
    assert_eq!(world.decision().by, [user("ann"), user("bob")]);
    assert_eq!(world.request.grant.clone().unwrap().digest, world.digest());
}

#[test]
fn an_edit_may_decide() {
    let mut world = world(Gate { editable: vec![editable("cents", None)], ..gate([need(1, "ann bob")]) });
    let transition = approve_edited(&mut world, "ann", vec![edit("cents", "1")]).unwrap();
    assert_eq!(world.decision().outcome, Outcome::Approved);
    assert_eq!(notified(&transition, NoticeKind::Edited), [""; 0], "nobody is asked any more");
    assert_eq!(notified(&transition, NoticeKind::Closed), ["user:ann", "user:bob"]);
}

#[test]
fn an_edit_needs_the_same_right_as_a_vote() {
    let mut world = world(three(vec![editable("cents", None)]));
    let edits = vec![edit("cents", "1")];
    assert!(matches!(approve_edited(&mut world, "eve", edits.clone()), Err(Refusal::NotAnApprover { .. })));
    let seen = ArgumentsDigest::from_bytes([1; 32]);
    let act = Act::ApproveEdited { digest: seen, edits: edits.clone(), note: None };
    assert!(matches!(world.act(&user("ann"), act, 1), Err(Refusal::ArgumentsChanged { .. })));
    let act = Act::ApproveEdited { digest: world.digest(), edits: edits.clone(), note: None };
    assert_eq!(world.act(&user("ann"), act, 3600).unwrap_err(), Refusal::DeadlinePassed(at(3600)));
    world.tick(3600).unwrap();
    assert!(matches!(approve_edited(&mut world, "ann", edits), Err(Refusal::AlreadyDecided(_))));
}

#[test]
fn only_what_is_listed_may_be_edited() {
    let mut one = world(three(vec![editable("args.tags[*]", None), editable("cents", None)]));
    for path in ["big", "args", "args.note", "args.tags", "cent"] {
        let why = why(&mut one, vec![edit(path, "1")]);
        assert!(why.contains("may not be edited") && why.contains("args.tags[*], cents"), "{why}");
    }
    approve_edited(&mut one, "ann", vec![edit("args.tags[1]", "\"z\""), edit("cents", "5")]).unwrap();
    assert_eq!(
        one.request.revision.arguments.as_str(),
        r#"{"args":{"note":"a","tags":["x","z"]},"big":12345678901234567890123,"cents":5}"#
    );
    let mut none = world(three(vec![]));
    assert!(why(&mut none, vec![edit("cents", "1")]).contains("reject it"));
}

#[test]
fn edits_that_change_nothing_or_make_no_sense_are_refused() {
    let mut world = world(three(vec![editable("cents", None), editable("args", None)]));
    for (edits, reason) in [
        (vec![], "changes nothing"),
        (vec![edit("cents", "1250")], "has that value already"),
        (vec![edit("cents", "1250.0")], "has that value already"),
        (vec![edit("cents", "1"), edit("cents", "2")], "edited twice"),
        (vec![edit("args", "1"), edit("args.note", "2")], "edited twice"),
        (vec![edit("args.note", "1"), edit("args", "2")], "edited twice"),
        (vec![edit("args.", "1")], "names no argument"),
        (vec![edit("args.missing", "1")], "leads to no argument"),
        (vec![edit("args.tags[7]", "1")], "leads to no argument"),
        (vec![edit("cents.x", "1")], "leads to no argument"),
        (vec![edit("cents", "\"many\"")], "no number"),
    ] {
        let why = why(&mut world, edits);
        assert!(why.contains(reason), "{why} / {reason}");
    }
    assert_eq!(world.request.revision.number, 1);
}

#[test]
fn a_key_may_be_added_where_it_is_listed_itself() {
    let mut filled = world(three(vec![editable("args.extra", None)]));
    approve_edited(&mut filled, "ann", vec![edit("args.extra", "true")]).unwrap();
    assert!(filled.request.revision.arguments.as_str().contains(r#"{"extra":true,"note":"a""#));
    let mut nowhere = world(three(vec![editable("args.gone.extra", None)]));
    assert!(why(&mut nowhere, vec![edit("args.gone.extra", "true")]).contains("leads to no argument"));
    let mut empty = world_with(
        json(r#"{"cents":1,"o":{}}"#),
        three(vec![editable(r#"o["a \"b\""]"#, None), editable("o.x", None)]),
    );
    let edits = vec![edit(r#"o["a \"b\""]"#, "1"), edit("o.x", "2")];
    approve_edited(&mut empty, "ann", edits).unwrap();
    assert_eq!(empty.request.revision.arguments.as_str(), r#"{"cents":1,"o":{"a \"b\"":1,"x":2}}"#);
    approve_edited(&mut empty, "ann", vec![edit(r#"o["a \"b\""]"#, "3")]).unwrap();
    assert_eq!(empty.request.revision.arguments.as_str(), r#"{"cents":1,"o":{"a \"b\"":3,"x":2}}"#);
    let controls = "\u{1}\u{8}\t\n\u{c}\r\u{1f}\\/\u{7f}ü\u{2028}";
    let key = serde_json::Value::from(controls).to_string();
    let path = format!("o[{key}]");
    let mut odd =
        world_with(json(&format!(r#"{{"cents":1,"o":{{{key}:1}}}}"#)), three(vec![editable(&path, None)]));
    approve_edited(&mut odd, "ann", vec![edit(&path, "2")]).unwrap();
    let value = odd.request.revision.arguments.to_value().unwrap();
    assert_eq!(value, serde_json::json!({"cents": 1, "o": {controls: 2}}), "whatever stands in a key");
}

#[test]
fn a_new_value_is_held_against_the_schema_of_its_parameter() {
    let cents = editable("cents", Some(r#"{"type":"integer","maximum":2000}"#));
    let note = editable("args.note", Some(r#"{"properties":{"note":{"maxLength":3}}}"#));
    let mut world = world(three(vec![cents, note]));
    assert!(why(&mut world, vec![edit("cents", "2001")]).contains("maximum of 2000"));
    assert!(why(&mut world, vec![edit("args.note", "\"long\"")]).contains("/note"));
    approve_edited(&mut world, "ann", vec![edit("cents", "2000"), edit("args.note", "\"abc\"")]).unwrap();
}

#[test]
fn what_is_redacted_cannot_be_edited() {
    let key = DigestKey::new("k", [7; 32]).unwrap();
    let plain = json(r#"{"$other":1,"$redacted":1,"args":{"token":"s3cret","x":1},"cents":5}"#);
    let bound = redact(&plain, &["args.token".parse().unwrap()], &key).unwrap().bound;
    let all = ["args", "cents", r#"["$redacted"]"#, r#"["$other"]"#].map(|path| editable(path, None));
    let mut world = world_with(bound, three(all.into()));
    for path in ["args.token", "args", r#"args.token["$redacted"]"#, r#"args.token["$$redacted"]"#] {
        let why = why(&mut world, vec![edit(path, "1")]);
        assert!(why.contains("redacted, and cannot"), "{path}: {why}");
    }
    assert!(why(&mut world, vec![edit("cents", r#"{"$redacted":"x"}"#)]).contains("looks redacted"));
    approve_edited(
        &mut world,
        "ann",
        vec![edit("args.x", "2"), edit(r#"["$redacted"]"#, "3"), edit(r#"["$other"]"#, "4")],
    )
    .unwrap();
    let now = &world.request.revision.arguments;
    assert!(now.is_redacted());
    let placeholder = r#""token":{"$redacted":"hmac-sha256:k:"#;
    assert!(now.as_str().contains(placeholder), "{}", now.as_str());
    assert!(now.as_str().contains(r#""$$redacted":3"#) && now.as_str().contains(r#""x":2"#));
    assert!(now.as_str().starts_with(r#"{"$$redacted":3,"$other":4,"#), "{}", now.as_str());
}

#[test]
fn the_policy_may_ask_for_more_after_an_edit() {
    let mut world = world(Gate { editable: vec![editable("cents", None)], ..gate([need(1, "ann bob")]) });
    let stricter = Gate { timeout: Some(Span::from_secs(100)), ..Gate::only("big", vec![need(1, "boss")]) };
    world.edited_gate = Some(stricter);
    approve_edited(&mut world, "ann", vec![edit("cents", "9999")]).unwrap();
    assert_eq!(world.request.status, Status::Pending);
    assert_eq!(world.request.deadline, Some(at(110)), "counted from the edit");
    assert_eq!(&*world.request.gate.rule, "big");
    world.approve("boss", 20).unwrap();
    assert_eq!(world.decision().by, [user("ann"), user("boss")]);
}

#[test]
fn the_deadline_never_moves_away_by_an_edit() {
    let mut world = world(Gate { editable: vec![editable("cents", None)], ..gate([need(2, "ann bob")]) });
    let shorter = Span::from_secs(3595);
    world.edited_gate = Some(Gate { timeout: Some(shorter), ..Gate::only("r", vec![]) });
    approve_edited(&mut world, "ann", vec![edit("cents", "1")]).unwrap();
    assert_eq!(world.request.deadline, Some(at(3600)));

    let open = Gate { timeout: None, editable: vec![editable("cents", None)], ..gate([need(2, "ann bob")]) };
    let mut world = world_with(json(ARGUMENTS), open);
    world.edited_gate = Some(Gate { timeout: Some(shorter), ..Gate::only("r", vec![]) });
    approve_edited(&mut world, "ann", vec![edit("cents", "1")]).unwrap();
    assert_eq!(world.request.deadline, Some(at(3605)));
}

#[test]
fn an_edit_that_could_never_be_approved_is_refused() {
    let gate = Gate { editable: vec![editable("cents", None)], ..gate([need(1, "ann bob")]) };
    let mut world = world(gate);
    let edits = vec![edit("cents", "1")];
    world.edited_gate = Some(Gate::only("r", vec![need(1, "ann"), need(3, "ann bob cid")]));
    assert_eq!(
        approve_edited(&mut world, "ann", edits.clone()).unwrap_err(),
        Refusal::NoApprover { requirement: 2, needed: 3, eligible: 2 }
    );
    world.edited_gate = Some(Gate { excluded: users("ann"), ..Gate::only("r", vec![]) });
    assert_eq!(
        approve_edited(&mut world, "ann", edits.clone()).unwrap_err(),
        Refusal::NotAnApprover { who: user("ann"), why: NotEligible::Excluded }
    );
    world.edited_gate = Some(Gate::only("r", vec![need(0, "ann")]));
    assert!(why(&mut world, edits).contains("0 approvals"));
}

#[test]
fn an_edit_cannot_turn_a_payment_into_a_credit() {
    let mut world = world(three(vec![editable("cents", None)]));
    assert!(why(&mut world, vec![edit("cents", "-1250")]).contains("below zero"));
    assert_eq!(world.request.revision.number, 1);
    approve_edited(&mut world, "ann", vec![edit("cents", "0")]).unwrap();
}

#[test]
fn a_request_without_room_for_a_revision_is_not_edited() {
    let mut world = world(three(vec![editable("cents", None)]));
    world.request.revision.number = u32::MAX;
    let refused = approve_edited(&mut world, "ann", vec![edit("cents", "900")]).unwrap_err();
    assert!(matches!(refused, Refusal::Internal(_)), "{refused:?}");
}

#[test]
fn a_key_that_looks_like_a_placeholder_is_a_key_where_nothing_is_redacted() {
    let listed = vec![editable(r#"["$redacted"]"#, None), editable(r#"args["$$redacted"]"#, None)];
    let plain = json(r#"{"$redacted":1,"args":{"$$redacted":2},"cents":5}"#);
    let mut world = world_with(plain, three(listed));
    let edits = vec![edit(r#"["$redacted"]"#, "3"), edit(r#"args["$$redacted"]"#, "4")];
    approve_edited(&mut world, "ann", edits).unwrap();
    assert_eq!(
        world.request.revision.arguments.as_str(),
        r#"{"$redacted":3,"args":{"$$redacted":4},"cents":5}"#
    );
}
