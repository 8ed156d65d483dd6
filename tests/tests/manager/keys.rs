//! Idempotency keys (invariant 14), and what became of an earlier call with the same key.

use std::sync::Arc;

use approval_core::{
    Action, ApprovalError, Context,
    manager::ManagerBuilder,
    model::{Execution, ExecutionState, Gate, Status, canonical::to_canonical},
    policy::Ruling,
    store::Query,
};
use approval_testkit::{ApproveAll, RejectAll, TestManager};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::common::{ANN, Runs, call, call_with, error, seconds, soon, unattended};

fn keyed(key: &str) -> Action {
    call().key(key)
}

#[tokio::test]
async fn the_same_key_is_the_same_request() {
    let manager = unattended();
    let first = manager.request(keyed("order-1")).await.unwrap();
    let second = manager.request(keyed("order-1")).await.unwrap();
    let other = manager.request(keyed("order-2")).await.unwrap();
    assert_eq!(first.id(), second.id());
    assert_ne!(first.id(), other.id());
    manager.approve(first.id(), ANN).await.unwrap();
    assert!(soon(first).await.is_ok() && soon(second).await.is_ok());
}

#[tokio::test]
async fn without_a_key_every_call_is_new() {
    let manager = unattended();
    let (first, second) = (manager.request(call()).await.unwrap(), manager.request(call()).await.unwrap());
    assert_ne!(first.id(), second.id());
}

#[tokio::test]
async fn the_same_key_with_other_arguments_is_an_error() {
    let manager = unattended();
    let first = manager.request(keyed("order-1")).await.unwrap();
    let other = keyed("order-1").arguments(&json!({"cents": 501})).unwrap();
    let (conflict, text) = error(manager.request(other).await);
    assert!(
        matches!(&conflict, ApprovalError::KeyConflict { about, original, given }
            if about.request == first.id() && original != given),
        "{text}"
    );
    assert!(text.contains("nothing was run, use a new key"), "{text}");
}

#[tokio::test]
async fn after_an_edit_the_same_key_still_means_the_original_arguments() {
    let manager = TestManager::new(approval_testkit::Scripted::new().edit(ANN, "cents", 7)).unwrap();
    let runs = Runs::default();
    assert_eq!(runs.run(&manager, keyed("order-1")).await.unwrap(), json!({"cents": 7}));
    assert!(matches!(error(runs.run(&manager, keyed("order-1")).await).0, ApprovalError::AlreadyRan { .. }));
    let edited = keyed("order-1").arguments(&json!({"cents": 7})).unwrap();
    assert!(matches!(error(runs.run(&manager, edited).await).0, ApprovalError::KeyConflict { .. }));
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn a_key_counts_within_agent_action_run_and_namespace() {
    let manager = unattended();
    let base = manager.request(keyed("k")).await.unwrap().id();
    let other_action = Action::new("payments.refund_all")
        .unwrap()
        .describe(|action| action.approvers([ANN]))
        .unwrap()
        .arguments(&json!({"cents": 500}))
        .unwrap()
        .key("k");
    let other_action = manager.request(other_action).await.unwrap().id();
    let other_agent =
        Context::new().agent("other").unwrap().scope(manager.request(keyed("k"))).await.unwrap().id();
    let run = Context::new().run("run-1");
    let in_a_run = run.clone().scope(manager.request(keyed("k"))).await.unwrap().id();
    let same_run = run.scope(manager.request(keyed("k"))).await.unwrap().id();
    let tenant = manager.another(|builder| builder.unattended().namespace("tenant")).unwrap();
    let other_namespace = tenant.request(keyed("k")).await.unwrap().id();
    assert_eq!(in_a_run, same_run);
    let mut all = vec![base, other_action, other_agent, in_a_run, other_namespace];
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 5, "five different scopes");
}

#[tokio::test]
async fn run_and_tool_call_are_a_key() {
    let manager = unattended();
    let within = |run: &'static str, call: &'static str| Context::new().run(run).tool_call(call);
    let first = within("run-1", "call-1").scope(manager.request(call())).await.unwrap().id();
    let again = within("run-1", "call-1").scope(manager.request(call())).await.unwrap().id();
    let other_call = within("run-1", "call-2").scope(manager.request(call())).await.unwrap().id();
    let other_run = within("run-2", "call-1").scope(manager.request(call())).await.unwrap().id();
    assert_eq!(first, again);
    assert!(first != other_call && first != other_run && other_call != other_run);
    // A tool call without a run names nothing that lasts.
    let loose = Context::new().tool_call("call-1");
    let one = loose.clone().scope(manager.request(call())).await.unwrap().id();
    assert_ne!(one, loose.scope(manager.request(call())).await.unwrap().id());
}

#[tokio::test]
async fn the_key_is_not_stored_as_it_is() {
    let manager = unattended();
    let waiting = manager.request(keyed("card 4111111111111111")).await.unwrap();
    let request = waiting.request().await.unwrap();
    let stored = serde_json::to_string(&*request).unwrap();
    assert!(request.key.is_some() && !stored.contains("4111111111111111"));
}

