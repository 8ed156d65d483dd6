use super::*;
use crate::model::Status;

fn ask(question: &str) -> Act {
    Act::RequestInfo { question: text(question) }
}

fn answer(answer: &str) -> Act {
    Act::ProvideInfo { answer: text(answer) }
}

#[test]
fn approvers_ask_and_the_agent_answers() {
    let mut world = World::new(gate([need(2, "ann bob")]));
    let transition = world.act(&user("ann"), ask("why?"), 1).unwrap();
    assert_eq!(world.request.status, Status::InfoRequested);
    assert_eq!(notified(&transition, NoticeKind::InfoRequested), ["agent:worker"]);
    assert_eq!(told(&transition), [EventKind::InfoRequested { question: text("why?") }]);
    assert_eq!(transition.not_after, Some(at(3600)));
    assert_eq!(due_at(&world.request), Some(at(3600)), "the clock keeps running");
    world.act(&user("bob"), ask("when?"), 2).unwrap();
    world.approve("bob", 3).unwrap();
    assert_eq!(world.request.status, Status::InfoRequested, "a vote does not answer");

    for who in [user("ann"), p("agent:other")] {
        assert!(matches!(world.act(&who, answer("so"), 4), Err(Refusal::NotPermitted { .. })));
    }
    world.clone().operate(answer("so"), 4).unwrap();
    let transition = world.act(&agent(), answer("so"), 4).unwrap();
    assert_eq!(world.request.status, Status::Pending);
    assert_eq!(notified(&transition, NoticeKind::InfoProvided), ["user:ann", "user:bob"]);
    assert_eq!(told(&transition), [EventKind::InfoProvided { answer: text("so") }]);
    assert_eq!(transition.not_after, Some(at(3600)));
    assert!(world.request.info.iter().all(|info| info.answer == Some(text("so"))));
    assert_eq!(world.act(&agent(), answer("so"), 5).unwrap_err(), Refusal::NothingToDo);

    world.act(&user("ann"), ask("again?"), 6).unwrap();
    let transition = world.act(&agent(), answer("yes"), 7).unwrap();
    assert_eq!(notified(&transition, NoticeKind::InfoProvided), ["user:ann"]);
    assert_eq!(world.request.info[0].answer, Some(text("so")));
    world.approve("ann", 8).unwrap();
    assert_eq!(world.request.status, Status::Approved);
    assert!(matches!(world.act(&user("ann"), ask("?"), 9), Err(Refusal::AlreadyDecided(_))));
    assert!(matches!(world.act(&agent(), answer("?"), 9), Err(Refusal::AlreadyDecided(_))));
}

#[test]
fn a_decision_needs_no_answer() {
    let mut world = World::new(gate([need(1, "ann")]));
    world.act(&user("ann"), ask("why?"), 1).unwrap();
    world.approve("ann", 2).unwrap();
    assert_eq!(world.request.status, Status::Approved);
    let mut world = World::new(gate([need(1, "ann")]));
    world.act(&user("ann"), ask("why?"), 1).unwrap();
    world.tick(3600).unwrap();
    assert_eq!(world.request.status, Status::Expired);
}

#[test]
fn asking_needs_a_right_time_and_words() {
    let mut world = World::new(gate([need(1, "ann")]));
    assert!(matches!(world.act(&user("eve"), ask("?"), 1), Err(Refusal::NotAnApprover { .. })));
    assert!(matches!(world.act(&user("ann"), ask("  "), 1), Err(Refusal::Invalid(_))));
    assert!(matches!(world.act(&user("ann"), ask(&"x".repeat(4001)), 1), Err(Refusal::Invalid(_))));
    assert_eq!(world.act(&user("ann"), ask("?"), 3600).unwrap_err(), Refusal::DeadlinePassed(at(3600)));
    world.act(&user("ann"), ask(&"ä".repeat(4000)), 1).unwrap();
    assert!(matches!(world.act(&agent(), answer(&"x".repeat(4001)), 1), Err(Refusal::Invalid(_))));
    assert!(matches!(world.act(&agent(), answer(" "), 1), Err(Refusal::Invalid(_))));
    world.request.info = thin_vec::thin_vec![world.request.info[0].clone(); limits::INFO_COUNT_LIMIT - 1];
    world.act(&user("ann"), ask("?"), 1).unwrap();
    assert!(matches!(world.act(&user("ann"), ask("?"), 1), Err(Refusal::Invalid(_))));
}

#[test]
fn those_whom_it_concerns_comment() {
    let comment = |words: &str| Act::Comment { text: text(words) };
    let mut draft = draft(gate([need(1, "ann bob")]));
    draft.on_behalf_of = Some(user("pat"));
    let mut world = World::open(draft, People::default());
    for who in [user("eve"), p("agent:other")] {
        assert!(matches!(world.act(&who, comment("hm"), 1), Err(Refusal::NotPermitted { .. })));
    }
    for who in [user("ann"), user("pat"), agent()] {
        let transition = world.act(&who, comment("hm"), 1).unwrap();
        assert_eq!(told(&transition), [EventKind::Commented { text: text("hm") }]);
        assert!(transition.notices.is_empty());
    }
    world.operate(comment("hm"), 1).unwrap();
    world.approve("ann", 2).unwrap();
    world.act(&user("bob"), comment("late"), 9999).unwrap();
    assert_eq!(world.request.comments.len(), 5);
    assert!(matches!(world.act(&user("bob"), comment(" "), 3), Err(Refusal::Invalid(_))));
    assert!(matches!(world.act(&user("bob"), comment(&"x".repeat(4001)), 3), Err(Refusal::Invalid(_))));
    let full = vec![world.request.comments[0].clone(); limits::COMMENT_COUNT_LIMIT - 1];
    world.request.comments = full.into();
    world.act(&user("bob"), comment("x"), 3).unwrap();
    assert!(matches!(world.act(&user("bob"), comment("x"), 3), Err(Refusal::Invalid(_))));
}
