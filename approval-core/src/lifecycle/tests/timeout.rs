use super::*;
use crate::model::{EscalationStage, OnTimeout, Outcome, Priority, Reminders, Status};

fn stage(after: i64, to: &str) -> EscalationStage {
    EscalationStage { after: Span::from_secs(after), requirement: 0, to: users(to), priority: None }
}

#[test]
fn the_deadline_expires_what_nobody_decided() {
    let mut world = World::new(gate([need(1, "ann bob")]));
    assert_eq!(due_at(&world.request), Some(at(3600)));
    assert_eq!(world.tick(3599).unwrap_err(), Refusal::NothingToDo);
    let transition = world.tick(3605).unwrap();
    assert_eq!(world.request.status, Status::Expired);
    assert_eq!((world.decision().by.as_slice(), world.decision().by_timeout), (&[][..], false));
    assert_eq!(transition.not_before, Some(at(3600)));
    assert_eq!(transition.not_after, None);
    assert!(transition.requires.is_empty());
    assert_eq!(notified(&transition, NoticeKind::Closed), ["user:ann", "user:bob"]);
    assert_eq!(notified(&transition, NoticeKind::Outcome), ["agent:worker"]);
    assert_eq!(due_at(&world.request), None);
    assert_eq!(world.tick(9999).unwrap_err(), Refusal::NothingToDo);
}

fn mild(on_timeout: OnTimeout) -> Draft {
    Draft { risk: Risk::Low, ..draft(Gate { on_timeout, veto: 2, ..gate([need(1, "ann bob")]) }) }
}

#[test]
fn the_timeout_rule_approves_low_risk_that_nobody_objected_to() {
    let mut world = World::open(mild(OnTimeout::Approve), People::default());
    let transition = world.tick(3600).unwrap();
    let decision = world.decision();
    assert_eq!((decision.outcome, decision.by_timeout), (Outcome::Approved, true));
    assert!(decision.by.is_empty());
    assert_eq!(world.request.grant.clone().unwrap().expires_at, at(3600 + 900));
    assert_eq!(transition.requires, [Requires::SameHalts]);
    world.consume(3700).unwrap();
}

#[test]
fn the_timeout_rule_approves_nothing_else() {
    let expired = |prepare: &dyn Fn(&mut World)| {
        let mut world = World::open(mild(OnTimeout::Approve), People::default());
        prepare(&mut world);
        let transition = world.tick(3600).unwrap();
        assert_eq!((world.request.status, world.request.grant.clone()), (Status::Expired, None));
        assert!(transition.requires.is_empty());
        world.decision().reason.clone().unwrap()
    };
    let reason = expired(&|world| drop(world.reject("ann", 1).unwrap()));
    assert!(reason.contains("rejected"), "{reason}");
    let reason = expired(&|world| world.notice_delivered = false);
    assert!(reason.contains("notified"), "{reason}");
    let reason = expired(&|world| world.people.known = Some([user("zoe")].into()));
    assert!(reason.contains("people"), "{reason}");
    let reason = expired(&|world| world.halts = Halts(vec![halt()]));
    assert!(reason.contains("halted"), "{reason}");
    let reason = expired(&|world| world.request.risk = Risk::Medium);
    assert!(reason.contains("risk"), "{reason}");
}

#[test]
fn stages_fire_once_at_their_time() {
    let raise = EscalationStage { priority: Some(Priority::High), ..stage(60, "bob") };
    let mut world = World::new(Gate { escalation: vec![stage(120, "cid"), raise], ..gate([need(1, "ann")]) });
    assert_eq!(due_at(&world.request), Some(at(60)));
    assert!(world.approve("bob", 59).is_err());
    let transition = world.tick(60).unwrap();
    assert_eq!((transition.not_before, transition.not_after), (Some(at(60)), Some(at(3600))));
    assert_eq!(notified(&transition, NoticeKind::Escalated), ["user:bob"]);
    assert!(
        matches!(told(&transition).as_slice(), [EventKind::Escalated { stage: Some(1), requirement: 0, to, by_operator: false }] if *to == users("bob"))
    );
    assert_eq!(world.request.priority, Priority::High);
    assert_eq!(world.tick(61).unwrap_err(), Refusal::NothingToDo);
    assert_eq!(due_at(&world.request), Some(at(120)));
    world.tick(500).unwrap();
    assert_eq!(due_at(&world.request), Some(at(3600)));
    assert_eq!(world.request.gate.requirements[0].count, 1);
    world.approve("cid", 600).unwrap();
    assert_eq!(world.request.status, Status::Approved);
}