#[tokio::test]
async fn a_call_runs_once_for_its_key() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let runs = Runs::default();
    assert!(runs.run(&manager, keyed("k")).await.is_ok());
    let (again, text) = error(runs.run(&manager, keyed("k")).await);
    assert!(matches!(again, ApprovalError::AlreadyRan { state: ExecutionState::Succeeded, .. }), "{text}");
    assert!(text.contains("was not run again"), "{text}");
    assert_eq!(runs.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_calls_with_one_key_one_runs() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    // Whichever opens the request tells somebody.
    let other = manager.another(|builder| builder.notifier(ApproveAll::new())).unwrap();
    let runs = Runs::default();
    let all = (0..64).map(|n| runs.spawn(if n % 2 == 0 { &manager } else { &other }, keyed("k")));
    let results = soon(join_all(all)).await;
    let (ran, not): (Vec<_>, Vec<_>) = results.into_iter().map(Result::unwrap).partition(Result::is_ok);
    assert_eq!((ran.len(), runs.count()), (1, 1));
    for result in not {
        let (error, text) = error(result);
        assert!(matches!(error, ApprovalError::AlreadyRan { .. }), "{text}");
    }
}

#[tokio::test]
async fn replay_gives_the_recorded_result() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let runs = Runs::default();
    let replayed = || call_with(|action| Ok(action.replay())).key("k");
    let first = runs.run(&manager, replayed()).await.unwrap();
    let again = runs.run(&manager, replayed()).await.unwrap();
    let elsewhere = manager.another(ManagerBuilder::unattended).unwrap();
    let there = runs.run(&elsewhere, replayed()).await.unwrap();
    assert_eq!((&first, &first, runs.count()), (&again, &there, 1));
    assert_eq!(first, json!({"cents": 500}));
}

#[tokio::test]
async fn an_authorization_tells_what_the_call_returned_when_it_ran_before() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let replayed = || call_with(|action| Ok(action.replay())).key("k");
    let first = manager.authorize(replayed()).await.unwrap();
    let arguments = first.arguments().clone();
    assert!(first.ran_before().is_none() && first.records_result());
    let result = to_canonical(&"paid").unwrap();
    first.begin(arguments.clone()).await.unwrap().succeeded(Some(result.clone())).await;
    let second = manager.authorize(replayed()).await.unwrap();
    assert_eq!(second.ran_before(), Some(&result));
    let (ran, text) = error(second.begin(arguments).await);
    assert!(matches!(ran, ApprovalError::AlreadyRan { state: ExecutionState::Succeeded, .. }), "{text}");
}

#[tokio::test]
async fn a_result_is_kept_only_where_it_may_be_given_back() {
    let approving = |join_identical| {
        let rule = move |_: &approval_core::policy::Call<'_>| {
            let gate = Gate { join_identical, ..Gate::only("joined", Vec::new()) };
            Ruling::Ask { rule: "joined".into(), gate: Some(Arc::new(gate)), whole: false }
        };
        TestManager::with(|builder| builder.notifier(ApproveAll::new()).policy_fn(rule)).unwrap()
    };
    let replayed = || call_with(|action| Ok(action.replay())).key("k");
    for (joins, action, kept) in [
        (false, call(), false),
        (false, call().key("k"), false),
        (false, replayed(), true),
        // Others may have joined a call without a key.
        (true, call(), true),
        (true, call().key("k"), false),
        (true, replayed(), true),
    ] {
        let manager = approving(joins);
        soon(Runs::default().run(&manager, action)).await.unwrap();
        let page = manager.list(&Query::default()).await.unwrap();
        let [stored] = page.items.as_slice() else { panic!("{page:?}") };
        let Some(Execution::Succeeded { result, .. }) = stored.request.execution.as_deref() else {
            panic!("{:?}", stored.request.execution)
        };
        assert_eq!(result.is_some(), kept, "joins: {joins}, {:?}", stored.request.key);
    }
}

