use super::*;
use crate::model::{DelegationRule, Outcome, RejectOption, Status};

#[test]
fn one_approval_makes_a_grant() {
    let mut world = World::new(gate([need(1, "ann bob")]));
    let transition = world.approve("ann", 60).unwrap();
    assert_eq!(world.request.status, Status::Approved);
    assert_eq!(world.state(), Some(ExecutionState::NotStarted));
    let decision = world.decision();
    assert_eq!((decision.outcome, decision.by.as_slice()), (Outcome::Approved, &[user("ann")][..]));
    let grant = world.request.grant.clone().unwrap();
    assert_eq!(grant.digest, world.digest());
    assert_eq!(grant.expires_at, at(60 + 15 * 60));
    assert_eq!(transition.not_after, Some(at(3600)));
    assert_eq!(transition.requires, [Requires::SameHalts]);
    assert_eq!(notified(&transition, NoticeKind::Closed), ["user:ann", "user:bob"]);
    assert_eq!(notified(&transition, NoticeKind::Outcome), ["agent:worker"]);
    let told = told(&transition);
    assert!(
        matches!(told.as_slice(), [EventKind::Voted { .. }, EventKind::Decided { grant: Some(id), .. }] if *id == grant.id)
    );
}

#[test]
fn after_the_decision_it_is_told_to_everybody() {
    let mut world = approved();
    for ballot in [approve(), reject()] {
        let Err(Refusal::AlreadyDecided(decision)) = world.vote("bob", ballot, 2) else { panic!() };
        assert_eq!(decision.by, [user("ann")]);
    }
}

#[test]
fn a_vote_counts_before_the_deadline_alone() {
    let mut world = World::new(gate([need(1, "ann")]));
    assert_eq!(world.approve("ann", 3600).unwrap_err(), Refusal::DeadlinePassed(at(3600)));
    assert_eq!(world.approve("ann", 3601).unwrap_err(), Refusal::DeadlinePassed(at(3600)));
    world.approve("ann", 3599).unwrap();
}

#[test]
fn who_is_not_eligible_is_told_why() {
    let mut request = draft(Gate {
        excluded: vec![p("group:interns")],
        delegation: DelegationRule::Forbidden,
        ..gate([need(1, "ann bob ivy")])
    });
    request.on_behalf_of = Some(user("bob+x"));
    request.risk = Risk::High;
    let people = People {
        known: Some(["ann", "bob", "ivy", "eve"].map(user).into()),
        groups: [(p("group:interns"), [user("ivy")].into())].into(),
        aliases: [(user("bob+x"), user("bob"))].into(),
        ..People::default()
    };
    let mut world = World::open(request, people);
    for (who, why) in [
        (agent(), NotEligible::NotAPerson),
        (p("service:x"), NotEligible::NotAPerson),
        (p("group:interns"), NotEligible::NotAPerson),
        (user("zoe"), NotEligible::Unknown),
        (user("eve"), NotEligible::NotAsked),
        (user("ivy"), NotEligible::Excluded),
        (user("bob"), NotEligible::OwnRequest),
        (user("bob+x"), NotEligible::OwnRequest),
    ] {
        let act = world.vote_act(approve());
        assert_eq!(world.act(&who, act, 1).unwrap_err(), Refusal::NotAnApprover { who, why });
    }
    world.approve("ann", 1).unwrap();
}

#[test]
fn a_requester_who_is_a_person_never_votes() {
    let mut request = draft(gate([need(1, "ann bob")]));
    request.requester = user("ann+cli");
    let people = People { aliases: [(user("ann+cli"), user("ann"))].into(), ..People::default() };
    let mut world = World::open(request, people);
    let refusal = world.approve("ann", 1).unwrap_err();
    assert_eq!(refusal, Refusal::NotAnApprover { who: user("ann"), why: NotEligible::Requester });
}

#[test]
fn the_person_behind_the_agent_votes_at_lower_risk_or_by_leave() {
    for (risk, leave, may) in [
        (Risk::Minimal, None, true),
        (Risk::Medium, None, true),
        (Risk::High, None, false),
        (Risk::Critical, None, false),
        (Risk::Critical, Some(true), true),
        (Risk::Minimal, Some(false), false),
        (Risk::Medium, Some(false), false),
        (Risk::High, Some(false), false),
    ] {
        let mut request = draft(Gate { allow_self_approval: leave, ..gate([need(1, "ann bob")]) });
        request.on_behalf_of = Some(user("ann"));
        request.risk = risk;
        let mut world = World::open(request, People::default());
        assert_eq!(world.approve("ann", 1).is_ok(), may, "{risk} {leave:?}");
    }
}

