//! An edit into a stricter rule: what was required and what a new call would need, each matched on its own.

use super::*;
use crate::model::{DeclaredSeats, DelegationRule, Editable, EscalationStage, OnTimeout, Status};

fn editable(requirements: impl Into<Vec<Requirement>>) -> Gate {
    Gate { editable: vec![Editable { path: text("cents"), schema: None }], veto: 9, ..gate(requirements) }
}

fn edit(world: &mut World, who: &str, cents: u32, seconds: i64) -> Result<Transition, Refusal> {
    let edits = vec![Edit { path: text("cents"), value: json(&cents.to_string()) }];
    let act = Act::ApproveEdited { digest: world.digest(), edits, note: None };
    world.act(&user(who), act, seconds)
}

fn rule(requirements: impl Into<Vec<Requirement>>) -> Gate {
    Gate::only("strict", requirements.into())
}

/// Which requirements are matched together.
fn matchings(world: &World) -> Vec<(u32, u32)> {
    world.request.gate.requirements.iter().map(|one| (one.matching, one.count)).collect()
}

#[test]
fn one_person_may_sit_in_the_gate_of_before_and_in_that_of_the_edited_call() {
    let mut world = World::new(editable([need(1, "ann bob")]));
    world.edited_gate = Some(rule([need(2, "ann bob cid")]));
    edit(&mut world, "ann", 9999, 1).unwrap();
    assert_eq!(matchings(&world), [(0, 1), (1, 2)]);
    assert!(world.request.status.is_open(), "a new call would need two");
    world.approve("cid", 2).unwrap();
    assert_eq!(world.decision().by, users("ann cid"), "two people, not three");
}

#[test]
fn what_was_already_required_stays_required() {
    let mut world = World::new(editable([need(1, "cfo"), need(1, "ann bob")]));
    world.edited_gate = Some(rule([need(2, "ann bob cid")]));
    edit(&mut world, "ann", 9999, 1).unwrap();
    world.approve("cid", 2).unwrap();
    assert!(world.request.status.is_open(), "the rule of the new call is met, that of before is not");
    world.approve("cfo", 3).unwrap();
    assert_eq!(world.decision().by, users("ann cid cfo"));
}

#[test]
fn within_one_gate_each_person_fills_one_seat() {
    let mut world = World::new(editable([need(1, "ann bob cid")]));
    world.edited_gate = Some(rule([need(1, "ann bob cid"), need(1, "ann bob")]));
    edit(&mut world, "ann", 9999, 1).unwrap();
    assert!(world.request.status.is_open(), "ann alone fills one of two seats");
    world.approve("cid", 2).unwrap();
    assert_eq!(world.decision().by, users("ann cid"));
}

#[test]
fn the_rule_of_the_edited_call_goes_with_what_the_action_asks_itself() {
    let own = Arc::new(DeclaredSeats { requirements: vec![need(1, "ann bob")], escalation: Vec::new() });
    // The action and its first rule are one matching.
    let both = Gate { declared: Some(own), ..editable([need(1, "ann bob"), need(1, "ann bob cid")]) };
    let mut world = World::new(both);
    let asked = gate_before_rules(&world.request);
    assert_eq!(asked.requirements, [need(1, "ann bob")]);
    world.edited_gate = Some(tighten(&asked, &Gate::only("big", vec![need(1, "cid dan")])));
    edit(&mut world, "ann", 9999, 1).unwrap();
    world.approve("cid", 2).unwrap();
    assert_eq!(world.decision().by, users("ann cid"), "ann and cid meet both gates");
    assert_eq!(&*world.request.gate.rule, "big");
}

#[test]
fn several_edits_leave_every_rule_in_force() {
    let mut world = World::new(editable([need(1, "ann bob")]));
    for (cents, requirement, seconds) in [(2000, need(1, "cid"), 1), (3000, need(1, "dan"), 2)] {
        world.edited_gate = Some(rule([requirement]));
        edit(&mut world, "ann", cents, seconds).unwrap();
    }
    assert_eq!(matchings(&world), [(0, 1), (1, 1), (2, 1)]);
    assert_eq!(gate_before_rules(&world.request).requirements, [need(1, "ann bob")]);
    world.approve("dan", 3).unwrap();
    assert!(world.request.status.is_open(), "the rule of the first edit holds on");
    world.approve("cid", 4).unwrap();
    assert_eq!(world.decision().by, users("ann dan cid"));
}

