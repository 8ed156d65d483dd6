use super::{
    execution::{doubtful, failed, running, succeeded},
    *,
};
use crate::model::{
    Declaration, DeclaredSeats, DelegationRule, Editable, EscalationStage, OnTimeout, Question, RejectOption,
    Reminders, RunWindow, Said,
};

/// What the action of these tests says: ann or bob.
fn own() -> Gate {
    gate([need(1, "ann bob")])
}

/// What a rule asks for besides: cfo.
fn rule() -> Gate {
    Gate::only("large", vec![need(1, "cfo")])
}

fn asks(gate: &Arc<Gate>, whole: bool) -> PolicyAnswer<'_> {
    PolicyAnswer::Asks { rule: &gate.rule, gate: Some(gate), whole }
}

/// The cancelled request of an action that says `own`, opened with what `asked` makes of that.
fn ended(own: &Gate, asked: Gate) -> Request {
    let mut world = World::open(draft(asked), People::default());
    let declaration = Declaration::new(&world.request.action, world.request.risk, own);
    world.request.declaration = Some(Arc::new(declaration));
    world.operate(Act::Cancel { reason: None }, 1).unwrap();
    world.request
}

fn tightened() -> Gate {
    tighten(&own(), &rule())
}

/// What must be met to try it again, as the policy says now.
fn retried(request: &Request, answer: PolicyAnswer<'_>) -> Gate {
    let own = demanded_again(request).unwrap();
    Arc::unwrap_or_clone(gate_of_retry(request, &own, answer).unwrap())
}

fn window() -> RunWindow {
    RunWindow::new("UTC", [("daily", "13:00-14:00")]).unwrap()
}

#[test]
fn where_the_policy_would_not_ask_people_are_asked_as_before() {
    let (name, windows, told) = (text("small"), [window()], users("zoe"));
    let request = ended(&own(), tightened());
    let runs =
        |run_windows| retried(&request, PolicyAnswer::Runs { rule: &name, inform: &told, run_windows });
    let gate = runs(&[]);
    assert_eq!((gate.requirements, &*gate.rule), (vec![need(1, "ann bob"), need(1, "cfo")], "small"));
    assert_eq!((gate.timeout, gate.run_windows), (tightened().timeout, Vec::new()));
    assert_eq!(gate.inform, told, "and those are told whom the rule of today names");
    assert_eq!(runs(&windows).run_windows, windows, "and only while the windows of today are open");
}

#[test]
fn what_the_policy_asks_for_today_is_asked_for_besides() {
    let today = Arc::new(Gate { run_windows: vec![window()], excluded: users("eve"), ..rule() });
    for before in [own(), tightened(), tighten(&own(), &Gate::only("old", vec![need(1, "zoe")]))] {
        let gate = retried(&ended(&own(), before), asks(&today, false));
        assert_eq!(
            gate.requirements,
            [need(1, "ann bob"), need(1, "cfo")],
            "not what a rule asked for before"
        );
        assert_eq!((&*gate.rule, &*gate.excluded), ("large", &*users("eve")));
        assert_eq!(gate.run_windows, [window()]);
    }
    let name = text("ask");
    let nothing = PolicyAnswer::Asks { rule: &name, gate: None, whole: false };
    let gate = retried(&ended(&own(), tightened()), nothing);
    assert_eq!((gate.requirements, &*gate.rule), (vec![need(1, "ann bob")], "ask"));
}

#[test]
fn a_rule_that_may_relax_is_asked_for_alone() {
    let relaxed = Arc::new(Gate { veto: 2, ..Gate::new("relaxed", vec![need(1, "cat")]) });
    let gate = retried(&ended(&own(), tightened()), asks(&relaxed, true));
    assert_eq!(gate, *relaxed);
    // It relaxes this one, and not what is tried again once it is gone.
    let today = Arc::new(rule());
    let gate = retried(&ended(&own(), Gate::clone(&relaxed)), asks(&today, false));
    assert_eq!(gate.requirements, [need(1, "ann bob"), need(1, "cfo")]);
}