#[test]
fn only_a_vote_on_the_present_arguments_is_taken() {
    let mut world = World::new(gate([need(1, "ann")]));
    let seen = ArgumentsDigest::from_bytes([9; 32]);
    for ballot in [approve(), reject()] {
        let act = Act::Vote { digest: seen, ballot, note: None };
        let current = world.digest();
        assert_eq!(world.act(&user("ann"), act, 1).unwrap_err(), Refusal::ArgumentsChanged { seen, current });
    }
}

#[test]
fn the_latest_vote_of_a_person_counts() {
    let mut world = World::new(Gate { veto: 2, ..gate([need(2, "ann bob cid")]) });
    world.approve("ann", 1).unwrap();
    assert_eq!(world.approve("ann", 2).unwrap_err(), Refusal::NothingToDo);
    world.reject("ann", 3).unwrap();
    world.approve("bob", 4).unwrap();
    assert!(world.request.status.is_open(), "ann's approval no longer counts");
    world.approve("ann", 5).unwrap();
    assert_eq!(world.request.status, Status::Approved);
    assert_eq!(world.decision().by, [user("bob"), user("ann")], "in the order of voting");
}

#[test]
fn rejections_of_different_people_make_the_veto() {
    let mut world = World::new(Gate { veto: 2, ..gate([need(1, "ann bob cid")]) });
    world.reject("ann", 1).unwrap();
    assert_eq!(world.reject("ann", 2).unwrap_err(), Refusal::NothingToDo);
    assert!(world.request.status.is_open());
    let transition = world.reject("cid", 3).unwrap();
    assert_eq!(world.request.status, Status::Rejected);
    assert_eq!(world.decision().by, [user("ann"), user("cid")]);
    assert_eq!((world.request.grant.clone(), world.state()), (None, None));
    assert!(transition.requires.is_empty());
}

#[test]
fn a_reject_option_must_be_offered() {
    let offer = |name: &str| RejectOption { name: text(name), title: text(name), description: text("") };
    let mut world =
        World::new(Gate { reject_options: vec![offer("amount"), offer("person")], ..gate([need(1, "ann")]) });
    let Err(Refusal::UnknownOption { option, offered }) =
        world.vote("ann", Ballot::Reject { option: Some(text("colour")) }, 1)
    else {
        panic!()
    };
    assert_eq!((&*option, offered), ("colour", vec![text("amount"), text("person")]));
    world.vote("ann", Ballot::Reject { option: Some(text("person")) }, 1).unwrap();
    assert_eq!(world.decision().option, Some(text("person")));
}

#[test]
fn notes_become_the_reason() {
    let noted = |world: &mut World, name: &str, note: &str| {
        let act = Act::Vote { digest: world.digest(), ballot: approve(), note: Some(text(note)) };
        world.act(&user(name), act, 1)
    };
    let mut world = World::new(gate([need(3, "ann bob cid")]));
    noted(&mut world, "ann", "fine").unwrap();
    noted(&mut world, "bob", "  ").unwrap();
    assert_eq!(world.request.votes.last().unwrap().note, None, "a blank note is none");
    let mut one = world.clone();
    one.approve("cid", 2).unwrap();
    assert_eq!(one.decision().reason, Some(text("fine")));
    noted(&mut world, "cid", "ok").unwrap();
    assert_eq!(world.decision().reason, Some(text("user:ann: fine; user:cid: ok")));

    let mut world = World::new(gate([need(1, "ann")]));
    assert!(matches!(noted(&mut world, "ann", &"x".repeat(2001)), Err(Refusal::Invalid(_))));
    noted(&mut world, "ann", &"ä".repeat(2000)).unwrap();
}

#[test]
fn one_person_fills_one_seat_unless_it_may_be_shared() {
    let both = |may_share| Requirement { may_share, ..need(1, "ann cid") };
    let mut world = World::new(gate([need(1, "ann bob"), both(false)]));
    world.approve("ann", 1).unwrap();
    assert!(world.request.status.is_open());
    world.approve("bob", 2).unwrap();
    assert_eq!(
        world.decision().by,
        [user("ann"), user("bob")],
        "ann moves on to the seat that bob cannot fill"
    );

    let mut world = World::new(gate([need(1, "ann bob"), both(true)]));
    world.approve("ann", 1).unwrap();
    assert_eq!(world.request.status, Status::Approved);
    assert_eq!(world.decision().by, [user("ann")]);
}

