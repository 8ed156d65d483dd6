use super::*;
use crate::model::{
    Declaration, DelegationRule, EscalationStage, OnTimeout, OutsideHours, Said, SchemaDigest,
};

fn info() -> ActionInfo {
    ActionInfo::new(ActionName::new("payments.refund").unwrap())
}

/// Medium risk and these demands.
fn declared(gate: &Gate) -> Declaration {
    Declaration::new(&info(), Risk::Medium, gate)
}

/// A request of before, of which nothing but the gate is known.
fn opened(gate: Gate) -> Request {
    World::new(gate).request
}

#[expect(clippy::needless_pass_by_value, reason = "gates are made where it is called")]
fn more(then: Gate, now: Gate) -> Option<&'static str> {
    asks_for_more(&declared(&now), &opened(then))
}

fn base() -> Gate {
    gate([need(1, "ann bob")])
}

#[test]
fn the_same_declaration_asks_for_nothing_more() {
    assert_eq!(more(base(), base()), None);
}

#[test]
fn what_is_stricter_asks_for_more() {
    let stricter = [
        (Gate { requirements: vec![need(1, "ann")], ..base() }, "other approvers"),
        (Gate { requirements: vec![need(2, "ann bob")], ..base() }, "other approvers"),
        (Gate { requirements: vec![need(1, "ann bob"), need(1, "cat")], ..base() }, "other approvers"),
        (Gate { requirements: vec![need(1, "cat dan")], ..base() }, "other approvers"),
        (Gate { excluded: users("ann"), ..base() }, "more excluded people"),
        (Gate { delegation: DelegationRule::Forbidden, ..base() }, "a narrower delegation"),
        (Gate { no_standing: true, ..base() }, "no standing approval"),
    ];
    for (now, what) in stricter {
        assert_eq!(more(base(), now), Some(what));
    }
    assert_eq!(more(Gate { veto: 2, ..base() }, base()), Some("a lower veto"));
    let own = |allow| Gate { allow_self_approval: allow, ..base() };
    assert_eq!(more(own(Some(true)), own(Some(false))), Some("no approval of one's own request"));
    assert_eq!(more(base(), own(Some(false))), Some("no approval of one's own request"));
    assert_eq!(more(own(Some(true)), base()), None, "at medium risk silence allows it");
    let silent = Gate { on_timeout: OnTimeout::Approve, ..base() };
    let low = Declaration::new(&info(), Risk::Low, &base());
    let waiting = World::open(Draft { risk: Risk::Low, ..draft(silent) }, People::default()).request;
    assert_eq!(asks_for_more(&low, &waiting), Some("a stricter end of its time"));
    let high = Declaration::new(&info(), Risk::High, &base());
    assert_eq!(asks_for_more(&high, &opened(base())), Some("a higher risk"));
    let newer = Declaration::new(&ActionInfo { version: 2, ..info() }, Risk::Medium, &base());
    assert_eq!(asks_for_more(&newer, &opened(base())), Some("another version"));
    let schema = Some(SchemaDigest::from_bytes([1; 32]));
    let typed = Declaration::new(&ActionInfo { schema, ..info() }, Risk::Medium, &base());
    assert_eq!(asks_for_more(&typed, &opened(base())), Some("another schema of its arguments"));
}

#[test]
fn what_is_looser_asks_for_nothing_more() {
    let then = Gate {
        excluded: users("eve"),
        no_standing: true,
        delegation: DelegationRule::Forbidden,
        ..gate([need(2, "ann bob cat"), need(1, "dan")])
    };
    let looser = [
        gate([need(1, "ann bob cat")]),
        gate([need(2, "ann bob cat eve")]),
        gate([need(1, "dan eve")]),
        gate([]),
        // Three different people, however they are grouped.
        gate([need(3, "ann bob cat dan")]),
        gate([need(1, "ann bob cat"), need(1, "ann bob cat"), need(1, "dan")]),
        Gate {
            veto: 3,
            allow_self_approval: Some(true),
            on_timeout: OnTimeout::Approve,
            ..gate([need(1, "dan")])
        },
        // Times and texts are no demands on an approval.
        Gate { timeout: Some(Span::from_secs(1)), grant_ttl: Span::from_secs(1), ..then.clone() },
    ];
    for now in looser {
        assert_eq!(more(then.clone(), now.clone()), None, "{now:?}");
    }
    let low = Declaration::new(&info(), Risk::Minimal, &base());
    assert_eq!(asks_for_more(&low, &opened(base())), None);
}

