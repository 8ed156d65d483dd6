//! The person behind a call (`on_behalf_of`) is part of what the call is: what was opened on behalf of one person never serves
//! a call on behalf of another.

use std::sync::Arc;

use approval_core::{
    Action, ApprovalError, Context,
    directory::StaticDirectory,
    manager::ManagerBuilder,
    model::{CountedPer, Gate, Limit, OverLimit, StandingArguments, StandingReach, StandingTerms, Status},
    policy::Ruling,
    store::{Commit, Record, RecordWrite},
};
use approval_testkit::{ApproveAll, TestManager};
use serde_json::json;

use crate::common::{ANN, BOB, CAT, Runs, call, call_with, error, person, soon, unattended};

/// Another spelling of Bob.
const BOB_AT_WORK: &str = "user:bob+work@example.com";

fn behind(person: &str) -> Context {
    Context::new().on_behalf_of(person).unwrap()
}

fn with_alias(builder: ManagerBuilder) -> ManagerBuilder {
    builder.directory(StaticDirectory::new().alias(BOB_AT_WORK, BOB).unwrap())
}

fn keyed() -> Action {
    call().key("order-17")
}

fn is_of_another_person(error: &ApprovalError) -> bool {
    matches!(error, ApprovalError::KeyConflict { original, given, .. } if original == given)
}

#[tokio::test]
async fn a_key_of_one_person_is_a_conflict_for_another_and_for_nobody() {
    let manager = unattended();
    let first = behind(BOB).scope(manager.request(keyed())).await.unwrap();
    let again = behind(BOB).scope(manager.request(keyed())).await.unwrap();
    assert_eq!(first.id(), again.id());
    for other in [behind(CAT), Context::new()] {
        let (conflict, text) = error(other.scope(manager.request(keyed())).await);
        assert!(is_of_another_person(&conflict), "{text}");
        assert!(text.contains("on behalf of another person; nothing was run, use a new key"), "{text}");
    }
}

#[tokio::test]
async fn a_key_of_nobody_is_a_conflict_for_a_person() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let runs = Runs::default();
    runs.run(&manager, keyed()).await.unwrap();
    let (conflict, text) = error(behind(CAT).scope(runs.run(&manager, keyed())).await);
    assert!(is_of_another_person(&conflict), "{text}");
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn two_spellings_of_one_person_have_one_key() {
    let manager = TestManager::with(|builder| with_alias(builder.unattended())).unwrap();
    let first = behind(BOB).scope(manager.request(keyed())).await.unwrap();
    let alias = behind(BOB_AT_WORK).scope(manager.request(keyed())).await.unwrap();
    assert_eq!(first.id(), alias.id());
    assert!(is_of_another_person(&error(behind(CAT).scope(manager.request(keyed())).await).0));
}

#[tokio::test]
async fn a_recorded_result_is_replayed_to_the_same_person_alone() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let runs = Runs::default();
    let replayed = || call_with(|action| Ok(action.replay())).key("order-17");
    let first = behind(BOB).scope(runs.run(&manager, replayed())).await.unwrap();
    assert_eq!(behind(BOB).scope(runs.run(&manager, replayed())).await.unwrap(), first);
    let (conflict, text) = error(behind(CAT).scope(runs.run(&manager, replayed())).await);
    assert!(is_of_another_person(&conflict), "{text}");
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn identical_calls_are_joined_for_one_person() {
    let gate = Arc::new(Gate { join_identical: true, ..Gate::only("joined", Vec::new()) });
    let ruling = move |_: &approval_core::policy::Call<'_>| Ruling::Ask {
        rule: "joined".into(),
        gate: Some(Arc::clone(&gate)),
        whole: false,
    };
    let manager = TestManager::with(|builder| with_alias(builder.unattended().policy_fn(ruling))).unwrap();
    let open = async |context: Context| context.scope(manager.request(call())).await.unwrap().detach();
    let bob = open(behind(BOB)).await;
    assert_eq!(open(behind(BOB_AT_WORK)).await, bob);
    let cat = open(behind(CAT)).await;
    let nobody = open(Context::new()).await;
    assert!(bob != cat && bob != nobody && cat != nobody);
    assert_eq!(
        [open(behind(BOB)).await, open(behind(CAT)).await, open(Context::new()).await],
        [bob, cat, nobody]
    );
}

async fn stand(manager: &TestManager, context: Context, terms: StandingTerms) {
    let pending = context.scope(manager.request(call())).await.unwrap();
    let seen = pending.request().await.unwrap();
    manager.decider("test").approve_standing(&seen, &person(ANN), terms, None).await.unwrap();
    soon(pending).await.unwrap();
}

async fn covered(manager: &TestManager, context: Context) -> bool {
    let pending = context.scope(manager.request(call())).await.unwrap();
    pending.request().await.unwrap().status == Status::Approved
}

fn terms() -> StandingTerms {
    StandingTerms::new(StandingReach::Action, StandingArguments::Any)
}