#[tokio::test]
async fn a_rejected_key_stays_rejected_until_it_is_tried_again() {
    let manager = TestManager::new(RejectAll::new("no")).unwrap();
    let runs = Runs::default();
    let (first, _) = error(runs.run(&manager, keyed("k")).await);
    let (second, text) = error(runs.run(&manager, keyed("k")).await);
    assert!(matches!(second, ApprovalError::Rejected(_)), "{text}");
    assert_eq!(first.request(), second.request(), "nobody was asked again");
    let successor = manager.retry(first.request().unwrap()).await.unwrap();
    assert_ne!(Some(successor.id()), first.request());
    assert_eq!(successor.request().await.unwrap().predecessor, first.request());
    assert!(matches!(error(soon(successor).await).0, ApprovalError::Rejected(_)));
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn a_failed_body_is_not_run_again_under_its_key_unless_it_is_retried() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let fails = async |_, _| Err::<Value, _>(ApprovalError::NoManager("the bank is closed".into()));
    let failed = manager.guard(keyed("k")).run(fails).await.unwrap_err();
    assert!(failed.to_string().contains("the bank is closed"), "the caller gets the body's own error");
    let runs = Runs::default();
    let (again, text) = error(runs.run(&manager, keyed("k")).await);
    assert!(matches!(again, ApprovalError::AlreadyRan { state: ExecutionState::Failed, .. }), "{text}");
    let successor = manager.retry(again.request().unwrap()).await.unwrap();
    assert!(soon(successor).await.is_ok(), "people approved it anew");
    assert!(runs.run(&manager, keyed("k")).await.is_ok());
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn a_suspended_call_returns_at_once_and_runs_once_when_it_is_called_again() {
    let manager = unattended();
    let runs = Runs::default();
    let suspended = || call_with(|action| Ok(action.suspend())).key("k");
    let (pending, text) = error(runs.run(&manager, suspended()).await);
    assert!(matches!(pending, ApprovalError::Pending(_)), "{text}");
    let id = pending.request().unwrap();
    assert!(matches!(error(runs.run(&manager, suspended()).await).0, ApprovalError::Pending(_)));
    manager.approve(id, ANN).await.unwrap();
    // Another process, twenty hours later: the grant of a suspended call lasts a day.
    manager.advance(seconds(20 * 3600)).await;
    let elsewhere = manager.another(ManagerBuilder::unattended).unwrap();
    assert_eq!(runs.run(&elsewhere, suspended()).await.unwrap(), json!({"cents": 500}));
    assert!(matches!(error(runs.run(&manager, suspended()).await).0, ApprovalError::AlreadyRan { .. }));
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn a_suspended_call_needs_a_key() {
    let manager = unattended();
    let (invalid, text) = error(manager.request(call_with(|action| Ok(action.suspend()))).await);
    assert!(matches!(invalid, ApprovalError::Invalid(_)), "{text}");
    assert!(text.contains("has no key to be found again by"), "{text}");
    let run = Context::new().run("r").tool_call("c");
    let action = call_with(|action| Ok(action.suspend()));
    assert!(run.scope(manager.request(action)).await.is_ok());
}

#[tokio::test]
async fn a_key_attaches_to_what_waits_and_its_new_deadline_counts_not() {
    let manager = unattended();
    let first = manager.request(keyed("k")).await.unwrap();
    manager.advance(seconds(1800)).await;
    let second = manager.request(keyed("k")).await.unwrap();
    let (first, second) = (tokio::spawn(first), tokio::spawn(second));
    manager.advance(seconds(1800)).await;
    for waiting in [first, second] {
        assert!(matches!(soon(waiting).await.unwrap(), Err(ApprovalError::Expired(_))));
    }
    let page = manager.list(&approval_core::store::Query::default()).await.unwrap();
    assert_eq!(page.items.iter().map(|stored| stored.request.status).collect::<Vec<_>>(), [Status::Expired]);
}

#[tokio::test]
async fn a_result_is_not_given_back_to_another_version_or_schema() {
    let schema = |text: &str| approval_core::model::SchemaDigest::of(&to_canonical(text).unwrap());
    let rule = |_: &approval_core::policy::Call<'_>| approval_core::policy::Ruling::allow();
    let allowing = TestManager::with(|builder| builder.unattended().policy_fn(rule)).unwrap();
    for manager in [TestManager::new(ApproveAll::new()).unwrap(), allowing] {
        let runs = Runs::default();
        let old = || call_with(|action| Ok(action.replay().schema(schema("old")))).key("k");
        soon(runs.run(&manager, old())).await.unwrap();
        for other in [
            call_with(|action| Ok(action.replay().schema(schema("old")).version(2))),
            call_with(|action| Ok(action.replay().schema(schema("new")))),
            call_with(|action| Ok(action.replay())),
        ] {
            let (ran, text) = error(soon(runs.run(&manager, other.key("k"))).await);
            assert!(
                matches!(ran, ApprovalError::AlreadyRan { state: ExecutionState::Succeeded, .. }),
                "{text}"
            );
        }
        assert_eq!(soon(runs.run(&manager, old())).await.unwrap(), json!({"cents": 500}));
        assert_eq!(runs.count(), 1);
    }
}

#[tokio::test]
async fn another_version_does_not_wait_for_a_result_that_is_not_its_own() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let replayed = |version| call_with(|action| Ok(action.replay().version(version))).key("k");
    let (began, begun) = tokio::sync::oneshot::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let first = {
        let (manager, action) = (approval_core::ApprovalManager::clone(&manager), replayed(1));
        tokio::spawn(async move {
            let body = async |_: Value, _: Option<approval_core::Grant>| {
                began.send(()).unwrap();
                ended.await.unwrap();
                Ok::<_, ApprovalError>(json!("paid"))
            };
            manager.guard(action).run(body).await
        })
    };
    soon(begun).await.unwrap();
    let runs = Runs::default();
    let (ran, text) = error(soon(runs.run(&manager, replayed(2))).await);
    assert!(matches!(ran, ApprovalError::AlreadyRan { state: ExecutionState::Executing, .. }), "{text}");
    end.send(()).unwrap();
    assert_eq!(soon(first).await.unwrap().unwrap(), "paid");
    assert_eq!(runs.count(), 0);
}
