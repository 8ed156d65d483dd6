use super::*;
use crate::model::{DelegationRule, EscalationStage, OutsideHours, Priority, Status};

fn escalate(requirement: usize, to: &str, priority: Option<Priority>) -> Act {
    Act::Escalate { requirement, to: users(to), priority }
}

#[test]
fn operators_and_approvers_ask_more_people() {
    let escalation = vec![stage(1, users("cid ann"))];
    let world = World::new(Gate { escalation, ..gate([need(1, "ann"), need(1, "bob")]) });
    let act = escalate(1, "cid bob cid ann", Some(Priority::Critical));
    for who in [user("eve"), agent(), user("ann")] {
        assert!(matches!(world.clone().act(&who, act.clone(), 1), Err(Refusal::NotPermitted { .. })));
    }
    let by_bob = world.clone().act(&user("bob"), act.clone(), 1).unwrap();
    let to = users("cid ann");
    assert_eq!(told(&by_bob), [EventKind::Escalated { stage: None, requirement: 1, to, by_operator: false }]);
    let mut world = world;
    let transition = world.operate(act, 1).unwrap();
    assert_eq!(
        told(&transition),
        [EventKind::Escalated { stage: None, requirement: 1, to: users("cid ann"), by_operator: true }]
    );
    assert_eq!(notified(&transition, NoticeKind::Escalated), ["user:cid"], "ann is asked already");
    assert_eq!(transition.not_after, Some(at(3600)));
    assert_eq!(world.request.priority, Priority::Critical);
    assert_eq!((world.request.widened[0].requirement, world.request.widened[0].stage), (1, None));
    world.approve("ann", 2).unwrap();
    assert!(world.approve("cid", 3).is_ok());
    assert_eq!(world.decision().by, users("ann cid"));
}

#[test]
fn an_escalation_that_adds_nothing_is_nothing_to_do() {
    let mut world = World::new(gate([need(1, "ann")]));
    assert_eq!(world.operate(escalate(0, "ann", None), 1).unwrap_err(), Refusal::NothingToDo);
    assert_eq!(
        world.operate(escalate(0, "ann", Some(Priority::Medium)), 1).unwrap_err(),
        Refusal::NothingToDo
    );
    world.operate(escalate(0, "bob", None), 1).unwrap();
    assert_eq!(world.operate(escalate(0, "bob", None), 1).unwrap_err(), Refusal::NothingToDo);
    let transition = world.operate(escalate(0, "bob", Some(Priority::High)), 1).unwrap();
    assert_eq!(
        told(&transition),
        [EventKind::Escalated { stage: None, requirement: 0, to: vec![], by_operator: true }]
    );
    assert_eq!((world.request.priority, world.request.widened.len()), (Priority::High, 1));
    world.operate(escalate(0, "cid", Some(Priority::Low)), 1).unwrap();
    assert_eq!(world.request.priority, Priority::High, "never lowered");
}

#[test]
fn an_escalation_that_makes_no_sense_is_refused() {
    let mut world = World::new(gate([need(1, "ann")]));
    assert!(matches!(world.operate(escalate(1, "bob", None), 1), Err(Refusal::Invalid(_))));
    assert!(matches!(world.operate(escalate(0, "", None), 1), Err(Refusal::Invalid(_))));
    let to_agent = Act::Escalate { requirement: 0, to: vec![agent()], priority: None };
    assert!(matches!(world.operate(to_agent, 1), Err(Refusal::Invalid(_))));
    assert_eq!(world.operate(escalate(0, "bob", None), 3600).unwrap_err(), Refusal::DeadlinePassed(at(3600)));
    world.operate(escalate(0, "bob", None), 1).unwrap();
    world.request.widened =
        thin_vec::thin_vec![world.request.widened[0].clone(); limits::ESCALATION_COUNT_LIMIT - 1];
    world.operate(escalate(0, "cid", None), 1).unwrap();
    assert!(matches!(world.operate(escalate(0, "one-more", None), 1), Err(Refusal::Invalid(_))));
}