#[tokio::test]
async fn a_standing_approval_covers_the_person_of_its_request() {
    let manager = TestManager::with(|builder| with_alias(builder.unattended())).unwrap();
    stand(&manager, behind(BOB), terms()).await;
    assert!(covered(&manager, behind(BOB)).await);
    assert!(covered(&manager, behind(BOB_AT_WORK)).await);
    assert!(!covered(&manager, behind(CAT)).await);
    assert!(!covered(&manager, Context::new()).await);
}

#[tokio::test]
async fn a_standing_approval_of_a_call_of_nobody_covers_no_person() {
    let manager = unattended();
    stand(&manager, Context::new(), terms()).await;
    assert!(covered(&manager, Context::new()).await);
    assert!(!covered(&manager, behind(CAT)).await);
}

#[tokio::test]
async fn a_standing_approval_for_everyone_covers_everyone() {
    let manager = unattended();
    stand(&manager, behind(BOB), terms().for_everyone()).await;
    assert!(covered(&manager, behind(CAT)).await && covered(&manager, Context::new()).await);
}

#[tokio::test]
async fn a_stored_standing_approval_without_a_person_covers_the_person_of_its_request() {
    let manager = unattended();
    stand(&manager, behind(BOB), terms()).await;
    let records: Vec<Record> = manager.store().records("standing/", None, 10).await.unwrap();
    for record in records {
        let mut stored: serde_json::Value = serde_json::from_slice(&record.value).unwrap();
        assert_eq!(stored["behalf"]["person"], json!(BOB));
        stored.as_object_mut().unwrap().remove("behalf");
        let value = Some(serde_json::to_vec(&stored).unwrap());
        let writes = vec![RecordWrite { name: record.name, value }];
        manager.store().commit(Commit { writes, ..Commit::default() }).await.unwrap();
    }
    let manager = manager.another(ManagerBuilder::unattended).unwrap();
    assert!(!covered(&manager, behind(CAT)).await);
    assert!(!covered(&manager, Context::new()).await);
    assert!(covered(&manager, behind(BOB)).await);
}

#[tokio::test]
async fn a_rejection_takes_back_the_standing_approval_of_an_alias() {
    let manager = TestManager::with(|builder| with_alias(builder.unattended())).unwrap();
    let open = behind(BOB).scope(manager.request(call())).await.unwrap();
    stand(&manager, behind(BOB_AT_WORK), terms()).await;
    manager.reject(open.id(), ANN, "not this one").await.unwrap();
    assert!(manager.standing_approvals().await.unwrap()[0].withdrawn.is_some());
    assert!(!covered(&manager, behind(BOB_AT_WORK)).await);
}

#[tokio::test]
async fn limits_count_each_person_separately() {
    let limit = Limit::new("one a person").per(CountedPer::PERSON).calls(1).over(OverLimit::Deny);
    let manager = TestManager::with(|builder| {
        with_alias(builder.unattended().policy_fn(|_| Ruling::allow())).limit(limit).unwrap()
    })
    .unwrap();
    let runs = Runs::default();
    let run = async |context: Context| context.scope(runs.run(&manager, call())).await;
    run(behind(BOB)).await.unwrap();
    run(behind(CAT)).await.unwrap();
    run(Context::new()).await.unwrap();
    for full in [behind(BOB), behind(BOB_AT_WORK), behind(CAT), Context::new()] {
        let (refused, text) = error(run(full).await);
        assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
    }
    assert_eq!(runs.count(), 3);
}

#[tokio::test]
async fn approved_calls_count_for_the_person_behind_them() {
    let limit = Limit::new("one a person").per(CountedPer::PERSON).calls(1).over(OverLimit::Deny);
    let manager =
        TestManager::with(|builder| builder.notifier(ApproveAll::new()).limit(limit).unwrap()).unwrap();
    let runs = Runs::default();
    behind(BOB).scope(runs.run(&manager, call())).await.unwrap();
    behind(CAT).scope(runs.run(&manager, call())).await.unwrap();
    let (refused, text) = error(behind(BOB).scope(runs.run(&manager, call())).await);
    assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
}

#[tokio::test]
async fn a_rule_about_a_person_holds_for_every_spelling() {
    let directory = || {
        StaticDirectory::new()
            .alias("user:bob@work.example", BOB)
            .unwrap()
            .alias("user:bob@home.example", BOB)
            .unwrap()
    };
    let policy = |call: &approval_core::policy::Call<'_>| match call.on_behalf_of {
        Some(who) if who.as_str() == BOB => approval_core::policy::Ruling::deny("not for Bob"),
        Some(_) | None => approval_core::policy::Ruling::allow(),
    };
    let manager =
        TestManager::with(|builder| builder.unattended().directory(directory()).policy_fn(policy)).unwrap();
    let runs = Runs::default();
    for spelled in [BOB, "user:bob@work.example", "user:bob@home.example"] {
        let context = Context::new().on_behalf_of(spelled).unwrap();
        let (refused, text) = error(context.scope(runs.run(&manager, call())).await);
        assert!(matches!(refused, ApprovalError::PolicyDenied { .. }), "{spelled}: {text}");
    }
    assert_eq!(runs.count(), 0);
    Context::new()
        .on_behalf_of("user:cho@example.com")
        .unwrap()
        .scope(runs.run(&manager, call()))
        .await
        .unwrap();
    assert_eq!(runs.count(), 1);
}
