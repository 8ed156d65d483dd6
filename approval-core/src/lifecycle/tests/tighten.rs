use super::*;
use crate::model::{DelegationRule, Editable, EscalationStage, OnTimeout, RejectOption, Reminders};

fn own() -> Gate {
    gate([need(1, "ann bob")])
}

fn stage(requirement: usize, to: &str) -> EscalationStage {
    EscalationStage { after: Span::from_secs(60), requirement, to: users(to), priority: None }
}

#[test]
fn a_gate_tightened_by_itself_or_by_nothing_stays_as_it_is() {
    let gate = Gate {
        excluded: users("eve"),
        veto: 3,
        allow_self_approval: Some(true),
        on_timeout: OnTimeout::Escalate,
        escalation: vec![stage(0, "boss")],
        reminders: Some(Reminders { every: Span::from_secs(9), at_most: 2 }),
        delegation: DelegationRule::To(users("dan")),
        editable: vec![Editable { path: text("cents"), schema: None }],
        reject_options: vec![RejectOption { name: text("a"), title: text("A"), description: text("") }],
        ..gate([need(1, "ann bob"), need(2, "cid dan eve fay"), need(1, "cid dan eve fay")])
    };
    assert_eq!(tighten(&gate, &gate), gate);
    assert_eq!(tighten(&gate, &Gate::only("test", vec![])), gate);
}

#[test]
fn requirements_are_added_and_the_same_ones_not_doubled() {
    let by = |requirements: Vec<Requirement>| tighten(&own(), &Gate::only("by", requirements)).requirements;
    assert_eq!(by(vec![need(1, "cid")]), [need(1, "ann bob"), need(1, "cid")]);
    assert_eq!(by(vec![need(2, "bob ann bob")]), [need(2, "ann bob")]);
    assert_eq!(by(vec![need(1, "ann")]), [need(1, "ann bob"), need(1, "ann")]);
    let two = vec![need(1, "bob ann"), need(1, "ann bob")];
    assert_eq!(by(two), [need(1, "ann bob"), need(1, "ann bob")], "two different people stay two");
    let shared = Requirement { may_share: true, ..need(1, "ann bob") };
    assert_eq!(by(vec![shared.clone()]), [need(1, "ann bob")]);
    let gate = gate([shared.clone()]);
    assert_eq!(tighten(&gate, &Gate::only("by", vec![shared.clone()])).requirements, [shared]);
    assert_eq!(tighten(&gate, &own()).requirements, [need(1, "ann bob")]);
}

#[test]
fn of_everything_the_stricter_counts() {
    let loose = Gate {
        veto: 2,
        timeout: None,
        grant_ttl: Span::from_secs(100),
        allow_self_approval: Some(true),
        ..own()
    };
    let strict = Gate { veto: 1, timeout: Some(Span::from_secs(5)), grant_ttl: Span::from_secs(10), ..own() };
    for (gate, by) in [(&loose, &strict), (&strict, &loose)] {
        let both = tighten(gate, by);
        assert_eq!((both.veto, both.allow_self_approval), (1, None));
        assert_eq!((both.timeout, both.grant_ttl), (Some(Span::from_secs(5)), Span::from_secs(10)));
    }
    let longer = Gate { timeout: Some(Span::from_secs(6)), ..own() };
    assert_eq!(tighten(&strict, &longer).timeout, Some(Span::from_secs(5)));
    assert_eq!(tighten(&longer, &strict).timeout, Some(Span::from_secs(5)));

    let excluding = |names| Gate { excluded: users(names), ..own() };
    assert_eq!(tighten(&excluding("eve dan"), &excluding("dan fay")).excluded, users("eve dan fay"));
    assert_eq!(&*tighten(&own(), &Gate::only("by", vec![])).rule, "by");
}

#[test]
fn rejecting_on_timeout_is_the_strictest() {
    use OnTimeout::{Approve, Escalate, Reject};
    for (one, other, both) in [
        (Reject, Approve, Reject),
        (Reject, Escalate, Reject),
        (Escalate, Approve, Escalate),
        (Approve, Approve, Approve),
        (Escalate, Escalate, Escalate),
    ] {
        let gate = |on_timeout| Gate { on_timeout, escalation: vec![stage(0, "boss")], ..own() };
        assert_eq!(tighten(&gate(one), &gate(other)).on_timeout, both, "{one:?} {other:?}");
        assert_eq!(tighten(&gate(other), &gate(one)).on_timeout, both, "{other:?} {one:?}");
    }
    let approving = Gate { on_timeout: Approve, ..own() };
    let escalating = Gate { on_timeout: Escalate, escalation: vec![stage(0, "boss")], ..own() };
    assert_eq!(tighten(&approving, &escalating).on_timeout, Reject, "there is nobody to escalate to");
}