#[test]
fn an_earlier_vote_may_fill_the_seat_that_was_widened() {
    let shared = Requirement { may_share: true, ..need(1, "bob") };
    let mut world = World::new(gate([need(1, "ann"), shared]));
    world.approve("ann", 1).unwrap();
    let mut halted = world.clone();
    halted.halts = Halts(vec![halt()]);
    assert_eq!(halted.operate(escalate(1, "ann", None), 2).unwrap_err(), Refusal::Halted(halt()));
    let transition = world.operate(escalate(1, "ann", None), 2).unwrap();
    assert_eq!(world.request.status, Status::Approved);
    assert_eq!(transition.requires, [Requires::SameHalts]);
}

fn stage(requirement: usize, to: Vec<Principal>) -> EscalationStage {
    EscalationStage { after: Span::from_secs(600), requirement, to, priority: None }
}

fn refused(world: &World, who: &str, requirement: usize, to: &str) -> &'static str {
    match world.clone().act(&user(who), escalate(requirement, to, None), 1) {
        Err(Refusal::NotPermitted { why, .. }) => why,
        other => panic!("{who} {requirement} {to}: {other:?}"),
    }
}

fn allowed(world: &World, who: &str, requirement: usize, to: &str) -> World {
    let mut world = world.clone();
    world.act(&user(who), escalate(requirement, to, None), 1).unwrap();
    world
}

const OWN_SEAT: &str = "hold a seat of that requirement";
const NAMED: &str = "whom the gate names";

#[test]
fn an_approver_cannot_widen_the_requirement_of_others() {
    let finance = Requirement::any_of([p("group:finance")]);
    let people = People {
        groups: [(p("group:finance"), users("ann bob").into_iter().collect())].into(),
        ..People::default()
    };
    for delegation in
        [DelegationRule::Forbidden, DelegationRule::To(users("mallory")), DelegationRule::Directory]
    {
        let gate = Gate { delegation, ..gate([need(1, "cfo"), finance.clone()]) };
        let mut critical = draft(gate);
        critical.risk = Risk::Critical;
        let world = World::open(critical, people.clone());
        assert!(refused(&world, "ann", 0, "mallory").contains(OWN_SEAT));
        assert!(refused(&world, "ann", 0, "ann").contains(OWN_SEAT), "not to oneself");
        assert!(refused(&world, "cfo", 1, "mallory").contains(OWN_SEAT));
    }
}

#[test]
fn an_approver_escalates_only_to_people_whom_the_gate_names() {
    let outside_hours = Some(OutsideHours::OnCall(users("night")));
    let one = Requirement { outside_hours, ..Requirement::any_of([p("group:finance")]) };
    let people = || People {
        groups: [
            (p("group:finance"), users("ann bob").into_iter().collect()),
            (p("group:duty"), users("dan").into_iter().collect()),
        ]
        .into(),
        delegates: [
            (user("ann"), users("eve").into_iter().collect()),
            (user("eve"), users("fay").into_iter().collect()),
        ]
        .into(),
        ..People::default()
    };
    let with = |delegation| {
        let gate = Gate {
            delegation,
            escalation: vec![stage(0, vec![p("group:duty")]), stage(1, users("gus"))],
            ..gate([one.clone(), need(1, "cfo")])
        };
        World::open(draft(gate), people())
    };
    let world = with(DelegationRule::Forbidden);
    for to in ["mallory", "cfo", "gus", "eve", "dan mallory"] {
        assert!(refused(&world, "ann", 0, to).contains(NAMED), "{to}");
    }
    for to in ["dan", "night"] {
        assert!(allowed(&world, "ann", 0, to).approve(to, 2).is_ok(), "{to}");
    }
    let duty = Act::Escalate { requirement: 0, to: vec![p("group:duty")], priority: None };
    world.clone().act(&user("ann"), duty, 1).unwrap();
    let mut world = world;
    let member = world.act(&user("ann"), escalate(0, "bob", None), 1);
    assert_eq!(member.unwrap_err(), Refusal::NothingToDo, "a member is asked as a member");

    // However the directory and the gate let seats be handed on.
    for delegation in [DelegationRule::Directory, DelegationRule::To(users("eve cfo"))] {
        let world = with(delegation);
        for (who, to) in [("ann", "eve"), ("ann", "cfo"), ("bob", "eve"), ("ann", "dan eve")] {
            let why = refused(&world, who, 0, to);
            assert!(why.contains(NAMED) && why.contains("delegate your own seat"), "{who} {to}: {why}");
        }
        let by_ann = allowed(&world, "ann", 0, "dan");
        assert!(allowed(&by_ann, "dan", 0, "night").approve("night", 2).is_ok());
    }
}

