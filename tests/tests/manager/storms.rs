//! Many requests at a time: identical ones are joined where that is wanted, similar ones decided in one go.

use std::sync::Arc;

use approval_core::{
    ApprovalError, Context,
    manager::ManagerBuilder,
    model::{Gate, Status},
    policy::Ruling,
    store::Query,
};
use approval_testkit::TestManager;
use futures_util::future::join_all;
use serde_json::json;

use crate::common::{ANN, call, call_with, person, soon, unattended};

/// A manager whose policy joins identical requests.
fn joining() -> TestManager {
    let gate = Gate { join_identical: true, ..Gate::only("joined", Vec::new()) };
    let gate = Arc::new(gate);
    let ruling = move |_: &approval_core::policy::Call<'_>| Ruling::Ask {
        rule: "joined".into(),
        gate: Some(Arc::clone(&gate)),
        whole: false,
    };
    TestManager::with(|builder: ManagerBuilder| builder.unattended().policy_fn(ruling)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_identical_calls_is_one_request_and_one_run() {
    let manager = Arc::new(joining());
    let calls = (0..32).map(|_| {
        let manager = Arc::clone(&manager);
        tokio::spawn(async move {
            let waiting = manager.request(call()).await.unwrap();
            (waiting.id(), waiting)
        })
    });
    let waiting: Vec<_> = soon(join_all(calls)).await.into_iter().map(Result::unwrap).collect();
    let first = waiting[0].0;
    assert!(waiting.iter().all(|(id, _)| *id == first), "all of them wait for one request");
    assert_eq!(manager.list(&Query::default()).await.unwrap().items.len(), 1);
    manager.approve(first, ANN).await.unwrap();
    let mut ran = 0;
    for (_, one) in waiting {
        match soon(one).await.unwrap().begin().await {
            Ok(execution) => {
                execution.succeeded(None).await;
                ran += 1;
            }
            Err(error) => assert!(matches!(error, ApprovalError::AlreadyRan { .. }), "{error}"),
        }
    }
    assert_eq!(ran, 1);
}

#[tokio::test]
async fn other_arguments_agents_and_runs_and_what_is_decided_are_not_joined() {
    let manager = joining();
    let first = manager.request(call()).await.unwrap().detach();
    assert_eq!(manager.request(call()).await.unwrap().detach(), first);
    let others = [
        manager.request(call().arguments(&json!({"cents": 501})).unwrap()).await.unwrap().detach(),
        Context::new().agent("another").unwrap().scope(manager.request(call())).await.unwrap().detach(),
        Context::new().run("r").scope(manager.request(call())).await.unwrap().detach(),
        manager.request(call().key("its own")).await.unwrap().detach(),
    ];
    assert!(!others.contains(&first), "{others:?}");
    manager.reject(first, ANN, "no").await.unwrap();
    let next = manager.request(call()).await.unwrap().detach();
    assert_ne!(next, first);
    assert_eq!(manager.request(call()).await.unwrap().detach(), next);
    // Without the policy's word each call is its own.
    let manager = unattended();
    let one = manager.request(call()).await.unwrap().detach();
    assert_ne!(manager.request(call()).await.unwrap().detach(), one);
}

#[tokio::test]
async fn similar_requests_are_decided_in_one_go_each_with_its_own_vote() {
    let manager = unattended();
    let decider = manager.decider("test");
    let mut waiting = Vec::new();
    for cents in 0..100 {
        let call = call().arguments(&json!({ "cents": cents })).unwrap();
        waiting.push(manager.request(call).await.unwrap());
    }
    let other = manager.request(
        call_with(|action| action.approvers(["user:cat@example.com"]))
            .arguments(&json!({"cents": 7}))
            .unwrap(),
    );
    let other = Context::new().agent("another").unwrap().scope(other).await.unwrap();
    let seen = decider.get(waiting[0].id()).await.unwrap();
    let mut similar = decider.similar(&seen).await.unwrap();
    assert_eq!(similar.len(), 100, "not that of another agent");
    // One is decided and one is edited meanwhile: these do not count, the others do.
    manager.reject(waiting[3].id(), ANN, "not this one").await.unwrap();
    let edit = approval_core::lifecycle::Edit {
        path: "cents".into(),
        value: approval_core::model::canonical::parse_canonical("4000").unwrap(),
    };
    similar.rotate_left(1);
    let four = similar.iter().find(|request| request.id == waiting[4].id()).unwrap().clone();
    let voted = decider.approve_all(&similar, &person(ANN), Some("all of them")).await;
    let failed: Vec<_> = voted.iter().filter(|(_, voted)| voted.is_err()).map(|(id, _)| *id).collect();
    assert_eq!(failed, [waiting[3].id()]);
    assert!(decider.approve_edited(&four, &person(ANN), vec![edit], None).await.is_err(), "decided already");
    for (id, request) in voted.into_iter().filter_map(|(id, voted)| Some((id, voted.ok()?))) {
        let [vote] = request.votes.as_slice() else { panic!("{request:?}") };
        assert_eq!((vote.digest, vote.note.as_deref()), (request.revision.digest, Some("all of them")));
        manager.verify_history(id).await.unwrap();
    }
    assert_eq!(other.request().await.unwrap().status, Status::Pending);
}