#[test]
fn seats_are_counted_and_not_filled_twice() {
    assert_eq!(
        more(gate([need(1, "ann")]), gate([need(1, "ann bob"), need(1, "ann cat")])),
        Some("other approvers")
    );
    assert_eq!(
        more(gate([need(1, "ann"), need(1, "cat")]), gate([need(1, "ann bob"), need(1, "ann cat")])),
        None
    );
    let shared = Requirement { may_share: true, ..need(1, "ann") };
    let then = gate([need(1, "ann bob"), shared.clone()]);
    assert_eq!(more(then.clone(), gate([need(2, "ann bob")])), Some("other approvers"), "ann may fill both");
    assert_eq!(more(then, gate([need(1, "ann bob"), shared])), None);
}

#[test]
fn people_who_could_come_to_a_seat_count_as_its_people() {
    let stage = |name: &str| EscalationStage {
        after: Span::from_secs(60),
        requirement: 0,
        to: users(name),
        priority: None,
    };
    let escalating = Gate { escalation: vec![stage("boss")], ..gate([need(1, "ann")]) };
    assert_eq!(more(escalating.clone(), gate([need(1, "ann")])), Some("other approvers"));
    assert_eq!(more(escalating, gate([need(1, "ann boss")])), None);
    let on_call = Requirement { outside_hours: Some(OutsideHours::OnCall(users("boss"))), ..need(1, "ann") };
    assert_eq!(more(gate([on_call]), gate([need(1, "ann")])), Some("other approvers"));
    let to = |name: &str| Gate { delegation: DelegationRule::To(users(name)), ..base() };
    assert_eq!(more(to("eve"), base()), Some("a narrower delegation"));
    assert_eq!(more(to("eve"), to("eve dan")), None);
}

#[test]
fn a_declaration_is_stored_where_the_gate_does_not_show_it() {
    let store = |declaration: Declaration| {
        let draft = Draft { declaration: Some(Arc::new(declaration)), ..draft(base()) };
        World::open(draft, People::default()).request.declaration
    };
    assert_eq!(store(declared(&base())), None);
    assert_eq!(store(declared(&Gate { timeout: None, grant_ttl: Span::from_secs(5), ..base() })), None);
    let weaker = declared(&gate([]));
    assert_eq!(store(weaker.clone()).as_deref(), Some(&weaker));
    // A rule asked for ann and bob. That today's code does so itself is more than the code of then did.
    let draft = Draft { declaration: Some(Arc::new(weaker)), ..draft(base()) };
    let request = World::open(draft, People::default()).request;
    assert_eq!(asks_for_more(&declared(&base()), &request), Some("other approvers"));
    let text = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);
}

#[test]
fn a_grant_is_not_consumed_under_a_declaration_that_asks_for_more() {
    let mut world = approved();
    let claiming = |declaration: Declaration, said: Said| {
        let Act::Consume { executor, grant, mut claim } = world.consume_act() else { unreachable!() };
        claim.declared = Some(Declared { declaration: Arc::new(declaration), said });
        let act = Act::Consume { executor, grant, claim };
        world.try_act(&Command { actor: agent(), via: None, operator: false, act }, 2).map(drop)
    };
    let critical = Declaration::new(&info(), Risk::Critical, &gate([need(2, "cfo ceo")]));
    assert_eq!(claiming(critical, Said::ALL), Err(Refusal::DefinitionChanged("a higher risk")));
    let others = declared(&gate([need(1, "cfo")]));
    assert_eq!(claiming(others.clone(), Said::ALL), Err(Refusal::DefinitionChanged("other approvers")));
    assert_eq!(claiming(others, Said::default()), Err(Refusal::DefinitionChanged("other approvers")));
    assert_eq!(claiming(declared(&gate([])), Said::ALL), Ok(()));
    let revoked = world.operate(Act::Supersede { reason: text("stricter") }, 3).unwrap();
    assert!(matches!(
        revoked.request.execution.as_deref(),
        Some(crate::model::Execution::Revoked { cause: crate::model::RevokedFor::Definition, .. })
    ));
}