#[test]
fn whoever_is_excluded_after_voting_is_not_counted_when_the_quorum_closes() {
    let barred = p("group:barred");
    let people = |names: &str| People {
        groups: [(barred.clone(), users(names).into_iter().collect())].into(),
        ..People::default()
    };
    let mut gate = gate([Requirement::at_least(2, users("ann bob cid"))]);
    gate.excluded = vec![barred.clone()];
    let mut world = World::open(draft(gate), people(""));
    world.approve("ann", 1).unwrap();
    world.people = people("ann");
    world.approve("bob", 2).unwrap();
    assert!(world.request.status.is_open(), "ann is excluded now");
    world.approve("cid", 3).unwrap();
    assert_eq!(world.decision().by, [user("bob"), user("cid")]);
}

#[test]
fn eligibility_is_judged_again_when_the_quorum_closes() {
    let finance = p("group:finance");
    let people = |names: &str| People {
        groups: [(finance.clone(), users(names).into_iter().collect())].into(),
        ..People::default()
    };
    let gate = gate([Requirement::at_least(2, [finance.clone()])]);
    let mut world = World::open(draft(gate), people("ann bob cid"));
    world.approve("ann", 1).unwrap();
    world.people = people("bob cid");
    world.approve("bob", 2).unwrap();
    assert!(world.request.status.is_open(), "ann has left finance");
    world.approve("cid", 3).unwrap();
    assert_eq!(world.decision().by, [user("bob"), user("cid")]);
}

#[test]
fn two_names_of_one_person_are_one_vote() {
    let mut world = World::new(gate([need(2, "ann bob ann+x")]));
    world.approve("ann", 1).unwrap();
    world.people.aliases = [(user("ann+x"), user("ann"))].into();
    assert_eq!(world.approve("ann+x", 2).unwrap_err(), Refusal::NothingToDo);
    assert!(world.request.status.is_open());

    // The two names voted before the directory knew that they are one.
    let mut world = World::new(gate([need(2, "ann bob ann+x cid")]));
    world.request.gate = Arc::new(gate([need(3, "ann bob ann+x cid")]));
    world.approve("ann", 1).unwrap();
    world.approve("ann+x", 2).unwrap();
    world.people.aliases = [(user("ann+x"), user("ann"))].into();
    world.approve("bob", 3).unwrap();
    assert!(world.request.status.is_open());
    world.approve("cid", 4).unwrap();
    assert_eq!(world.decision().by, [user("ann"), user("bob"), user("cid")]);
}

#[test]
fn a_vote_takes_the_place_of_one_under_a_name_that_is_now_known_to_be_the_same_person() {
    let mut world = World::new(gate([need(2, "ann bob rob")]));
    world.approve("rob", 1).unwrap();
    world.people.aliases = [(user("rob"), user("bob"))].into();
    world.approve("bob", 2).unwrap();
    let votes: Vec<_> = world.request.votes.iter().map(|vote| &vote.voter).collect();
    assert_eq!(votes, [&user("bob")]);
}

#[test]
fn nothing_is_approved_without_an_approval() {
    let mut world = World::new(Gate { veto: 2, ..gate([need(1, "ann bob")]) });
    // No such gate is accepted; if it came from elsewhere, an empty quorum would still be none.
    world.request.gate =
        Arc::new(Gate { requirements: vec![need(0, "ann bob")], ..(*world.request.gate).clone() });
    world.reject("ann", 1).unwrap();
    assert!(world.request.status.is_open());
    world.approve("bob", 2).unwrap();
    assert!(world.request.status.is_open());
}

#[test]
fn nothing_is_approved_while_halted() {
    let mut world = World::new(gate([need(2, "ann bob cid")]));
    world.halts = Halts(vec![halt()]);
    world.approve("ann", 1).unwrap();
    assert_eq!(world.approve("bob", 2).unwrap_err(), Refusal::Halted(halt()));
    world.reject("bob", 3).unwrap();
    assert_eq!(world.request.status, Status::Rejected);
}