#[test]
fn an_approver_and_a_delegate_fill_one_seat() {
    let delegates = [(user("ann"), users("dan").into_iter().collect())].into();
    let people = People { delegates, ..People::default() };
    let by_rule = Gate { delegation: DelegationRule::To(users("dan")), ..gate([need(2, "ann bob")]) };
    for mut world in [
        World::open(draft(gate([need(2, "ann bob")])), people),
        World::open(draft(by_rule), People::default()),
    ] {
        assert!(refused(&world, "ann", 0, "dan").contains(NAMED));
        world.act(&user("ann"), Act::Delegate { to: user("dan") }, 1).unwrap();
        assert!(refused(&world, "ann", 0, "dan").contains(NAMED));
        world.approve("dan", 2).unwrap();
        world.approve("ann", 3).unwrap();
        assert!(world.request.status.is_open(), "the vote of ann takes the seat back");
        world.approve("bob", 4).unwrap();
        assert_eq!(world.decision().by, users("ann bob"));
    }
}

#[test]
fn a_delegate_escalates_as_the_delegator_might() {
    let chain = |from: &str, to: &str| (user(from), users(to).into_iter().collect());
    let people = People {
        delegates: [chain("ann", "bob"), chain("bob", "cid"), chain("cid", "dan")].into(),
        ..People::default()
    };
    let escalation = vec![stage(0, users("boss"))];
    let mut world = World::open(draft(Gate { escalation, ..gate([need(1, "ann")]) }), people);
    for (from, to) in [("ann", "bob"), ("bob", "cid")] {
        world.act(&user(from), Act::Delegate { to: user(to) }, 1).unwrap();
    }
    for who in ["ann", "bob", "cid"] {
        assert!(refused(&world, who, 0, "dan").contains(NAMED), "{who}");
        assert!(allowed(&world, who, 0, "boss").approve("boss", 2).is_ok(), "{who}");
    }
}

#[test]
fn a_delegate_whose_delegator_voted_escalates_no_more() {
    let gate = Gate {
        delegation: DelegationRule::To(users("bob")),
        escalation: vec![stage(0, users("cid"))],
        veto: 2,
        ..gate([need(1, "ann"), need(1, "zoe")])
    };
    let mut world = World::new(gate);
    world.act(&user("ann"), Act::Delegate { to: user("bob") }, 1).unwrap();
    allowed(&world, "bob", 0, "cid");
    world.approve("ann", 2).unwrap();
    assert!(refused(&world, "bob", 0, "cid").contains(OWN_SEAT));
}

#[test]
fn without_a_list_of_people_an_unnamed_spelling_is_no_second_person() {
    let mut world = World::new(Gate { veto: 2, ..gate([need(2, "ann bob")]) });
    for other in ["ann+2", "ann.", "bob+x"] {
        assert!(refused(&world, "ann", 0, other).contains(NAMED), "{other}");
        let delegated = world.act(&user("ann"), Act::Delegate { to: user(other) }, 1);
        assert!(matches!(delegated, Err(Refusal::Delegation { .. })), "{other}");
        assert!(matches!(world.approve(other, 1), Err(Refusal::NotAnApprover { .. })), "{other}");
    }
    world.approve("ann", 2).unwrap();
    assert!(world.request.status.is_open());
}