#[test]
fn a_lower_priority_of_a_stage_changes_nothing() {
    let lower = EscalationStage { priority: Some(Priority::Low), ..stage(60, "bob") };
    let mut world = World::new(Gate { escalation: vec![lower], ..gate([need(1, "ann")]) });
    world.tick(60).unwrap();
    assert_eq!(world.request.priority, Priority::Medium);
}

#[test]
fn several_stages_that_are_past_due_fire_together() {
    let mut world = World::new(Gate {
        escalation: vec![stage(60, "bob"), stage(120, "cid bob")],
        ..gate([need(1, "ann")])
    });
    let transition = world.tick(130).unwrap();
    assert_eq!(told(&transition).len(), 2);
    assert_eq!(transition.not_before, Some(at(120)));
    assert_eq!(notified(&transition, NoticeKind::Escalated), ["user:bob", "user:cid"]);
}

#[test]
fn escalating_on_timeout_gives_the_time_once_more() {
    let mut world = World::new(Gate {
        on_timeout: OnTimeout::Escalate,
        escalation: vec![stage(60, "bob"), stage(9000, "cid")],
        ..gate([need(1, "ann")])
    });
    world.tick(60).unwrap();
    let transition = world.tick(3700).unwrap();
    assert!(world.request.status.is_open());
    assert_eq!(transition.not_before, Some(at(3600)));
    assert_eq!(transition.not_after, None);
    assert_eq!(notified(&transition, NoticeKind::Escalated), ["user:cid"]);
    assert!(matches!(
        told(&transition).as_slice(),
        [EventKind::Escalated { stage: Some(1), .. }, EventKind::Extended { deadline }] if *deadline == at(7300)
    ));
    assert_eq!((world.request.deadline, world.request.extended), (Some(at(7300)), true));
    assert_eq!(due_at(&world.request), Some(at(7300)));
    world.tick(7300).unwrap();
    assert_eq!(world.request.status, Status::Expired);
}

#[test]
fn reminders_go_to_the_silent_and_are_not_made_up_for() {
    let mut world = World::new(Gate {
        reminders: Some(Reminders { every: Span::from_secs(600), at_most: 4 }),
        ..gate([need(2, "ann bob cid")])
    });
    world.approve("bob", 10).unwrap();
    assert_eq!(due_at(&world.request), Some(at(600)));
    assert_eq!(world.tick(599).unwrap_err(), Refusal::NothingToDo);
    let transition = world.tick(600).unwrap();
    assert_eq!(notified(&transition, NoticeKind::Reminder), ["user:ann", "user:cid"]);
    assert_eq!(told(&transition), [EventKind::Reminded { number: 1 }]);
    assert_eq!(due_at(&world.request), Some(at(1200)));
    let transition = world.tick(1800).unwrap();
    assert_eq!(told(&transition), [EventKind::Reminded { number: 3 }]);
    assert_eq!(transition.not_before, Some(at(1800)));
    let transition = world.tick(3000).unwrap();
    assert_eq!(told(&transition), [EventKind::Reminded { number: 4 }]);
    assert_eq!(transition.not_before, Some(at(2400)));
    assert_eq!(due_at(&world.request), Some(at(3600)));
    assert_eq!(world.tick(3500).unwrap_err(), Refusal::NothingToDo);
}