#[test]
fn an_edit_within_the_same_rule_adds_no_matching() {
    let own = [need(2, "ann bob cid"), need(1, "cfo ann")];
    for same in [
        vec![need(2, "cid bob ann"), need(1, "ann cfo")],
        vec![need(1, "ann bob cid")],
        vec![Requirement { may_share: true, ..need(2, "ann bob cid") }],
        vec![],
    ] {
        let mut world = World::new(editable(own.clone()));
        world.edited_gate = Some(rule(same.clone()));
        edit(&mut world, "ann", 1, 1).unwrap();
        assert_eq!(world.request.gate.requirements, own, "{same:?}");
        assert_eq!(world.request.gate.declared, None);
    }
    for more in [
        vec![need(3, "ann bob cid")],
        vec![need(2, "ann bob")],
        vec![need(1, "cfo ann"), need(1, "cfo ann")],
        vec![need(2, "cfo ann")],
    ] {
        let mut world = World::new(editable(own.clone()));
        world.edited_gate = Some(rule(more.clone()));
        edit(&mut world, "ann", 1, 1).unwrap();
        assert_eq!(world.request.gate.requirements.len(), 2 + more.len(), "{more:?}");
    }
    let shared = Requirement { may_share: true, ..need(1, "ann bob") };
    let mut world = World::new(editable([need(1, "cid"), shared]));
    world.edited_gate = Some(rule([need(1, "ann bob")]));
    edit(&mut world, "ann", 1, 1).unwrap();
    assert_eq!(world.request.gate.requirements.len(), 3, "a seat of its own is more than a shared one");
}

#[test]
fn everybody_of_the_new_rule_is_asked_and_may_escalate_only_there() {
    let stage =
        EscalationStage { after: Span::from_secs(600), requirement: 1, to: users("night"), priority: None };
    let mut world = World::new(editable([need(1, "ann bob")]));
    let new = [need(1, "ann"), need(1, "cid")];
    world.edited_gate = Some(Gate { escalation: vec![stage], ..Gate::only("strict", new.into()) });
    let transition = edit(&mut world, "ann", 9999, 1).unwrap();
    assert_eq!(notified(&transition, NoticeKind::Edited), ["user:bob", "user:cid"]);
    assert_eq!(deciders(&world.request, &world.people), users("ann bob cid"));
    assert_eq!(world.request.gate.escalation[0].requirement, 2, "counted on from the gate of before");
    let escalate = |requirement| Act::Escalate { requirement, to: users("night"), priority: None };
    assert!(matches!(world.act(&user("bob"), escalate(2), 2), Err(Refusal::NotPermitted { .. })));
    assert!(matches!(world.act(&user("cid"), escalate(0), 2), Err(Refusal::NotPermitted { .. })));
    world.act(&user("cid"), escalate(2), 2).unwrap();
    world.approve("night", 3).unwrap();
    assert_eq!(world.decision().by, users("ann night"));
}

#[test]
fn a_stage_of_the_new_rule_fires_for_its_requirement() {
    let stage =
        EscalationStage { after: Span::from_secs(600), requirement: 0, to: users("dan"), priority: None };
    let mut world = World::new(editable([need(1, "ann bob")]));
    world.edited_gate = Some(Gate { escalation: vec![stage], ..Gate::only("strict", vec![need(1, "cid")]) });
    edit(&mut world, "ann", 9999, 1).unwrap();
    assert_eq!(due_at(&world.request), Some(at(600)));
    world.tick(600).unwrap();
    world.approve("dan", 601).unwrap();
    assert_eq!(world.decision().by, users("ann dan"));
}

