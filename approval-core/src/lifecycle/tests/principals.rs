use super::*;
use crate::model::{DelegationRule, EscalationStage};

fn names(principals: Vec<&Principal>) -> String {
    let mut names: Vec<&str> = principals.into_iter().map(Principal::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names.join(" ")
}

#[test]
fn whoever_matters_for_opening_is_looked_up() {
    let stage =
        EscalationStage { after: Span::from_secs(9), requirement: 0, to: users("boss"), priority: None };
    let gate = Gate {
        excluded: users("eve"),
        delegation: DelegationRule::To(users("dan")),
        escalation: vec![stage],
        ..gate([need(1, "ann")])
    };
    let mut draft = Draft { on_behalf_of: Some(user("cid")), ..draft(gate) };
    assert_eq!(
        names(principals_of_draft(&draft, &[])),
        "agent:worker user:ann user:boss user:cid user:dan user:eve"
    );
    draft.predecessor = Some(Predecessor {
        request: draft.id,
        original: draft.digest,
        revision: 2,
        editor: Some(user("fay")),
    });
    assert!(names(principals_of_draft(&draft, &[])).contains("user:fay"));
}

#[test]
fn whoever_matters_for_a_command_is_looked_up() {
    let everybody = Gate { delegation: DelegationRule::To(users("dan")), ..gate([need(2, "ann bob")]) };
    let mut world =
        World::open(Draft { on_behalf_of: Some(user("cid")), ..draft(everybody) }, People::default());
    let opened = "agent:worker user:ann user:bob user:cid user:dan";
    assert_eq!(names(principals(&world.request, None, None)), opened);

    world.people.groups = [(p("group:all"), users("gus").into_iter().collect())].into();
    world.operate(Act::Escalate { requirement: 0, to: vec![p("group:all")], priority: None }, 1).unwrap();
    world.approve("gus", 2).unwrap();
    let known = "agent:worker group:all user:ann user:bob user:cid user:dan user:gus";
    assert_eq!(names(principals(&world.request, None, None)), known);

    let by_zoe = |act| Command { actor: user("zoe"), via: None, operator: false, act };
    for (act, more) in [
        (Act::Tick, "user:zoe"),
        (Act::Delegate { to: user("yve") }, "user:yve user:zoe"),
        (Act::Escalate { requirement: 0, to: users("xia"), priority: None }, "user:xia user:zoe"),
    ] {
        let command = by_zoe(act);
        assert_eq!(names(principals(&world.request, Some(&command), None)), format!("{known} {more}"));
    }
    let stricter = gate([need(1, "wes")]);
    assert_eq!(names(principals(&world.request, None, Some(&stricter))), format!("{known} user:wes"));

    world.act(&user("ann"), Act::Delegate { to: user("dan") }, 3).unwrap();
    world.request.gate = Arc::new(gate([need(2, "bob")]));
    let without_the_gate = "agent:worker group:all user:ann user:bob user:cid user:dan user:gus";
    assert_eq!(names(principals(&world.request, None, None)), without_the_gate);
    world.request.revision.editor = Some(user("una"));
    assert!(names(principals(&world.request, None, None)).contains("user:una"));
}

#[test]
fn whoever_gave_a_standing_approval_and_is_behind_it_is_looked_up() {
    let behind = Draft { on_behalf_of: Some(user("cid")), ..draft(gate([need(1, "ann")])) };
    let mut world = World::open(behind, People::default());
    let terms = crate::model::StandingTerms::new(
        crate::model::StandingReach::Agent,
        crate::model::StandingArguments::Any,
    );
    let act = Act::ApproveStanding { digest: world.digest(), note: None, terms };
    let given = world.act(&user("ann"), act, 1).unwrap();
    let standing = [Standing { approval: given.standing[0].approval.clone(), version: 1 }];
    let other = draft(gate([need(1, "bob")]));
    assert_eq!(names(principals_behind(&standing).collect()), "user:cid");
    assert_eq!(
        names(principals_of_draft(&other, &standing)),
        "agent:worker user:ann user:bob user:cid",
        "the draft itself names neither ann nor cid"
    );
}