#[test]
fn what_the_policy_denies_is_not_tried_again() {
    let (rule, reason) = (text("night"), text("nothing is rolled out at night"));
    let request = ended(&own(), own());
    let own = demanded_again(&request).unwrap();
    assert_eq!(
        gate_of_retry(&request, &own, PolicyAnswer::Denies { rule: &rule, reason: &reason }).unwrap_err(),
        Refusal::PolicyDenies { rule: rule.clone(), reason: reason.clone() }
    );
}

#[test]
fn no_rule_is_about_a_question() {
    let mut request = ended(&own(), own());
    let (asked, schema) = (text("Ship it?"), text(r#"{"type":"boolean"}"#));
    let question = Question { text: asked, schema, options: Vec::new(), agree: 1 };
    request.question = Some(Arc::new(question));
    assert_eq!(demanded_again(&request), None);
}

#[test]
fn a_row_without_a_declaration_demands_what_its_gate_shows() {
    let mut plain = ended(&own(), tightened());
    plain.declaration = None;
    assert_eq!(demanded_again(&plain).unwrap().gate.requirements, tightened().requirements);
    let seats = DeclaredSeats { requirements: own().requirements, escalation: Vec::new() };
    let mut edited = ended(&own(), Gate { declared: Some(Arc::new(seats)), ..tightened() });
    edited.declaration = None;
    let demanded = demanded_again(&edited).unwrap();
    assert_eq!((&demanded.gate.requirements, &demanded.gate.declared), (&own().requirements, &None));
    let again = draft_of_retry(&edited, (Arc::new(own()), None), edited.id, RequestId::from_uuid(id(2)));
    assert_eq!(again.declaration.unwrap().gate.requirements, own().requirements);
}

#[test]
fn what_is_no_demand_is_as_the_request_has_it() {
    let hour = Span::from_hours(1);
    let stage = EscalationStage { requirement: 0, after: hour, to: users("zoe"), priority: None };
    let asked = Gate {
        timeout: Some(hour * 2),
        grant_ttl: hour,
        reminders: Some(Reminders { every: hour, at_most: 2 }),
        join_identical: true,
        inform: users("cfo"),
        editable: vec![Editable { path: text("cents"), schema: None }],
        reject_options: vec![RejectOption {
            name: text("too_much"),
            title: text("Too much"),
            description: text(""),
        }],
        digest: true,
        delegation: DelegationRule::Forbidden,
        escalation: vec![stage],
        ..own()
    };
    let demanded = demanded_again(&ended(&own(), asked.clone())).unwrap();
    let expected = Gate { delegation: own().delegation, escalation: Vec::new(), ..asked };
    assert_eq!(*demanded.gate, expected);
    assert_eq!(demanded.said, Said::ALL);
}

#[test]
fn a_setting_that_the_request_has_looser_was_left_to_the_rule() {
    let stage =
        EscalationStage { requirement: 0, after: Span::from_secs(60), to: users("zoe"), priority: None };
    let silent = Gate { on_timeout: OnTimeout::Escalate, escalation: vec![stage], ..own() };
    let said = |own: &Gate, asked: &Gate| {
        let mut request = ended(own, own.clone());
        request.gate = Arc::new(asked.clone());
        demanded_again(&request).unwrap().said
    };
    let loose = Gate { veto: 2, ..own() };
    assert_eq!(said(&own(), &loose), Said { veto: false, ..Said::ALL });
    assert_eq!(said(&loose, &own()), Said::ALL, "it was tightened");
    assert_eq!(said(&own(), &silent), Said { on_timeout: false, ..Said::ALL });
    assert_eq!(said(&silent, &own()), Said::ALL);
    // A default gives way to what the rule sets, and what was set explicitly is only tightened.
    let today = Arc::new(Gate { veto: 3, ..rule() });
    let of = |own: &Gate, asked: &Gate| {
        let mut request = ended(own, own.clone());
        request.gate = Arc::new(asked.clone());
        retried(&request, asks(&today, false)).veto
    };
    assert_eq!((of(&own(), &loose), of(&own(), &own())), (3, 1));
}

#[test]
fn what_people_may_edit_notes_what_the_action_says_itself() {
    let editable = Gate { editable: vec![Editable { path: text("cents"), schema: None }], ..own() };
    let (today, same) = (Arc::new(rule()), Arc::new(editable));
    let gate = asked_for(&same, Said::ALL, asks(&today, false));
    let seats = DeclaredSeats { requirements: own().requirements, escalation: Vec::new() };
    assert_eq!(gate.declared.as_deref(), Some(&seats));
    assert_eq!(by_rule(&same, Said::ALL, asks(&today, false)).declared, None);
    let name = text("ask");
    let nothing = PolicyAnswer::Asks { rule: &name, gate: None, whole: false };
    assert_eq!(asked_for(&same, Said::ALL, nothing).declared, None, "no rule asks for more");
    assert_eq!(asked_for(&Arc::new(own()), Said::ALL, asks(&today, false)).declared, None, "nothing to edit");
}

#[test]
fn a_draft_asks_for_what_was_asked_for_last() {
    let mut request = ended(&own(), own());
    let number = request.revision.number + 1;
    request.revision.number = number;
    request.revision.editor = Some(user("ann"));
    request.key = Some(text("k"));
    let last = RequestId::from_uuid(id(7));
    let again = draft_of_retry(&request, (Arc::new(tightened()), None), last, RequestId::from_uuid(id(8)));
    let predecessor = Predecessor {
        request: last,
        original: request.original,
        revision: number,
        editor: Some(user("ann")),
    };
    assert_eq!(again.predecessor, Some(predecessor));
    assert_eq!((again.id, again.key, again.allowed), (RequestId::from_uuid(id(8)), None, false));
    assert_eq!((&again.arguments, again.digest), (&request.revision.arguments, request.revision.digest));
    assert_eq!((&*again.gate, &again.declaration), (&tightened(), &request.declaration));
    assert_eq!((again.priority, again.requester), (Some(request.priority), agent()));
    let follows = again.enclosed.as_deref().and_then(|enclosed| enclosed.follows.as_deref()).unwrap();
    assert_eq!((follows.request, &*follows.ended), (request.id, "cancelled"));
}

#[test]
fn only_what_is_over_is_tried_again() {
    let retry = |number| Act::Retry { successor: RequestId::from_uuid(id(number)) };
    let open = World::new(gate([need(1, "ann")]));
    let with = |act: &dyn Fn(&mut World)| {
        let mut world = open.clone();
        act(&mut world);
        world
    };
    let rejected = with(&|world| drop(world.reject("ann", 1).unwrap()));
    let over = [
        rejected,
        with(&|world| drop(world.tick(3600).unwrap())),
        with(&|world| drop(world.act(&agent(), Act::Cancel { reason: None }, 1).unwrap())),
        {
            let mut world = running();
            world.finish(failed("x"), 3).unwrap();
            world
        },
        {
            let mut world = approved();
            world.tick(901).unwrap();
            world
        },
        {
            let mut world = approved();
            world.operate(Act::Revoke { reason: text("no") }, 3).unwrap();
            world
        },
    ];
    for mut world in over {
        assert!(matches!(world.act(&user("eve"), retry(2), 5000), Err(Refusal::NotPermitted { .. })));
        let transition = world.act(&agent(), retry(2), 5000).unwrap();
        assert_eq!(world.request.successor, Some(RequestId::from_uuid(id(2))));
        assert_eq!(told(&transition), [EventKind::Retried { successor: RequestId::from_uuid(id(2)) }]);
        assert_eq!(world.act(&agent(), retry(2), 5001).unwrap_err(), Refusal::NothingToDo);
        assert_eq!(
            world.act(&agent(), retry(3), 5001).unwrap_err(),
            Refusal::AlreadyRetried(RequestId::from_uuid(id(2)))
        );
    }
    for mut world in [open.clone(), approved()] {
        assert!(matches!(world.act(&agent(), retry(2), 5), Err(Refusal::NotPermitted { .. })));
    }
    let mut ran = running();
    assert_eq!(ran.act(&agent(), retry(2), 5).unwrap_err(), Refusal::AlreadyRan(ExecutionState::Executing));
    ran.finish(succeeded(), 3).unwrap();
    assert_eq!(ran.act(&agent(), retry(2), 5).unwrap_err(), Refusal::AlreadyRan(ExecutionState::Succeeded));
    assert_eq!(
        doubtful().act(&agent(), retry(2), 5).unwrap_err(),
        Refusal::AlreadyRan(ExecutionState::Unknown)
    );
}