#[test]
fn of_all_other_settings_the_stricter_counts_after_an_edit() {
    let mut world = World::new(Gate {
        allow_self_approval: Some(true),
        delegation: DelegationRule::To(users("dan eve")),
        on_timeout: OnTimeout::Reject,
        ..editable([need(1, "ann bob")])
    });
    world.edited_gate = Some(Gate {
        veto: 1,
        excluded: users("eve"),
        allow_self_approval: Some(false),
        delegation: DelegationRule::To(users("dan")),
        ..Gate::only("strict", vec![need(1, "cid eve")])
    });
    edit(&mut world, "ann", 9999, 1).unwrap();
    let gate = &world.request.gate;
    assert_eq!((gate.veto, gate.allow_self_approval, &gate.excluded), (1, Some(false), &users("eve")));
    assert_eq!((gate.on_timeout, &gate.delegation), (OnTimeout::Reject, &DelegationRule::To(users("dan"))));
    world.reject("bob", 2).unwrap();
    assert_eq!(world.request.status, Status::Rejected);
}

#[test]
fn a_delegate_sits_in_the_seats_of_both_gates() {
    let mut world =
        World::new(Gate { delegation: DelegationRule::To(users("dan")), ..editable([need(1, "ann")]) });
    world.edited_gate = Some(rule([need(1, "ann"), need(1, "cid")]));
    edit(&mut world, "ann", 9999, 1).unwrap();
    world.act(&user("ann"), Act::Delegate { to: user("dan") }, 2).unwrap();
    world.approve("dan", 3).unwrap();
    assert!(world.request.status.is_open());
    world.approve("cid", 4).unwrap();
    assert_eq!(world.decision().by, users("dan cid"));
}

#[test]
fn edits_lead_to_a_bounded_number_of_rules() {
    let mut world = World::new(editable([need(1, "ann bob")]));
    for number in 0..limits::EDIT_RULES_LIMIT {
        world.edited_gate = Some(rule([need(1, &format!("person{number}"))]));
        edit(&mut world, "ann", u32::try_from(number).unwrap(), 1).unwrap();
    }
    world.edited_gate = Some(rule([need(1, "one-more")]));
    assert!(matches!(edit(&mut world, "ann", 777, 1), Err(Refusal::Invalid(_))));
    world.edited_gate = Some(rule([need(1, "person3")]));
    edit(&mut world, "ann", 777, 1).unwrap();
}

#[test]
fn requests_stored_before_and_after_are_read_alike() {
    let mut world = World::new(editable([need(1, "ann bob")]));
    let before = serde_json::to_string(&world.request).unwrap();
    assert!(!before.contains("matching") && !before.contains("declared"), "{before}");
    world.edited_gate = Some(rule([need(2, "ann bob cid")]));
    edit(&mut world, "ann", 9999, 1).unwrap();
    let after = serde_json::to_string(&world.request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&after).unwrap(), world.request);
}

/// One requirement of the chief, which a stage widens to the vice president after ten minutes.
fn small() -> Gate {
    let stage =
        EscalationStage { after: Span::from_secs(600), requirement: 0, to: users("vp"), priority: None };
    Gate { rule: "small".into(), escalation: vec![stage], ..editable([need(1, "cfo")]) }
}

#[test]
fn people_whom_a_stage_of_the_laxer_rule_let_in_do_not_meet_the_stricter_one() {
    let mut world = World::new(small());
    world.act(&p("service:due"), Act::Tick, 601).unwrap();
    world.edited_gate = Some(Gate { rule: "big".into(), ..rule([need(1, "cfo")]) });
    edit(&mut world, "vp", 100_000, 602).unwrap();
    assert_eq!(matchings(&world), [(0, 1), (1, 1)]);
    assert!(world.request.status.is_open(), "a new call would need the chief");
    world.approve("cfo", 603).unwrap();
    assert!(world.decision().by.contains(&user("cfo")));
}

#[test]
fn people_let_in_by_hand_do_not_meet_another_rule() {
    let mut world = World::new(editable([need(1, "cfo")]));
    let escalation = Act::Escalate { requirement: 0, to: users("vp"), priority: None };
    world.operate(escalation, 1).unwrap();
    world.edited_gate = Some(rule([need(1, "cfo")]));
    edit(&mut world, "vp", 100_000, 2).unwrap();
    assert!(world.request.status.is_open(), "a new call would need the chief");
}

