//! What waits while the store's clock is wrong, and what does not.

use super::*;
use crate::model::{
    Editable, OnTimeout, Question, Reminders, StandingArguments, StandingReach, StandingTerms,
};

/// Whether this waits for a clock that is right. Does it in any case.
fn waits(world: &mut World, actor: &Principal, act: &Act, seconds: i64) -> bool {
    let before = world.request.clone();
    let transition = world.act(actor, act.clone(), seconds).unwrap();
    needs_the_clock(Some(&before), Some(act), &transition)
}

fn of_two() -> World {
    World::new(Gate {
        veto: 2,
        reminders: Some(Reminders { every: Span::from_secs(60), at_most: 1 }),
        editable: vec![Editable { path: text("cents"), schema: None }],
        ..gate([need(2, "ann bob cid")])
    })
}

#[test]
fn opening_a_request_needs_the_clock() {
    let opened = create(draft(gate([need(1, "ann")])), &facts(&People::default()), at(0)).unwrap();
    assert!(needs_the_clock(None, None, &opened));
}

#[test]
fn approving_needs_the_clock_even_if_it_does_not_decide_yet() {
    let world = of_two();
    let digest = world.digest();
    let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any);
    let edits = vec![Edit { path: text("cents"), value: json("1") }];
    for act in [
        world.vote_act(approve()),
        Act::ApproveStanding { digest, note: None, terms },
        Act::ApproveEdited { digest, edits, note: None },
    ] {
        let mut world = world.clone();
        assert!(waits(&mut world, &user("ann"), &act, 1), "{act:?}");
        assert!(world.request.status.is_open());
    }
    let question = Question { text: text("How many?"), schema: text("true"), options: Vec::new(), agree: 2 };
    let asked = Draft { question: Some(Arc::new(question)), ..draft(gate([need(2, "ann bob")])) };
    let mut world = World::open(asked, People::default());
    let answer = world.vote_act(Ballot::Answer(json("7")));
    assert!(waits(&mut world, &user("ann"), &answer, 1));
}

#[test]
fn beginning_what_was_approved_and_trying_again_need_the_clock() {
    let mut world = approved();
    world.request.action = Arc::new(ActionInfo { idempotent: true, ..(*world.request.action).clone() });
    let consume = world.consume_act();
    assert!(waits(&mut world, &agent(), &consume, 2));
    let failed = Ending::Failed { why: text("no"), started: true };
    let finish = world.finish_act(failed);
    assert!(!waits(&mut world, &agent(), &finish, 3));
    let mut retried = world.clone();
    assert!(waits(&mut world, &agent(), &reopen(), 4));
    assert!(waits(&mut retried, &agent(), &Act::Retry { successor: RequestId::from_uuid(id(2)) }, 4));
}

#[test]
fn an_approval_that_comes_about_otherwise_needs_the_clock() {
    let silent = Gate { on_timeout: OnTimeout::Approve, ..gate([need(1, "ann")]) };
    let mut world = World::open(Draft { risk: Risk::Low, ..draft(silent) }, People::default());
    assert!(waits(&mut world, &p("service:due"), &Act::Tick, 3600), "by time");
    assert!(world.decision().by_timeout);
    let shared = Requirement { may_share: true, ..need(1, "bob") };
    let mut world = World::new(gate([need(1, "ann"), shared]));
    world.approve("ann", 1).unwrap();
    let before = world.request.clone();
    let widen = Act::Escalate { requirement: 1, to: users("ann"), priority: None };
    let transition = world.operate(widen.clone(), 2).unwrap();
    assert!(needs_the_clock(Some(&before), Some(&widen), &transition), "by an escalation");
}

#[test]
fn what_ends_takes_back_or_tells_does_not_wait_for_the_clock() {
    let ann = user("ann");
    for act in [
        of_two().vote_act(reject()),
        Act::Comment { text: text("hm") },
        Act::RequestInfo { question: text("why?") },
    ] {
        assert!(!waits(&mut of_two(), &ann, &act, 1), "{act:?}");
    }
    assert!(!waits(&mut of_two(), &agent(), &Act::Cancel { reason: None }, 1));
    assert!(!waits(&mut of_two(), &p("service:due"), &Act::Tick, 60), "a reminder");
    assert!(!waits(&mut of_two(), &p("service:due"), &Act::Tick, 3600), "the deadline");
    // Of what is approved already.
    for act in [Act::Comment { text: text("hm") }, Act::Revoke { reason: text("no") }] {
        assert!(!waits(&mut approved(), &ann, &act, 2), "{act:?}");
    }
    assert!(!waits(&mut approved(), &p("service:due"), &Act::Tick, 901), "the end of a grant");
}
