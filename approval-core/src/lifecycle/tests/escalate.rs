use super::*;
use crate::model::{Priority, Status};

fn escalate(requirement: usize, to: &str, priority: Option<Priority>) -> Act {
    Act::Escalate { requirement, to: users(to), priority }
}

#[test]
fn operators_and_approvers_ask_more_people() {
    let world = World::new(gate([need(1, "ann"), need(1, "bob")]));
    let act = escalate(1, "cid bob cid ann", Some(Priority::Critical));
    for who in [user("eve"), agent()] {
        assert!(matches!(world.clone().act(&who, act.clone(), 1), Err(Refusal::NotPermitted { .. })));
    }
    world.clone().act(&user("ann"), act.clone(), 1).unwrap();
    let mut world = world;
    let transition = world.operate(act, 1).unwrap();
    assert_eq!(
        told(&transition),
        [EventKind::Escalated { stage: None, requirement: 1, to: users("cid ann") }]
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
    assert_eq!(told(&transition), [EventKind::Escalated { stage: None, requirement: 0, to: vec![] }]);
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
