//! One grant, one run (invariants 5, 6 and 11).

use approval_core::{
    ApprovalError, Context, Grant, GuardedAction,
    lifecycle::{Act, Agents, Behind, Claim, Ending, Refusal},
    manager::ManagerBuilder,
    model::{ExecutionState, RunLimits, canonical::to_canonical},
    store::Query,
};
use approval_testkit::{ApproveAll, TestManager};
use futures_util::future::join_all;
use serde_json::json;

use crate::common::{ANN, EVE, Runs, call, call_with, error, person, seconds, soon, unattended};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_redeem_a_grant_one_gets_it() {
    let manager = std::sync::Arc::new(TestManager::new(ApproveAll::new()).unwrap());
    let other = std::sync::Arc::new(manager.another(ManagerBuilder::unattended).unwrap());
    for _ in 0..20 {
        let id = manager.request(call()).await.unwrap().detach();
        let all = (0..64).map(|n| {
            let manager = if n % 2 == 0 { manager.clone() } else { other.clone() };
            tokio::spawn(async move {
                let approved = manager.attach(id).await.unwrap().await.unwrap();
                match approved.begin_as(call().spec()).await {
                    Ok(execution) => {
                        execution.succeeded(None).await;
                        true
                    }
                    Err(ApprovalError::AlreadyRan { .. }) => false,
                    Err(other) => panic!("{other}"),
                }
            })
        });
        let winners = soon(join_all(all)).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
        assert_eq!(winners, 1);
    }
}

#[tokio::test]
async fn an_approval_is_good_for_the_approved_arguments_alone() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let authorization = manager.authorize(call()).await.unwrap();
    let id = manager.next_request().await.unwrap().id;
    let changed = to_canonical(&json!({"cents": 501})).unwrap();
    let (refused, text) = error(authorization.begin(changed).await);
    assert!(
        matches!(refused, ApprovalError::Refused { .. } | ApprovalError::ArgumentsChanged { .. }),
        "{text}"
    );
    // The grant is unspent, and good for what people saw.
    let approved = manager.attach(id).await.unwrap().await.unwrap();
    approved.begin_as(call().spec()).await.unwrap().succeeded(None).await;
}

#[tokio::test]
async fn what_the_policy_allowed_is_allowed_for_the_arguments_it_saw() {
    let manager = TestManager::with(|builder| {
        builder.unattended().policy_fn(|_| approval_core::policy::Ruling::allow())
    })
    .unwrap();
    let authorization = manager.authorize(call()).await.unwrap();
    let changed = to_canonical(&json!({"cents": 501})).unwrap();
    let (refused, text) = error(authorization.begin(changed).await);
    assert!(matches!(refused, ApprovalError::Invalid(_)), "{text}");
}

#[tokio::test]
async fn a_channel_hands_in_no_act_of_the_library() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let one = manager.request(call()).await.unwrap().await.unwrap().request().clone();
    let executor = approval_core::id::ExecutorId::generate(one.created_at);
    let (grant, agent) = (one.grant.as_ref().unwrap().id, one.requester.clone());
    let claim = Claim {
        namespace: one.namespace.clone(),
        agents: Agents::one(agent.clone()),
        behind: Behind::Exactly(None),
        action: one.action.name.clone(),
        version: 1,
        schema: None,
        digest: one.revision.digest,
        declared: None,
        needs_proof: false,
    };
    let ending = Ending::Failed { why: "it did not run".into(), started: false };
    let acts = [
        Act::Consume { executor, grant, claim: Box::new(claim) },
        Act::Finish { executor, grant, ending },
        Act::LoseLease { executor },
        Act::Retry { successor: one.id },
        Act::Halt { reason: "stop".into() },
        Act::Reopen { run: RunLimits::default() },
        Act::Tick,
    ];
    let decider = manager.decider("test");
    for act in acts {
        for by in [&agent, &person(ANN), &person("service:slack")] {
            let (refused, text) = error(decider.act(one.id, by, act.clone()).await);
            assert!(
                matches!(&refused, ApprovalError::Refused { refusal, .. } if matches!(**refusal, Refusal::NotPermitted { .. })),
                "{act:?}: {text}"
            );
        }
    }
    assert_eq!(*manager.get(one.id).await.unwrap(), *one);
    let found = manager.attach(one.id).await.unwrap().await.unwrap();
    assert!(found.begin_as(call().spec()).await.is_ok());
}