/// Whether a worker that set `said` explicitly may run, of a request whose gate is this, what its declaration demands.
fn worked(then: &Gate, risk: Risk, now: &Declaration, said: Said) -> Result<(), Refusal> {
    let mut world = World::open(Draft { risk, ..draft(then.clone()) }, People::default());
    world.approve("ann", 1).unwrap();
    let Act::Consume { executor, grant, mut claim } = world.consume_act() else { unreachable!() };
    claim.declared = Some(Declared { declaration: Arc::new(now.clone()), said });
    world.act(&agent(), Act::Consume { executor, grant, claim }, 2).map(drop)
}

#[test]
fn a_worker_demands_what_it_set_explicitly_and_nothing_else() {
    let own = |risk, gate: Gate| Declaration::new(&info(), risk, &gate);
    let bare = || own(Risk::Low, gate([]));
    let asked = || gate([need(1, "ann")]);
    let none = Said::default();
    let cases = [
        // A default that was written out, and another value.
        (asked(), Risk::Low, own(Risk::Medium, gate([])), Said { risk: true, ..none }, "a higher risk"),
        (asked(), Risk::Low, own(Risk::High, gate([])), Said { risk: true, ..none }, "a higher risk"),
        (Gate { veto: 2, ..asked() }, Risk::Low, bare(), Said { veto: true, ..none }, "a lower veto"),
        (
            Gate { veto: 3, ..asked() },
            Risk::Low,
            own(Risk::Low, Gate { veto: 2, ..gate([]) }),
            Said { veto: true, ..none },
            "a lower veto",
        ),
        (
            Gate { on_timeout: OnTimeout::Approve, ..asked() },
            Risk::Low,
            bare(),
            Said { on_timeout: true, ..none },
            "a stricter end of its time",
        ),
        (
            Gate { delegation: DelegationRule::To(users("eve")), ..asked() },
            Risk::Low,
            own(Risk::Low, Gate { delegation: DelegationRule::Forbidden, ..gate([]) }),
            Said { delegation: true, ..none },
            "a narrower delegation",
        ),
        (
            Gate { delegation: DelegationRule::To(users("eve")), ..asked() },
            Risk::Low,
            bare(),
            Said { delegation: true, ..none },
            "a narrower delegation",
        ),
        (
            asked(),
            Risk::Low,
            own(Risk::Low, Gate { allow_self_approval: Some(false), ..gate([]) }),
            Said { self_approval: true, ..none },
            "no approval of one's own request",
        ),
    ];
    for (then, risk, now, said, what) in cases {
        let more = Err(Refusal::DefinitionChanged(what));
        assert_eq!(worked(&then, risk, &now, said), more, "{said:?}");
        assert_eq!(worked(&then, risk, &now, Said::ALL), more, "a caller demands its defaults too");
        assert_eq!(worked(&then, risk, &now, none), Ok(()), "{what} was not set explicitly");
        let others = Said {
            risk: !said.risk,
            veto: !said.veto,
            on_timeout: !said.on_timeout,
            delegation: !said.delegation,
            self_approval: !said.self_approval,
            ..Said::ALL
        };
        let other = worked(&then, risk, &now, others);
        assert_ne!(other, more, "{what} is not what else was set");
        // What was set explicitly is met by what is no less strict.
        let met = Gate { requirements: asked().requirements, ..now.gate.clone() };
        assert_eq!(worked(&met, now.risk, &now, said), Ok(()), "{what}");
    }
}

#[test]
fn a_worker_demands_its_approvers_and_exclusions_always() {
    let now = |gate: Gate| worked(&gate_of_ann(), Risk::Medium, &declared(&gate), Said::default());
    let more = |what| Err(Refusal::DefinitionChanged(what));
    assert_eq!(now(gate([need(1, "bob")])), more("other approvers"));
    assert_eq!(now(gate([need(2, "ann bob")])), more("other approvers"));
    assert_eq!(now(Gate { excluded: users("ann"), ..gate([]) }), more("more excluded people"));
    assert_eq!(now(Gate { no_standing: true, ..gate([]) }), more("no standing approval"));
    assert_eq!(now(gate([need(1, "ann")])), Ok(()));
}

