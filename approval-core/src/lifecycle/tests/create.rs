use super::*;
use crate::model::{EscalationStage, OnTimeout, Priority, RejectOption, Reminders, Status};

fn refused(draft: Draft) -> String {
    match create(draft, &facts(&People::default()), at(0)) {
        Err(Refusal::Invalid(invalid)) => invalid.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_asks_everybody_who_may_decide_once() {
    let people = People {
        groups: [(p("group:finance"), users("cid bob").into_iter().collect())].into(),
        ..People::default()
    };
    let of = vec![p("group:finance"), user("bob"), user("ann")];
    let gate = gate([Requirement::at_least(1, of), need(1, "dan ann")]);
    let transition = create(draft(gate), &facts(&people), at(0)).unwrap();
    assert_eq!(notified(&transition, NoticeKind::Decide), ["user:ann", "user:bob", "user:cid", "user:dan"]);
    assert_eq!(transition.notices.len(), 4);
    assert_eq!(transition.requires, [Requires::SameHalts]);
    assert_eq!((transition.not_before, transition.not_after), (None, None));
    let request = &transition.request;
    assert_eq!((request.status, request.priority), (Status::Pending, Priority::Medium));
    assert_eq!((request.created_at, request.deadline), (at(0), Some(at(3600))));
    assert!(matches!(told(&transition).as_slice(), [EventKind::Created { version: 1, .. }]));
    assert_eq!(event(&transition.events[0]).actor, agent());
}

#[test]
fn it_is_refused_at_once_when_nobody_can_meet_a_requirement() {
    let no = |requirements: Vec<Requirement>| {
        let Err(Refusal::NoApprover { requirement, needed, eligible }) =
            create(draft(gate(requirements)), &facts(&People::default()), at(0))
        else {
            panic!()
        };
        (requirement, needed, eligible)
    };
    assert_eq!(no(vec![Requirement::any_of([p("group:empty")])]), (0, 1, 0));
    assert_eq!(no(vec![need(2, "ann ann")]), (0, 2, 1));
    assert_eq!(no(vec![need(1, "ann"), need(1, "ann")]), (1, 1, 0), "one person fills one seat");
    assert_eq!(no(vec![need(1, "ann bob"), need(1, "ann"), need(2, "ann bob cid")]), (2, 2, 1));
    let shared = Requirement { may_share: true, ..need(2, "ann") };
    assert_eq!(no(vec![need(1, "ann"), shared]), (1, 2, 1));
}

#[test]
fn the_excluded_and_the_person_behind_cannot_make_it_possible() {
    let mut request = draft(Gate { excluded: users("ann"), ..gate([need(1, "ann")]) });
    assert!(matches!(
        create(request.clone(), &facts(&People::default()), at(0)),
        Err(Refusal::NoApprover { .. })
    ));
    request.gate = Arc::new(gate([need(1, "ann")]));
    request.on_behalf_of = Some(user("ann"));
    request.risk = Risk::High;
    assert!(matches!(create(request, &facts(&People::default()), at(0)), Err(Refusal::NoApprover { .. })));
}

#[test]
fn a_gate_that_makes_no_sense_is_refused() {
    let ok = || gate([need(1, "ann")]);
    let stage = |after: i64, requirement, to: &str| EscalationStage {
        after: Span::from_secs(after),
        requirement,
        to: users(to),
        priority: None,
    };
    let offer = |name: &str| RejectOption { name: text(name), title: text("t"), description: text("") };
    let bad = [
        (gate([]), "no requirement"),
        (gate([need(0, "ann")]), "0 approvals"),
        (gate([need(1, "")]), "names no person"),
        (gate([Requirement::any_of([agent(), user("ann")])]), "neither a person nor a group"),
        (gate([Requirement::any_of([p("service:x"), user("ann")])]), "neither a person nor a group"),
        (Gate { veto: 0, ..ok() }, "0 rejections"),
        (Gate { timeout: Some(Span::ZERO), ..ok() }, "no time to decide"),
        (Gate { timeout: Some(Span::from_secs(-1)), ..ok() }, "no time to decide"),
        (Gate { grant_ttl: Span::ZERO, ..ok() }, "gives grants no time"),
        (Gate { reminders: Some(Reminders { every: Span::ZERO, at_most: 1 }), ..ok() }, "without a pause"),
        (Gate { escalation: vec![stage(1, 1, "bob")], ..ok() }, "none of the 1"),
        (Gate { escalation: vec![stage(-1, 0, "bob")], ..ok() }, "before the request"),
        (Gate { escalation: vec![stage(1, 0, "")], ..ok() }, "names no person"),
        (Gate { on_timeout: OnTimeout::Escalate, ..ok() }, "to no person"),
        (Gate { on_timeout: OnTimeout::Approve, ..ok() }, "too high a risk"),
        (Gate { reject_options: vec![offer("a"), offer("a")], ..ok() }, "two reject options"),
        (Gate { reject_options: vec![offer(" ")], ..ok() }, "without a name"),
    ];
    for (gate, why) in bad {
        let message = refused(draft(gate));
        assert!(message.contains(why), "{message} / {why}");
    }
    let good = Gate {
        escalation: vec![stage(0, 0, "bob")],
        on_timeout: OnTimeout::Escalate,
        reminders: Some(Reminders { every: Span::from_secs(1), at_most: 0 }),
        reject_options: vec![offer("a"), offer("b")],
        ..ok()
    };
    create(draft(good), &facts(&People::default()), at(0)).unwrap();
}

#[test]
fn only_low_risk_may_be_approved_by_timeout() {
    for risk in Risk::ALL {
        let mut request = draft(Gate { on_timeout: OnTimeout::Approve, ..gate([need(1, "ann")]) });
        request.risk = *risk;
        let created = create(request, &facts(&People::default()), at(0));
        assert_eq!(created.is_ok(), matches!(risk, Risk::Minimal | Risk::Low), "{risk}");
    }
}

#[test]
fn a_halt_that_covers_it_refuses_it() {
    let covers = |scope| {
        let halts = Halts(vec![Halt { scope, ..halt() }]);
        let people = People::default();
        let facts = Facts { halts: &halts, ..facts(&people) };
        matches!(create(draft(gate([need(1, "ann")])), &facts, at(0)), Err(Refusal::Halted(_)))
    };
    assert!(covers(HaltScope::Everything));
    assert!(covers(HaltScope::Agent(agent())));
    assert!(!covers(HaltScope::Agent(p("agent:other"))));
    assert!(covers(HaltScope::Action(ActionName::new("payments.refund").unwrap())));
}

#[test]
fn description_and_cost_come_from_the_arguments() {
    let mut request = draft(gate([need(1, "ann")]));
    let mut action = (*request.action).clone();
    action.description = text("Refund {cents} cents to {name}");
    action.cost = Some(text("{cents} / 100 USD"));
    request.action = Arc::new(action.clone());
    let created = create(request.clone(), &facts(&People::default()), at(0)).unwrap().request;
    assert_eq!(&*created.revision.description, "Refund 1250 cents to ⟨missing name⟩");
    assert_eq!(created.revision.cost.unwrap().to_string(), "12.50 USD");

    action.cost = Some(text("{name} / 100 USD"));
    request.action = Arc::new(action);
    assert!(refused(request).contains("missing"));
}

#[test]
fn a_request_without_a_timeout_has_no_deadline() {
    let created = World::new(Gate { timeout: None, ..gate([need(1, "ann")]) }).request;
    assert_eq!((created.deadline, due_at(&created)), (None, None));
}

#[test]
fn long_texts_and_groups_as_requesters_are_refused() {
    let mut request = draft(gate([need(1, "ann")]));
    request.intent = Some("x".repeat(4001).into());
    assert!(refused(request.clone()).contains("longer than 4000"));
    request.intent = None;
    request.requester = p("group:robots");
    assert!(refused(request).contains("is a group"));
}

#[test]
fn a_request_with_a_negative_cost_is_refused() {
    let negative = |credits: bool| {
        let mut action = ActionInfo::clone(&super::credits(Some("0 - {cents} USD")));
        action.credits = credits;
        Draft { action: Arc::new(action), ..draft(gate([need(1, "ann")])) }
    };
    let open = |draft: Draft| create(draft, &facts(&People::default()), at(0));
    assert!(
        matches!(open(negative(false)), Err(Refusal::Invalid(invalid)) if invalid.to_string().contains("below zero"))
    );
    assert!(matches!(open(Draft { allowed: true, ..negative(false) }), Err(Refusal::Invalid(_))));
    assert_eq!(open(negative(true)).unwrap().request.revision.cost.unwrap().to_string(), "-1250 USD");
}
