//! A quorum that can no longer be met ends at once; one that still can does not.

use super::*;
use crate::model::{DelegationRule, EscalationStage, OnTimeout, Outcome, Status};

fn open(requirements: impl Into<Vec<Requirement>>) -> Gate {
    Gate { veto: 9, ..gate(requirements) }
}

fn stage(seconds: i64, requirement: usize, to: Vec<Principal>) -> EscalationStage {
    EscalationStage { after: Span::from_secs(seconds), requirement, to, priority: None }
}

fn ended(world: &World, by: &str) {
    let decision = world.decision();
    assert_eq!((decision.outcome, decision.unreachable), (Outcome::Rejected, true));
    assert_eq!(decision.by, users(by));
    assert_eq!(world.request.status, Status::Rejected);
}

#[test]
fn a_compulsory_seat_that_says_no_ends_the_request() {
    let mut world = World::new(open([need(1, "cfo"), need(1, "ann bob")]));
    world.approve("ann", 1).unwrap();
    let act = Act::Vote { digest: world.digest(), ballot: reject(), note: Some(text("too much")) };
    let transition = world.act(&user("cfo"), act, 2).unwrap();
    ended(&world, "cfo");
    assert_eq!(world.decision().reason, Some(text("too much")));
    assert!(matches!(
        told(&transition).as_slice(),
        [EventKind::Voted { .. }, EventKind::Decided { outcome: Outcome::Rejected, unreachable: true, .. }]
    ));
    assert_eq!(notified(&transition, NoticeKind::Outcome), ["agent:worker"]);
}

#[test]
fn too_few_who_are_left_end_the_request() {
    let mut world = World::new(open([need(2, "ann bob cid")]));
    world.reject("ann", 1).unwrap();
    assert!(world.request.status.is_open(), "bob and cid can approve");
    world.approve("bob", 2).unwrap();
    world.reject("cid", 3).unwrap();
    ended(&world, "ann cid");
}

#[test]
fn the_same_people_cannot_fill_the_seats_of_two_requirements() {
    let mut world = World::new(open([need(1, "ann bob"), need(1, "bob cid"), need(1, "dan eve")]));
    world.reject("dan", 1).unwrap();
    world.reject("ann", 2).unwrap();
    assert!(world.request.status.is_open(), "bob, cid and eve");
    world.reject("cid", 3).unwrap();
    ended(&world, "ann cid");
}

#[test]
fn a_person_who_says_no_to_one_matching_blocks_only_where_nobody_else_is_left() {
    let mut world =
        World::new(open([need(1, "ann bob"), Requirement { matching: 1, ..need(2, "ann bob cid") }]));
    world.reject("cid", 1).unwrap();
    assert!(world.request.status.is_open(), "ann and bob sit in both");
    world.reject("ann", 2).unwrap();
    ended(&world, "cid ann");
}

#[test]
fn a_veto_is_no_unreachable_quorum() {
    let mut world = World::new(gate([need(1, "ann")]));
    world.reject("ann", 1).unwrap();
    assert_eq!((world.decision().outcome, world.decision().unreachable), (Outcome::Rejected, false));
}

#[test]
fn a_vote_that_is_changed_in_time_counts() {
    let mut world = World::new(open([need(2, "ann bob cid")]));
    world.reject("ann", 1).unwrap();
    world.approve("ann", 2).unwrap();
    world.reject("bob", 3).unwrap();
    assert!(world.request.status.is_open());
    world.approve("cid", 4).unwrap();
    assert_eq!(world.decision().by, users("ann cid"));
}

#[test]
fn stages_to_come_keep_it_open() {
    let with = |seconds, requirement, on_timeout| {
        let escalation = vec![stage(seconds, requirement, users("boss"))];
        let delegation = DelegationRule::Forbidden;
        let gate = Gate { on_timeout, escalation, delegation, ..open([need(1, "cfo"), need(1, "ann")]) };
        let mut world = World::new(gate);
        world.reject("cfo", 1).unwrap();
        world
    };
    let mut world = with(600, 0, OnTimeout::Reject);
    assert!(world.request.status.is_open());
    world.tick(600).unwrap();
    world.approve("boss", 601).unwrap();
    world.approve("ann", 602).unwrap();
    assert_eq!(world.decision().by, users("boss ann"));

    ended(&with(600, 1, OnTimeout::Reject), "cfo");
    ended(&with(3600, 0, OnTimeout::Reject), "cfo");
    assert!(with(7200, 0, OnTimeout::Escalate).request.status.is_open(), "fires at the deadline");

    let mut world = with(600, 0, OnTimeout::Reject);
    world.tick(600).unwrap();
    world.reject("boss", 601).unwrap();
    ended(&world, "cfo boss");
}

#[test]
fn others_of_the_requirement_may_still_let_people_in() {
    let world = |delegation: DelegationRule, late| {
        let escalation = if late { vec![stage(7200, 0, users("boss"))] } else { Vec::new() };
        let mut world = World::new(Gate { escalation, delegation, ..open([need(2, "ann bob")]) });
        world.reject("ann", 1).unwrap();
        world
    };
    ended(&world(DelegationRule::Forbidden, false), "ann");
    ended(&world(DelegationRule::To(users("bob ann")), false), "ann");
    let mut late = world(DelegationRule::Forbidden, true);
    assert!(late.request.status.is_open(), "bob may escalate at any time");
    late.act(&user("bob"), Act::Escalate { requirement: 0, to: users("boss"), priority: None }, 2).unwrap();
    late.approve("boss", 3).unwrap();
    late.approve("bob", 4).unwrap();
    assert_eq!(late.decision().by, users("boss bob"));
    ended(&world(DelegationRule::To(users("dan")), false), "ann");

    let people = |of: &str| People {
        delegates: [(user(of), users("eve").into_iter().collect())].into(),
        ..People::default()
    };
    for of in ["bob", "ann", "zoe"] {
        let mut world = World::open(draft(open([need(2, "ann bob")])), people(of));
        world.reject("ann", 1).unwrap();
        // A delegate would sit in the seat of bob, not in a second one.
        ended(&world, "ann");
    }
    let mut handed_on = World::open(draft(open([need(1, "ann bob")])), people("bob"));
    handed_on.act(&user("bob"), Act::Delegate { to: user("eve") }, 1).unwrap();
    handed_on.reject("ann", 2).unwrap();
    assert!(handed_on.request.status.is_open(), "eve sits in the seat of bob");
    handed_on.approve("eve", 3).unwrap();
    assert_eq!(handed_on.decision().by, users("eve"));
}