#[test]
fn a_seat_that_was_handed_on_falls_where_the_stricter_rule_forbids_delegation() {
    let delegates =
        || People { delegates: [(user("ann"), [user("eve")].into())].into(), ..People::default() };
    let lax = Gate { delegation: DelegationRule::Directory, ..editable([need(1, "ann")]) };
    let mut world = World { people: delegates(), ..World::new(lax) };
    world.act(&user("ann"), Act::Delegate { to: user("eve") }, 1).unwrap();
    let strict = Gate { delegation: DelegationRule::Forbidden, ..rule([need(1, "ann")]) };
    world.edited_gate = Some(strict);
    let refused = edit(&mut world, "eve", 100_000, 2);
    assert!(matches!(refused, Err(Refusal::NotAnApprover { .. })), "{refused:?}");
    assert!(world.request.status.is_open());
    edit(&mut world, "ann", 100_000, 3).unwrap();
    assert_eq!(world.decision().by, users("ann"));
}

#[test]
fn what_was_required_is_not_raised_by_the_rule_of_the_edited_call() {
    let own = [need(1, "ann bob"), need(1, "cfo")];
    let mut world = World::new(editable(own.clone()));
    world.edited_gate = Some(rule([need(2, "ann bob")]));
    edit(&mut world, "ann", 9999, 1).unwrap();
    assert_eq!(matchings(&world), [(0, 1), (0, 1), (1, 2)]);
    assert_eq!(world.request.gate.requirements[..2], own);
    assert_eq!(world.request.gate.requirements[2].of, users("ann bob"));
}

#[test]
fn the_same_people_with_other_stages_are_another_rule() {
    let stage = |to: &str| EscalationStage {
        after: Span::from_secs(600),
        requirement: 0,
        to: users(to),
        priority: None,
    };
    let two = |to: &str| Gate { escalation: vec![stage(to)], ..editable([need(2, "cfo ceo")]) };
    let mut world = World::new(two("vp"));
    world.edited_gate = Some(rule([need(2, "cfo ceo")]));
    edit(&mut world, "cfo", 9999, 1).unwrap();
    assert_eq!(matchings(&world), [(0, 2), (1, 2)]);
    world.tick(600).unwrap();
    world.approve("vp", 601).unwrap();
    assert!(world.request.status.is_open(), "a new call would let no vice president in");
    world.approve("ceo", 602).unwrap();
    assert!(world.decision().by.contains(&user("ceo")));

    for (to, seats) in [("vp", 1), ("night", 2)] {
        let mut world = World::new(two("vp"));
        world.edited_gate = Some(Gate { escalation: vec![stage(to)], ..rule([need(2, "cfo ceo")]) });
        edit(&mut world, "cfo", 9999, 1).unwrap();
        assert_eq!(world.request.gate.requirements.len(), seats, "{to}");
    }
}

#[test]
fn the_policy_is_asked_with_what_the_action_asks_for_itself() {
    let stage = |to: &str| EscalationStage {
        after: Span::from_secs(60),
        requirement: 0,
        to: users(to),
        priority: None,
    };
    let own = DeclaredSeats { requirements: vec![need(1, "ann bob")], escalation: vec![stage("own")] };
    let with_rule = Gate {
        excluded: users("eve"),
        escalation: vec![stage("own"), EscalationStage { requirement: 1, ..stage("rule") }],
        declared: Some(Arc::new(own)),
        ..editable([need(1, "ann bob"), need(2, "cid dan")])
    };
    let world = World::new(with_rule.clone());
    let expected = Gate {
        requirements: vec![need(1, "ann bob")],
        escalation: vec![stage("own")],
        declared: None,
        ..with_rule
    };
    assert_eq!(*gate_before_rules(&world.request), expected);
    let plain = World::new(editable([need(1, "ann bob")]));
    assert_eq!(gate_before_rules(&plain.request), plain.request.gate, "it is its own");
}
