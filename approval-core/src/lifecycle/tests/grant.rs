//! For which action a grant is, who takes an approval back, and what its spending counts.

use super::*;
use crate::model::Editable;

#[test]
fn an_approval_proves_its_own_action_and_version_alone() {
    let action = ActionInfo { version: 2, ..ActionInfo::new(ActionName::new("payments.refund").unwrap()) };
    assert_eq!(is_of_action(&action, "payments.refund", 2), Ok(()));
    for (name, version, why) in [
        ("payments.pay", 2, "another action"),
        ("payments", 2, "another action"),
        ("payments.refunds", 2, "another action"),
        ("payments.refund", 1, "another version"),
        ("payments.refund", 3, "another version"),
    ] {
        match is_of_action(&action, name, version) {
            Err(Refusal::WrongGrant(told)) => assert!(told.contains(why), "{name} {version}: {told}"),
            other => panic!("{name} {version}: {other:?}"),
        }
    }
}

fn revoked_by(world: &World, who: &str) -> Result<(), Refusal> {
    world.clone().act(&user(who), Act::Revoke { reason: text("no") }, 9).map(drop)
}

#[test]
fn a_person_who_rejected_does_not_take_back_what_others_approved() {
    let mut world = World::new(Gate { veto: 2, ..gate([need(1, "ann bob")]) });
    world.reject("bob", 1).unwrap();
    world.approve("ann", 2).unwrap();
    assert!(matches!(revoked_by(&world, "bob"), Err(Refusal::NotPermitted { .. })));
    assert_eq!(revoked_by(&world, "ann"), Ok(()));
}

#[test]
fn a_person_whose_approval_an_edit_voided_does_not_take_back_the_edited_call() {
    let editable = vec![Editable { path: text("cents"), schema: None }];
    let mut world = World::new(Gate { editable, ..gate([need(2, "ann bob cid")]) });
    world.approve("ann", 1).unwrap();
    let edits = vec![Edit { path: text("cents"), value: json("900") }];
    let edit = Act::ApproveEdited { digest: world.digest(), edits, note: None };
    world.act(&user("bob"), edit, 2).unwrap();
    world.approve("cid", 3).unwrap();
    assert_eq!(world.decision().by, users("bob cid"));
    assert!(matches!(revoked_by(&world, "ann"), Err(Refusal::NotPermitted { .. })));
    for who in ["bob", "cid"] {
        assert_eq!(revoked_by(&world, who), Ok(()), "{who}");
    }
}

/// Approved, of an action whose arguments have this schema.
fn typed(schema: SchemaDigest) -> World {
    let mut typed = draft(gate([need(1, "ann")]));
    typed.action = Arc::new(ActionInfo { schema: Some(schema), ..ActionInfo::clone(&typed.action) });
    typed.digest = arguments_digest("payments.refund", 1, Some(&schema), &typed.arguments);
    let mut world = World::open(typed, People::default());
    world.approve("ann", 1).unwrap();
    world
}

#[test]
fn a_schema_is_compared_where_the_caller_knows_it() {
    let own = SchemaDigest::from_bytes([1; 32]);
    let world = typed(own);
    let consumed = |schema: Option<SchemaDigest>| {
        let Act::Consume { executor, grant, mut claim } = world.consume_act() else { unreachable!() };
        claim.schema = schema;
        world.clone().act(&agent(), Act::Consume { executor, grant, claim }, 2).map(drop)
    };
    assert_eq!(consumed(None), Ok(()), "the caller does not know it");
    assert_eq!(consumed(Some(own)), Ok(()));
    match consumed(Some(SchemaDigest::from_bytes([2; 32]))) {
        Err(Refusal::WrongGrant(told)) => assert!(told.contains("another schema"), "{told}"),
        other => panic!("{other:?}"),
    }
}

/// The command that would spend the grant for a body that demands a proof.
fn needing_proof(world: &World) -> Act {
    let Act::Consume { executor, grant, claim } = world.consume_act() else { panic!("it consumes") };
    Act::Consume { executor, grant, claim: Box::new(Claim { needs_proof: true, ..*claim }) }
}

#[test]
fn a_body_that_demands_a_proof_does_not_run_what_the_policy_alone_let_run() {
    let mut let_run =
        World::open(Draft { allowed: true, ..draft(gate([need(1, "ann")])) }, People::default());
    let refusal = Refusal::WrongGrant("no person approved it: the policy let it run without asking");
    assert_eq!(is_proof(&let_run.request).unwrap_err(), refusal);
    let act = needing_proof(&let_run);
    assert_eq!(let_run.act(&agent(), act, 1).unwrap_err(), refusal);
    assert_eq!(let_run.state(), Some(ExecutionState::NotStarted), "it is unspent");
    let_run.consume(2).unwrap();
    assert!(is_proof(&let_run.request).is_err());
    let mut approved = approved();
    is_proof(&approved.request).unwrap();
    let act = needing_proof(&approved);
    approved.act(&agent(), act, 2).unwrap();
}