#[test]
fn a_rejection_of_a_delegate_may_be_overridden() {
    let delegation = DelegationRule::To(users("dan"));
    let mut world = World::new(Gate { delegation, ..open([need(1, "cfo")]) });
    world.act(&user("cfo"), Act::Delegate { to: user("dan") }, 1).unwrap();
    world.reject("dan", 2).unwrap();
    assert!(world.request.status.is_open(), "the cfo may vote");
    world.reject("cfo", 3).unwrap();
    ended(&world, "cfo");
}

#[test]
fn hand_overs_to_come_keep_it_open() {
    let duty = p("on_call:duty");
    let people = |hand_over: Option<i64>| People {
        groups: [(duty.clone(), users("ann").into_iter().collect())].into(),
        hand_overs: hand_over.map(|seconds| (duty.clone(), at(seconds))).into_iter().collect(),
        ..People::default()
    };
    for (hand_over, is_open) in [(None, false), (Some(600), true), (Some(3600), false)] {
        let wanted = Requirement::any_of([duty.clone()]);
        let mut world = World::open(draft(open([wanted])), people(hand_over));
        world.reject("ann", 1).unwrap();
        assert_eq!(world.request.status.is_open(), is_open, "{hand_over:?}");
    }
}

#[test]
fn hand_overs_of_a_rotation_that_a_stage_is_yet_to_name_keep_it_open() {
    let duty = p("on_call:duty");
    for (hand_over, is_open) in [(600, true), (3599, true), (3600, false)] {
        // Nobody is on call at present.
        let people = People {
            groups: [(duty.clone(), [].into())].into(),
            hand_overs: [(duty.clone(), at(hand_over))].into(),
            ..People::default()
        };
        let gate = Gate { escalation: vec![stage(300, 0, vec![duty.clone()])], ..open([need(1, "ann")]) };
        let mut world = World::open(draft(gate), people);
        world.reject("ann", 1).unwrap();
        assert_eq!(world.request.status.is_open(), is_open, "{hand_over}");
    }
}

#[test]
fn hand_overs_for_another_requirement_do_not_keep_it_open() {
    let duty = p("on_call:duty");
    let people = People {
        groups: [(duty.clone(), users("ann").into_iter().collect())].into(),
        hand_overs: [(duty.clone(), at(600))].into(),
        ..People::default()
    };
    let world = World::open(draft(open([Requirement::any_of([duty]), need(1, "cfo")])), people);
    let mut by_cfo = world.clone();
    by_cfo.reject("cfo", 1).unwrap();
    ended(&by_cfo, "cfo");
    let mut by_ann = world;
    by_ann.reject("ann", 1).unwrap();
    assert!(by_ann.request.status.is_open(), "another person comes on call for that one");
}

#[test]
fn people_who_left_end_it_only_together_with_a_rejection() {
    let finance = p("group:finance");
    let group = |names: &str| -> std::collections::BTreeMap<_, _> {
        [(finance.clone(), users(names).into_iter().collect())].into()
    };
    let wanted = Requirement::at_least(2, [finance.clone()]);
    let gate = Gate { escalation: vec![stage(60, 0, users("ann"))], ..open([wanted]) };
    let people = People { groups: group("ann bob cid"), ..People::default() };
    let mut world = World::open(draft(gate), people);
    let mut silent = world.clone();
    silent.people.groups = group("ann");
    silent.tick(60).unwrap();
    assert!(silent.request.status.is_open(), "nobody rejected, and people may come back");
    world.reject("ann", 1).unwrap();
    assert!(world.request.status.is_open());
    world.people.groups = group("ann bob");
    world.tick(60).unwrap();
    ended(&world, "ann");
}

#[test]
fn a_question_ends_when_too_few_are_left_to_agree() {
    let mut request = draft(open([need(1, "ann bob cid")]));
    request.question = Some(Arc::new(crate::model::Question {
        text: text("How many?"),
        schema: text("true"),
        options: Vec::new(),
        agree: 2,
    }));
    let mut world = World::open(request, People::default());
    world.reject("ann", 1).unwrap();
    assert!(world.request.status.is_open());
    world.reject("bob", 2).unwrap();
    ended(&world, "ann bob");
}

#[test]
fn an_edit_that_needs_a_person_who_rejected_ends_it() {
    let editable = vec![crate::model::Editable { path: text("cents"), schema: None }];
    let mut world = World::new(Gate { editable, ..open([need(1, "ann bob cfo")]) });
    world.reject("cfo", 1).unwrap();
    world.edited_gate = Some(Gate::only("big", vec![need(1, "cfo")]));
    let edits = vec![Edit { path: text("cents"), value: json("9999") }];
    let act = Act::ApproveEdited { digest: world.digest(), edits, note: None };
    world.act(&user("ann"), act, 2).unwrap();
    ended(&world, "cfo");
}