#[tokio::test]
async fn a_revoked_approval_runs_nothing() {
    let manager = unattended();
    let waiting = manager.request(call()).await.unwrap();
    let id = waiting.id();
    manager.approve(id, ANN).await.unwrap();
    let approved = soon(waiting).await.unwrap();
    manager.revoke(id, &person(ANN), "second thoughts").await.unwrap();
    let (revoked, text) = error(approved.begin().await);
    assert!(matches!(revoked, ApprovalError::Revoked { .. }), "{text}");
    assert!(text.contains("revoked by user:ann@example.com: 'second thoughts'; nothing was run"), "{text}");
    assert!(matches!(error(manager.attach(id).await.unwrap().await).0, ApprovalError::Revoked { .. }));
}

#[tokio::test]
async fn what_has_begun_cannot_be_revoked() {
    let manager = unattended();
    let waiting = manager.request(call()).await.unwrap();
    let id = waiting.id();
    manager.approve(id, ANN).await.unwrap();
    let execution = soon(waiting).await.unwrap().begin().await.unwrap();
    let (late, text) = error(manager.revoke(id, &person(ANN), "second thoughts").await);
    assert!(matches!(late, ApprovalError::AlreadyRan { state: ExecutionState::Executing, .. }), "{text}");
    execution.succeeded(None).await;
    assert!(manager.revoke(id, &person(ANN), "third thoughts").await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn revoking_wins_exactly_if_it_commits_before_the_grant_is_spent() {
    let manager = std::sync::Arc::new(TestManager::new(ApproveAll::new()).unwrap());
    let other = std::sync::Arc::new(manager.another(ManagerBuilder::unattended).unwrap());
    let (mut ran, mut stopped) = (0, 0);
    for round in 0..300 {
        let approved = manager.request(call()).await.unwrap().await.unwrap();
        let id = approved.request().id;
        let revoking = if round % 2 == 0 { manager.clone() } else { other.clone() };
        let (began, revoked) = tokio::join!(
            tokio::spawn(async move { approved.begin().await }),
            tokio::spawn(async move { revoking.revoke(id, &person(ANN), "stop").await }),
        );
        match (began.unwrap(), revoked.unwrap()) {
            (Ok(execution), Err(ApprovalError::AlreadyRan { .. })) => {
                execution.succeeded(None).await;
                ran += 1;
            }
            (Err(ApprovalError::Revoked { .. }), Ok(_)) => stopped += 1,
            (began, revoked) => panic!("began: {began:?}; revoked: {revoked:?}"),
        }
    }
    assert_eq!(ran + stopped, 300);
}

#[tokio::test]
async fn agents_and_bystanders_cannot_decide_or_revoke() {
    let manager = unattended();
    let waiting = manager.request(call()).await.unwrap();
    let id = waiting.id();
    for who in ["agent:test", "service:due", EVE] {
        let (refused, text) = error(manager.approve(id, who).await);
        assert!(matches!(refused, ApprovalError::NotAnApprover { .. }), "{text}");
    }
    manager.approve(id, ANN).await.unwrap();
    let decider = manager.decider("test");
    for who in ["agent:test", EVE] {
        let act = Act::Revoke { reason: "because".into() };
        let (refused, text) = error(decider.act(id, &person(who), act).await);
        assert!(
            matches!(&refused, ApprovalError::Refused { refusal, .. } if matches!(**refusal, Refusal::NotPermitted { .. })),
            "{text}"
        );
    }
    assert!(soon(waiting).await.is_ok());
}

#[tokio::test]
async fn the_person_behind_the_agent_does_not_approve_what_is_risky() {
    let manager = unattended();
    let runs = Runs::default();
    let action = crate::common::call_with(|action| Ok(action.risk(approval_core::Risk::High)));
    let context = Context::new().on_behalf_of(ANN).unwrap();
    let waiting = context.scope(manager.request(action)).await.unwrap();
    let (own, text) = error(manager.approve(waiting.id(), ANN).await);
    assert!(matches!(own, ApprovalError::NotAnApprover { .. }), "{text}");
    assert!(text.contains("approve one's own"), "{text}");
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn the_grant_tells_who_approved_and_what_they_said() {
    let people = approval_testkit::Scripted::new().approve_saying(ANN, "but only once").then_approve_all();
    let manager = TestManager::new(people).unwrap();
    let told = manager
        .guard(call())
        .run(async |_, grant| {
            let grant = grant.unwrap();
            let notes: Vec<_> = grant.notes().map(|(who, note)| format!("{who}: {note}")).collect();
            Ok::<_, ApprovalError>((grant.approvers()[0].to_string(), notes, grant.edited()))
        })
        .await
        .unwrap();
    assert_eq!(told, (ANN.to_owned(), vec![format!("{ANN}: but only once")], false));
}

#[tokio::test]
async fn what_an_approved_call_costs_time_does_not_run_out_while_it_runs() {
    let manager = unattended();
    let waiting = manager.request(call()).await.unwrap();
    let id = waiting.id();
    manager.approve(id, ANN).await.unwrap();
    let execution = soon(waiting).await.unwrap().begin().await.unwrap();
    for _ in 0..100 {
        manager.advance(seconds(20)).await;
    }
    execution.succeeded(None).await;
    let state = manager.get(id).await.unwrap().execution.as_ref().unwrap().state();
    assert_eq!(state, ExecutionState::Succeeded);
}

/// The action of [`call`].
struct Refund;

impl GuardedAction for Refund {
    const NAME: &'static str = "payments.refund";
}

/// Its next version.
struct NextRefund;

impl GuardedAction for NextRefund {
    const NAME: &'static str = "payments.refund";
    const VERSION: u32 = 2;
}

/// A name that begins like the other.
struct Refunds;

impl GuardedAction for Refunds {
    const NAME: &'static str = "payments.refunds";
}

#[tokio::test]
async fn a_grant_of_another_action_or_version_is_refused_before_it_is_spent() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let approved = manager.request(call()).await.unwrap().await.unwrap();
    for refused in [approved.proves::<Refunds>(), approved.proves::<NextRefund>()] {
        let (refused, text) = error(refused);
        assert!(matches!(refused, ApprovalError::Refused { .. }), "{text}");
        assert!(text.contains("it is for another"), "{text}");
    }
    approved.proves::<Refund>().unwrap();
    let execution = approved.begin().await.unwrap();
    error(execution.grant::<Refunds>());
    error(execution.grant::<NextRefund>());
    let proof: Grant<Refund> = execution.grant().unwrap();
    let untyped: Grant = execution.grant().unwrap();
    assert_eq!(proof.id(), untyped.id());
    execution.succeeded(None).await;
}

#[tokio::test]
async fn an_authorization_tells_what_it_proves_before_the_grant_is_spent() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let authorization = manager.authorize(call()).await.unwrap();
    error(authorization.proves::<NextRefund>());
    authorization.proves::<Refund>().unwrap();
    authorization.proves::<()>().unwrap();
    let running = authorization.begin(to_canonical(&json!({"cents": 500})).unwrap()).await.unwrap();
    error(running.grant::<Refunds>());
    assert!(running.grant::<Refund>().unwrap().is_some());
    running.succeeded(None).await;
}

#[tokio::test]
async fn an_untyped_grant_becomes_one_of_its_own_action_alone() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let approved = manager.request(call()).await.unwrap().await.unwrap();
    let execution = approved.begin().await.unwrap();
    let untyped = || execution.grant::<()>().unwrap();
    error(untyped().typed::<Refunds>());
    error(untyped().typed::<NextRefund>());
    assert_eq!(untyped().typed::<Refund>().unwrap().approvers()[0].as_str(), ANN);
    execution.succeeded(None).await;
}

#[tokio::test]
async fn a_guard_that_proves_another_action_asks_nobody_and_runs_nothing() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let ran: Result<(), ApprovalError> =
        manager.guard(call()).proving::<Refunds>().run(async |_, _| panic!("it must not run")).await;
    assert!(matches!(ran, Err(ApprovalError::Invalid(_))), "{ran:?}");
    let newer = call_with(|action| Ok(action.version(2)));
    let ran: Result<(), ApprovalError> =
        manager.guard(newer).proving::<Refund>().run(async |_, _| panic!("it must not run")).await;
    let (_, text) = error(ran);
    assert!(text.contains("payments.refund version 2"), "{text}");
    assert!(manager.list(&Query::default()).await.unwrap().items.is_empty());

    let body = async |_, proof: Option<Grant<Refund>>| Ok(proof.unwrap().approvers().len());
    let approvers: Result<usize, ApprovalError> = manager.guard(call()).proving::<Refund>().run(body).await;
    assert_eq!(approvers.unwrap(), 1);
}