fn gate_of_ann() -> Gate {
    gate([need(1, "ann")])
}

#[test]
fn a_high_risk_of_a_worker_does_not_forbid_approving_ones_own_request() {
    // The caller allowed it explicitly; the worker repeats the risk, and leaves the rest to the caller.
    let then = Gate { allow_self_approval: Some(true), ..gate_of_ann() };
    let now = Declaration::new(&info(), Risk::High, &gate([]));
    assert_eq!(worked(&then, Risk::High, &now, Said { risk: true, ..Said::default() }), Ok(()));
    let more = Err(Refusal::DefinitionChanged("no approval of one's own request"));
    assert_eq!(worked(&then, Risk::High, &now, Said { self_approval: true, ..Said::default() }), more);
}

#[test]
fn the_request_keeps_a_declaration_of_another_version_or_schema() {
    let kept = |action: ActionInfo| {
        let declaration = Declaration::new(&action, Risk::Medium, &base());
        let draft = Draft { declaration: Some(Arc::new(declaration.clone())), ..draft(base()) };
        (World::open(draft, People::default()).request.declaration, declaration)
    };
    let schema = Some(SchemaDigest::from_bytes([1; 32]));
    for other in [
        ActionInfo { version: 2, ..info() },
        ActionInfo { schema, ..info() },
        ActionInfo { version: 2, schema, ..info() },
    ] {
        let (stored, declaration) = kept(other);
        assert_eq!(stored.as_deref(), Some(&declaration), "the action of the request does not show it");
    }
    assert_eq!(kept(info()).0, None);
}

#[test]
fn a_requirement_that_nobody_of_then_fills_is_more_whatever_else_is_met_twice() {
    let then = gate([need(2, "ann bob")]);
    assert_eq!(more(then.clone(), gate([need(1, "ann bob"), need(1, "cat")])), Some("other approvers"));
    assert_eq!(more(then.clone(), gate([need(1, "cat"), need(1, "ann bob")])), Some("other approvers"));
    assert_eq!(more(then, gate([need(1, "ann bob"), need(1, "bob ann")])), None);
}

#[test]
fn a_shared_seat_fills_no_more_shared_seats_than_it_has() {
    let shared = |count: u32, names: &str| Requirement { may_share: true, ..need(count, names) };
    let with = |one: Requirement| gate([need(1, "cid"), one]);
    assert_eq!(more(with(shared(2, "ann bob")), with(shared(1, "ann bob"))), None);
    assert_eq!(more(with(shared(2, "ann bob")), with(shared(2, "ann bob dan"))), None);
    assert_eq!(
        more(with(shared(1, "ann bob")), with(shared(2, "ann bob"))),
        Some("other approvers"),
        "another requirement cannot lend it a seat"
    );
    let lent = gate([need(1, "ann bob"), shared(1, "ann bob")]);
    assert_eq!(
        more(lent, gate([shared(2, "ann bob")])),
        Some("other approvers"),
        "ann may fill both of then"
    );
    assert_eq!(more(with(shared(2, "ann bob")), with(need(1, "ann bob"))), Some("other approvers"));
}

#[test]
fn so_many_requirements_are_compared_and_more_of_them_only_as_a_whole() {
    let people: Vec<String> = (0..11).map(|number| format!("person{number}")).collect();
    let of = |count: usize| people[..count].iter().map(|name| need(1, name)).collect::<Vec<_>>();
    let backwards = |count: usize| of(count).into_iter().rev().collect::<Vec<_>>();
    for count in [1, 9, 10] {
        assert_eq!(more(gate(of(count)), gate(backwards(count))), None, "{count}");
    }
    assert_eq!(more(gate(of(11)), gate(of(11))), None);
    assert_eq!(more(gate(of(11)), gate(backwards(11))), Some("other approvers"), "in doubt it is more");
}