#[test]
fn only_added_requirements_bring_their_stages() {
    let gate = Gate { escalation: vec![stage(0, "boss")], ..own() };
    let by = Gate {
        escalation: vec![stage(0, "eve"), stage(1, "cfo"), stage(9, "zoe")],
        ..Gate::only("by", vec![need(1, "ann bob"), need(1, "cid")])
    };
    assert_eq!(tighten(&gate, &by).escalation, [stage(0, "boss"), stage(1, "cfo")]);
    let by = Gate { escalation: vec![stage(0, "cfo")], ..Gate::only("by", vec![need(1, "cid")]) };
    assert_eq!(tighten(&gate, &by).escalation, [stage(0, "boss"), stage(1, "cfo")], "cid has moved");
}

#[test]
fn what_both_allow_may_be_delegated_and_edited() {
    let to = |names| Gate { delegation: DelegationRule::To(users(names)), ..own() };
    let forbidden = Gate { delegation: DelegationRule::Forbidden, ..own() };
    assert_eq!(tighten(&to("cid dan"), &to("dan eve")).delegation, DelegationRule::To(users("dan")));
    assert_eq!(tighten(&to("cid"), &own()).delegation, DelegationRule::To(users("cid")));
    assert_eq!(tighten(&own(), &to("cid")).delegation, DelegationRule::Directory);
    for other in [&own(), &to("cid"), &forbidden] {
        assert_eq!(tighten(&forbidden, other).delegation, DelegationRule::Forbidden);
        assert_eq!(tighten(other, &forbidden).delegation, DelegationRule::Forbidden);
    }

    let edits = |paths: &str| Gate {
        editable: paths.split_whitespace().map(|path| Editable { path: text(path), schema: None }).collect(),
        ..own()
    };
    let both = |one, other| {
        let gate = tighten(&edits(one), &edits(other));
        gate.editable.iter().map(|editable| editable.path.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(both("cents args.x", "cents note"), "cents");
    assert_eq!(both("args", "args.x args.y"), "args.x args.y");
    assert_eq!(both("args.x", "args"), "args.x");
    assert_eq!(both("args args.x", "args.x"), "args.x");
    assert_eq!(both("cents", ""), "cents");
    assert_eq!(both("", "cents"), "");
}

#[test]
fn what_either_gate_says_about_standing_approvals_joining_and_digests_holds() {
    let with = |says: bool| Gate { no_standing: says, join_identical: says, digest: says, ..own() };
    for (one, other, both) in
        [(false, false, false), (true, false, true), (false, true, true), (true, true, true)]
    {
        let gate = tighten(&with(one), &with(other));
        assert_eq!((gate.no_standing, gate.join_identical, gate.digest), (both, both, both), "{one} {other}");
    }
}

#[test]
fn reminders_and_reject_options_are_those_of_the_gate() {
    let offer = |name: &str| RejectOption { name: text(name), title: text("t"), description: text("") };
    let reminders = |at_most| Some(Reminders { every: Span::from_secs(1), at_most });
    let one = Gate { reject_options: vec![offer("a")], reminders: reminders(1), ..own() };
    let other = Gate { reject_options: vec![offer("b")], reminders: reminders(2), ..own() };
    assert_eq!(tighten(&one, &other).reject_options, [offer("a")]);
    assert_eq!(tighten(&one, &other).reminders, reminders(1));
    assert_eq!(tighten(&own(), &other).reject_options, [offer("b")]);
    assert_eq!(tighten(&own(), &other).reminders, reminders(2));
}

#[test]
fn self_approval_is_forbidden_by_either_gate_and_allowed_only_by_both() {
    let with = |allow_self_approval| Gate { allow_self_approval, ..own() };
    for (one, other, both) in [
        (None, None, None),
        (None, Some(true), None),
        (None, Some(false), Some(false)),
        (Some(true), Some(true), Some(true)),
        (Some(true), Some(false), Some(false)),
        (Some(false), Some(false), Some(false)),
    ] {
        assert_eq!(tighten(&with(one), &with(other)).allow_self_approval, both, "{one:?} {other:?}");
        assert_eq!(tighten(&with(other), &with(one)).allow_self_approval, both, "{other:?} {one:?}");
    }
    let silent = Gate::only("by", vec![]);
    assert_eq!(tighten(&with(Some(false)), &silent).allow_self_approval, Some(false));
}

#[test]
fn stored_gates_without_a_self_approval_setting_are_read_as_before() {
    let stored = |gate: &Gate| serde_json::to_value(gate).unwrap();
    let mut before = stored(&own());
    assert_eq!(before.get("allow_self_approval"), None);
    assert_eq!(serde_json::from_value::<Gate>(before.clone()).unwrap().allow_self_approval, None);
    before["allow_self_approval"] = true.into();
    assert_eq!(serde_json::from_value::<Gate>(before).unwrap().allow_self_approval, Some(true));
    let forbidden = stored(&Gate { allow_self_approval: Some(false), ..own() });
    assert_eq!(forbidden["allow_self_approval"], false);
    assert_eq!(serde_json::from_value::<Gate>(forbidden).unwrap().allow_self_approval, Some(false));
}