#[test]
fn an_unspent_grant_expires() {
    let mut world = approved();
    assert_eq!(due_at(&world.request), Some(at(901)));
    assert_eq!(world.tick(900).unwrap_err(), Refusal::NothingToDo);
    let transition = world.tick(902).unwrap();
    assert_eq!(world.state(), Some(ExecutionState::GrantExpired));
    assert_eq!(world.request.status, Status::Approved, "the decision stands");
    assert_eq!(transition.not_before, Some(at(901)));
    assert_eq!(told(&transition), [EventKind::GrantExpired]);
    assert_eq!(notified(&transition, NoticeKind::Closed), ["user:ann"]);
    assert_eq!(notified(&transition, NoticeKind::Outcome), ["agent:worker"]);
    assert_eq!(due_at(&world.request), None);
    assert_eq!(world.consume(903).unwrap_err(), Refusal::GrantExpired(at(901)));
}

#[test]
fn a_spent_grant_does_not_expire() {
    let mut world = approved();
    world.consume(2).unwrap();
    assert_eq!(due_at(&world.request), None);
    assert_eq!(world.tick(9000).unwrap_err(), Refusal::NothingToDo);
}

#[test]
fn a_stage_lets_an_earlier_vote_close_the_quorum() {
    let wide = EscalationStage { requirement: 1, ..stage(60, "ann") };
    let shared = Requirement { may_share: true, ..need(1, "bob") };
    let mut world = World::new(Gate { escalation: vec![wide], ..gate([need(1, "ann"), shared]) });
    world.approve("ann", 1).unwrap();
    assert!(world.request.status.is_open());
    let mut halted = world.clone();
    halted.halts = Halts(vec![halt()]);
    halted.tick(60).unwrap();
    assert!(halted.request.status.is_open(), "nothing is approved while halted");
    let transition = world.tick(60).unwrap();
    assert_eq!(world.request.status, Status::Approved);
    assert_eq!(notified(&transition, NoticeKind::Escalated), [""; 0]);
}

#[test]
fn no_approval_by_silence_while_a_question_of_an_approver_is_open() {
    let silent = || {
        let mut request = draft(Gate { on_timeout: OnTimeout::Approve, ..gate([need(1, "ann bob")]) });
        request.risk = Risk::Low;
        request.answers_info = true;
        World::open(request, People::default())
    };
    let ask = |world: &mut World, who: &str, seconds| {
        world.act(&user(who), Act::RequestInfo { question: text("which customer?") }, seconds).unwrap();
    };
    let answer = |world: &mut World, seconds| {
        world.act(&agent(), Act::ProvideInfo { answer: text("c-1") }, seconds).unwrap();
    };
    let mut unanswered = silent();
    ask(&mut unanswered, "ann", 1);
    unanswered.tick(3600).unwrap();
    assert_eq!(unanswered.decision().outcome, Outcome::Expired);
    assert!(unanswered.decision().reason.as_deref().unwrap().contains("question"));

    let mut answered = silent();
    ask(&mut answered, "ann", 1);
    answer(&mut answered, 2);
    let mut asked_again = answered.clone();
    answered.tick(3600).unwrap();
    assert_eq!((answered.decision().outcome, answered.decision().by_timeout), (Outcome::Approved, true));

    ask(&mut asked_again, "bob", 3);
    asked_again.people.known = Some(users("ann").into_iter().collect());
    asked_again.tick(3600).unwrap();
    assert_eq!(asked_again.decision().outcome, Outcome::Expired, "though bob is gone");
}

#[test]
fn either_sign_of_an_open_question_keeps_silence_from_approving() {
    let mut asked = World::open(mild(OnTimeout::Approve), People::default());
    asked.act(&user("ann"), Act::RequestInfo { question: text("which customer?") }, 1).unwrap();
    let mut by_status = asked.clone();
    by_status.request.info.clear();
    let mut by_question = asked;
    by_question.request.status = Status::Pending;
    for mut world in [by_status, by_question] {
        world.tick(3600).unwrap();
        assert_eq!(world.decision().outcome, Outcome::Expired);
        assert!(world.decision().reason.as_deref().unwrap().contains("question"));
    }
}