#[test]
fn the_deciders_are_those_whom_nothing_bars_until_it_is_decided() {
    let mut gate = gate([need(1, "ann bob"), Requirement::at_least(1, vec![p("group:finance")])]);
    gate.excluded = users("dan");
    let mut people = People::default();
    people.groups.insert(p("group:finance"), users("cho dan").into_iter().collect());
    let mut world = World::open(draft(gate), people);
    assert_eq!(deciders(&world.request, &world.people), users("ann bob cho"));
    world.approve("ann", 1).unwrap();
    assert_eq!(deciders(&world.request, &world.people), users("ann bob cho"), "a vote can be changed");
    world.approve("cho", 2).unwrap();
    assert_eq!(deciders(&world.request, &world.people), []);
}

#[test]
fn a_person_behind_a_chain_of_aliases_is_one_person() {
    let chain = || People {
        aliases: [("ann+w", "ann"), ("ann", "ann@corp")].map(|(one, other)| (user(one), user(other))).into(),
        ..People::default()
    };
    let mut risky = draft(gate([need(1, "ann bob")]));
    risky.on_behalf_of = Some(user("ann+w"));
    risky.risk = Risk::High;
    let world = World::open(risky, chain());
    for spelled in ["ann", "ann+w", "ann@corp"] {
        let refusal = world.clone().approve(spelled, 1).unwrap_err();
        assert!(matches!(refusal, Refusal::NotAnApprover { why: NotEligible::OwnRequest, .. }), "{spelled}");
    }
    let excluding = Gate { excluded: users("ann"), ..gate([need(1, "ann@corp bob")]) };
    let refusal = World::open(draft(excluding), chain()).approve("ann+w", 1).unwrap_err();
    assert!(matches!(refusal, Refusal::NotAnApprover { why: NotEligible::Excluded, .. }));

    let mut two = World::open(draft(gate([need(2, "ann ann+w ann@corp bob")])), chain());
    for (second, spelled) in (1..).zip(["ann", "ann+w", "ann@corp"]) {
        drop(two.approve(spelled, second)); // The same vote again may be nothing to do.
        assert!(two.request.status.is_open(), "{spelled}");
    }
    let delegation = DelegationRule::To(users("ann+w bob"));
    let mut world = World::open(draft(Gate { delegation, ..gate([need(1, "ann")]) }), chain());
    let own = world.act(&user("ann"), Act::Delegate { to: user("ann+w") }, 1).unwrap_err();
    assert!(matches!(own, Refusal::Delegation { .. }), "to oneself: {own:?}");
    two.approve("bob", 9).unwrap();
}

#[test]
fn people_whose_aliases_lead_in_a_circle_never_vote() {
    let mut world = World::new(gate([need(1, "ann bob")]));
    world.people.aliases = [(user("ann"), user("eve")), (user("eve"), user("ann"))].into();
    for spelled in ["ann", "eve"] {
        let refusal = world.approve(spelled, 1).unwrap_err();
        assert!(matches!(refusal, Refusal::NotAnApprover { why: NotEligible::Unknown, .. }), "{spelled}");
    }
    world.approve("bob", 1).unwrap();
}

#[test]
fn a_history_without_room_for_a_line_takes_no_vote() {
    let mut world = World::new(gate([need(1, "ann")]));
    world.request.chain.count = u64::MAX;
    let refused = world.approve("ann", 1).unwrap_err();
    assert!(matches!(refused, Refusal::Internal(_)), "{refused:?}");
    assert!(refused.to_string().starts_with("internal error: "), "{refused}");
}

#[test]
fn what_was_altered_in_the_store_is_rejected_cancelled_and_expires_but_is_not_approved() {
    let mut world = World::new(gate([need(1, "ann bob")]));
    world.request.revision.arguments = json(r#"{"cents":999999}"#);
    assert_eq!(world.approve("ann", 1).unwrap_err(), Refusal::Altered);
    assert!(world.request.status.is_open());
    let mut cancelled = world.clone();
    cancelled.act(&agent(), Act::Cancel { reason: None }, 2).unwrap();
    assert_eq!(cancelled.request.status, Status::Cancelled);
    let mut expired = world.clone();
    expired.tick(3600).unwrap();
    assert_eq!(expired.request.status, Status::Expired);
    world.reject("bob", 2).unwrap();
    assert_eq!(world.request.status, Status::Rejected);
}
