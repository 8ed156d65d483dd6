//! A key under a rule that allows: what ran under it never runs again, and what people said about it counts (invariant 14).

use std::sync::Arc;

use approval_core::{
    Action, ActionSpec, ApprovalError, ApprovalManager, Context, Grant, GuardedAction, Invalid, RequestId,
    guarded_action,
    manager::ManagerBuilder,
    model::{ExecutionState, Limit, OverLimit, Request, Risk, RunWindow, Status},
    policy::Ruling,
    store::{JournalLine, MemoryStore, Query},
};
use approval_testkit::{FakeClock, TestManager};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::common::{ANN, Runs, call, call_with, error, person, ruled, seconds, soon};

/// A manager whose policy allows everything.
fn free() -> TestManager {
    TestManager::with(|builder| builder.unattended().policy_fn(|_| Ruling::allow())).unwrap()
}

fn keyed(key: &str) -> Action {
    call().key(key)
}

async fn requests(manager: &TestManager) -> Vec<Arc<Request>> {
    let page = manager.list(&Query::default()).await.unwrap();
    page.items.into_iter().map(|stored| stored.request).collect()
}

fn state(request: &Request) -> Option<ExecutionState> {
    request.execution.as_deref().map(approval_core::model::Execution::state)
}

fn already_ran(result: Result<Value, ApprovalError>) -> RequestId {
    match error(result) {
        (ApprovalError::AlreadyRan { about, .. }, _) => about.request,
        (_, text) => panic!("{text}"),
    }
}

#[tokio::test]
async fn an_allowed_call_runs_once_for_its_key() {
    let manager = free();
    let runs = Runs::default();
    soon(runs.run(&manager, keyed("k"))).await.unwrap();
    let id = already_ran(soon(runs.run(&manager, keyed("k"))).await);
    assert_eq!(runs.count(), 1);
    let stored = manager.get(id).await.unwrap();
    let decision = stored.decision.as_deref().unwrap();
    assert!(decision.by_policy && decision.by.is_empty());
    assert_eq!((stored.status, state(&stored)), (Status::Approved, Some(ExecutionState::Succeeded)));
    assert_eq!(&*stored.gate.rule, "allow");
    let told = manager.store().notices(id).await.unwrap();
    assert!(told.is_empty(), "nobody is asked or told: {told:?}");
    manager.verify_history(id).await.unwrap();
    assert_eq!(requests(&manager).await.len(), 1);
    let journal = manager.store().read_journal(0, 10).await.unwrap();
    let calls = journal.iter().filter(|entry| matches!(entry.line, JournalLine::Call { .. })).count();
    assert_eq!(calls, 0, "the history of the request tells of it");
    // Another process finds the same.
    let other = manager.another(|builder| builder.unattended().policy_fn(|_| Ruling::allow())).unwrap();
    assert_eq!(already_ran(soon(runs.run(&other, keyed("k"))).await), id);
}

#[tokio::test]
async fn an_allowed_call_without_a_key_leaves_no_request() {
    let manager = free();
    let runs = Runs::default();
    for _ in 0..2 {
        soon(runs.run(&manager, call())).await.unwrap();
    }
    assert_eq!((runs.count(), requests(&manager).await.len()), (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_allowed_calls_with_one_key_one_runs() {
    let manager = free();
    let other = manager.another(|builder| builder.unattended().policy_fn(|_| Ruling::allow())).unwrap();
    let runs = Runs::default();
    let all = (0..32).map(|n| runs.spawn(if n % 2 == 0 { &manager } else { &other }, keyed("k")));
    let results = soon(join_all(all)).await;
    let ran = results.into_iter().map(Result::unwrap).filter(Result::is_ok).count();
    assert_eq!((ran, runs.count()), (1, 1));
}

#[tokio::test]
async fn the_key_of_an_allowed_call_belongs_to_its_arguments_and_person() {
    let manager = free();
    let runs = Runs::default();
    let behind = |name: &str| Context::new().on_behalf_of(name).unwrap();
    let bob = behind("user:bob@example.com");
    soon(bob.clone().scope(runs.run(&manager, keyed("k")))).await.unwrap();
    let other = keyed("k").arguments(&json!({"cents": 7})).unwrap();
    for (context, action) in
        [(bob, other), (behind("user:eve@example.com"), keyed("k")), (Context::new(), keyed("k"))]
    {
        let (conflict, text) = error(soon(context.scope(runs.run(&manager, action))).await);
        assert!(matches!(conflict, ApprovalError::KeyConflict { .. }), "{text}");
    }
    // What tells keys apart tells them apart here too.
    soon(Context::new().agent("other").unwrap().scope(runs.run(&manager, keyed("k")))).await.unwrap();
    let tenant = manager.another(|builder: ManagerBuilder| {
        builder.unattended().namespace("tenant").policy_fn(|_| Ruling::allow())
    });
    soon(runs.run(&tenant.unwrap(), keyed("k"))).await.unwrap();
    assert_eq!(runs.count(), 3);
}

#[tokio::test]
async fn replay_gives_back_what_an_allowed_call_returned() {
    let manager = free();
    let runs = Runs::default();
    let replayed = || call_with(|action| Ok(action.replay())).key("k");
    let first = soon(runs.run(&manager, replayed())).await.unwrap();
    let again = soon(runs.run(&manager, replayed())).await.unwrap();
    assert_eq!((first, runs.count()), (again, 1));
}

#[tokio::test]
async fn a_refusal_outlives_a_rule_that_allows() {
    let (manager, policy) = ruled(Ruling::ask());
    let runs = Runs::default();
    let rejected = manager.request(keyed("rejected")).await.unwrap().detach();
    manager.reject(rejected, ANN, "not this one").await.unwrap();
    let revoked = manager.request(keyed("revoked")).await.unwrap().detach();
    manager.approve(revoked, ANN).await.unwrap();
    manager.revoke(revoked, &person(ANN), "too early").await.unwrap();
    policy.say(Ruling::allow());
    let (refused, text) = error(soon(runs.run(&manager, keyed("rejected"))).await);
    assert!(matches!(&refused, ApprovalError::Rejected(ended) if ended.repeated), "{text}");
    let (refused, text) = error(soon(runs.run(&manager, keyed("revoked"))).await);
    assert!(matches!(refused, ApprovalError::Revoked { repeated: true, .. }), "{text}");
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn what_waits_for_people_goes_on_waiting_when_a_rule_allows() {
    let (manager, policy) = ruled(Ruling::ask());
    let runs = Runs::default();
    let id = manager.request(keyed("k")).await.unwrap().detach();
    policy.say(Ruling::allow());
    let waiting = runs.spawn(&manager, keyed("k"));
    manager.time().settle().await;
    assert_eq!((waiting.is_finished(), runs.count()), (false, 0));
    manager.approve(id, ANN).await.unwrap();
    soon(waiting).await.unwrap().unwrap();
    assert_eq!(already_ran(soon(runs.run(&manager, keyed("k"))).await), id);
    assert_eq!((runs.count(), requests(&manager).await.len()), (1, 1));
}

#[tokio::test]
async fn an_approval_is_used_up_when_a_rule_allows() {
    let (manager, policy) = ruled(Ruling::ask());
    let runs = Runs::default();
    let id = manager.request(keyed("k")).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    policy.say(Ruling::allow());
    soon(runs.run(&manager, keyed("k"))).await.unwrap();
    policy.say(Ruling::ask());
    assert_eq!(already_ran(soon(runs.run(&manager, keyed("k"))).await), id);
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn what_expired_undecided_runs_when_a_rule_allows() {
    let (manager, policy) = ruled(Ruling::ask());
    let runs = Runs::default();
    let id = manager.request(keyed("k")).await.unwrap().detach();
    manager.advance(seconds(3601)).await;
    policy.say(Ruling::allow());
    soon(runs.run(&manager, keyed("k"))).await.unwrap();
    let successor = already_ran(soon(runs.run(&manager, keyed("k"))).await);
    assert_eq!(manager.get(successor).await.unwrap().predecessor, Some(id));
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn the_id_of_a_tool_call_is_a_key_of_an_allowed_call() {
    let manager = free();
    let runs = Runs::default();
    let tool = |id: &'static str| Context::new().run("run-1").tool_call(id);
    soon(tool("call-1").scope(runs.run(&manager, call()))).await.unwrap();
    already_ran(soon(tool("call-1").scope(runs.run(&manager, call()))).await);
    soon(tool("call-2").scope(runs.run(&manager, call()))).await.unwrap();
    // Without a run the id lasts for nothing, and is no key.
    for _ in 0..2 {
        soon(Context::new().tool_call("call-1").scope(runs.run(&manager, call()))).await.unwrap();
    }
    assert_eq!((runs.count(), requests(&manager).await.len()), (4, 2));
}

#[tokio::test]
async fn a_suspended_call_that_is_allowed_runs_at_once() {
    let manager = free();
    let runs = Runs::default();
    let suspended = || call_with(|action| Ok(action.suspend())).key("k");
    soon(runs.run(&manager, suspended())).await.unwrap();
    already_ran(soon(runs.run(&manager, suspended())).await);
    assert_eq!(runs.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_call_that_is_allowed_runs_at_once_on_a_store_that_tells_of_changes_later() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    let store = approval_store::SqliteStore::open(folder.path().join("approvals.db")).unwrap();
    let manager = TestManager::on(Arc::new(store), &clock, |builder: ManagerBuilder| {
        builder.unattended().policy_fn(|_| Ruling::allow())
    });
    let (manager, runs) = (manager.unwrap(), Runs::default());
    for number in 0..50 {
        let suspended = call_with(|action| Ok(action.suspend())).key(format!("key {number}"));
        soon(runs.run(&manager, suspended)).await.unwrap();
    }
    assert_eq!(runs.count(), 50);
}

#[tokio::test]
async fn a_worker_leaves_allowed_calls_to_their_callers() {
    let manager = free();
    let (ran, mut handed) = tokio::sync::mpsc::unbounded_channel();
    let worker = manager.on_approved(call().spec(), move |arguments: Value, _| {
        ran.send(arguments).unwrap();
        async { Ok::<_, String>(()) }
    });
    let authorization = manager.authorize(keyed("k")).await.unwrap();
    manager.advance(seconds(60)).await;
    let actual = approval_core::model::canonical::to_canonical(&json!({"cents": 500})).unwrap();
    authorization.begin(actual).await.unwrap().succeeded(None).await;
    soon(worker.stop()).await;
    assert!(handed.try_recv().is_err());
}

#[tokio::test]
async fn a_caller_that_went_away_before_the_body_can_call_again() {
    let manager = free();
    let runs = Runs::default();
    drop(manager.authorize(keyed("k")).await.unwrap());
    soon(runs.run(&manager, keyed("k"))).await.unwrap();
    already_ran(soon(runs.run(&manager, keyed("k"))).await);
    assert_eq!((runs.count(), requests(&manager).await.len()), (1, 1));
}

#[tokio::test]
async fn what_failed_under_a_key_is_not_run_again() {
    let manager = free();
    let fail = || async {
        let body = async |_: Value, _: Option<Grant>| Err::<Value, _>(ApprovalError::Notifier("no".into()));
        manager.guard(keyed("k")).run(body).await
    };
    assert!(soon(fail()).await.is_err());
    let runs = Runs::default();
    already_ran(soon(runs.run(&manager, keyed("k"))).await);
    let again = call_with(|action| Ok(action.idempotent())).key("again");
    let failing = async |_: Value, _: Option<Grant>| Err::<Value, _>(ApprovalError::Notifier("no".into()));
    assert!(soon(manager.guard(again.clone()).run(failing)).await.is_err());
    soon(runs.run(&manager, again)).await.unwrap();
    assert_eq!(runs.count(), 1, "what is declared idempotent may");
}

fn limited(limit: Limit) -> TestManager {
    TestManager::with(|builder| builder.unattended().policy_fn(|_| Ruling::allow()).limit(limit).unwrap())
        .unwrap()
}

#[tokio::test]
async fn a_call_with_a_key_counts_once_against_limits() {
    let manager = limited(Limit::new("two").calls(2).over(OverLimit::Deny));
    let runs = Runs::default();
    soon(runs.run(&manager, keyed("a"))).await.unwrap();
    already_ran(soon(runs.run(&manager, keyed("a"))).await);
    soon(runs.run(&manager, keyed("b"))).await.unwrap();
    for action in [keyed("c"), call()] {
        let (reached, text) = error(soon(runs.run(&manager, action)).await);
        assert!(matches!(reached, ApprovalError::LimitReached { .. }), "{text}");
    }
    assert_eq!(runs.count(), 2);
    let journal = manager.store().read_journal(0, 10).await.unwrap();
    let denied = |entry: &&approval_core::store::JournalEntry| matches!(&entry.line, JournalLine::Call { outcome, rule, .. } if &**outcome == "denied" && &**rule == "two");
    assert_eq!(journal.iter().filter(denied).count(), 2, "a line for each that the limit denied");
}

#[tokio::test]
async fn over_a_limit_that_asks_people_are_asked_about_a_key() {
    let manager = limited(Limit::new("one").calls(1).over(OverLimit::Ask));
    let runs = Runs::default();
    soon(runs.run(&manager, keyed("a"))).await.unwrap();
    let waiting = runs.spawn(&manager, keyed("b"));
    manager.time().settle().await;
    let asked = requests(&manager).await.into_iter().find(|one| one.status == Status::Pending).unwrap();
    assert_eq!(&*asked.gate.rule, "one");
    manager.approve(asked.id, ANN).await.unwrap();
    soon(waiting).await.unwrap().unwrap();
    already_ran(soon(runs.run(&manager, keyed("b"))).await);
    assert_eq!(runs.count(), 2);
}

#[derive(Debug)]
struct Refund;

impl GuardedAction for Refund {
    const NAME: &'static str = "payments.refund";
}

#[tokio::test]
async fn a_key_makes_no_proof_of_what_the_policy_alone_allowed() {
    let (manager, policy) = ruled(Ruling::allow());
    let proof = |key: &'static str| {
        let guard = manager.guard(keyed(key)).proving::<Refund>();
        guard.run(async |_: Value, grant: Option<Grant<Refund>>| Ok::<_, ApprovalError>(grant.is_some()))
    };
    assert!(!soon(proof("allowed")).await.unwrap());
    policy.say(Ruling::ask());
    let id = manager.request(keyed("approved")).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    policy.say(Ruling::allow());
    assert!(soon(proof("approved")).await.unwrap(), "people approved this one");
}

#[tokio::test]
async fn a_call_that_needs_a_grant_asks_people_under_its_key() {
    let manager = free();
    let runs = Runs::default();
    let needing = |action: ActionSpec| Ok::<_, Invalid>(action.needs_grant().risk(Risk::Low));
    let waiting = runs.spawn(&manager, call_with(needing).key("k"));
    let asked = manager.next_request().await.unwrap();
    assert_eq!(asked.status, Status::Pending);
    manager.approve(asked.id, ANN).await.unwrap();
    soon(waiting).await.unwrap().unwrap();
    already_ran(soon(runs.run(&manager, call_with(needing).key("k"))).await);
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn a_rule_that_has_people_told_runs_a_key_once() {
    let (manager, _) = ruled(Ruling::notify([person(ANN)]));
    let runs = Runs::default();
    soon(runs.run(&manager, keyed("k"))).await.unwrap();
    already_ran(soon(runs.run(&manager, keyed("k"))).await);
    assert_eq!(runs.count(), 1);
}

#[guarded_action(name = "allowed.counts", manager = approvals, approvers("user:ann@example.com"), key = id, skip(runs))]
async fn counts(approvals: &ApprovalManager, runs: &Runs, id: u8) -> Result<u8, ApprovalError> {
    runs.count_one();
    Ok(id)
}

#[guarded_action(name = "allowed.counts_in_sync", manager = approvals, approvers("user:ann@example.com"), key = id, replay, skip(runs))]
fn counts_in_sync(approvals: &ApprovalManager, runs: &Runs, id: u8) -> Result<u8, ApprovalError> {
    runs.count_one();
    Ok(id)
}

#[tokio::test(flavor = "multi_thread")]
async fn guarded_functions_run_once_for_a_key() {
    let manager = free();
    let runs = Runs::default();
    assert_eq!(counts(&manager, &runs, 1).await.unwrap(), 1);
    assert!(matches!(counts(&manager, &runs, 1).await, Err(ApprovalError::AlreadyRan { .. })));
    assert_eq!(counts_in_sync(&manager, &runs, 2).unwrap(), 2);
    assert_eq!(counts_in_sync(&manager, &runs, 2).unwrap(), 2);
    assert_eq!(runs.count(), 2);
}

#[test]
fn a_blocking_call_outside_of_a_runtime_runs_once_for_its_key() {
    let clock = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let manager = runtime.block_on(async {
        TestManager::on(store, &clock, |builder| builder.unattended().policy_fn(|_| Ruling::allow())).unwrap()
    });
    let actual = approval_core::model::canonical::to_canonical(&json!({"cents": 500})).unwrap();
    let authorization = manager.authorize_blocking(keyed("k")).unwrap();
    runtime.block_on(async { authorization.begin(actual).await.unwrap().succeeded(None).await });
    assert!(matches!(manager.authorize_blocking(keyed("k")), Err(ApprovalError::AlreadyRan { .. })));
}

#[tokio::test]
async fn an_allowed_call_with_a_key_does_not_run_while_halted() {
    use approval_core::model::HaltScope;
    let manager = free();
    let runs = Runs::default();
    let authorization = manager.authorize(keyed("before")).await.unwrap();
    manager.halt(HaltScope::Everything, &person(ANN), "stop").await.unwrap();
    assert!(soon(runs.run(&manager, keyed("k"))).await.is_err());
    let actual = approval_core::model::canonical::to_canonical(&json!({"cents": 500})).unwrap();
    assert!(authorization.begin(actual).await.is_err());
    assert_eq!(runs.count(), 0);
}

fn needing(action: Action) -> Action {
    action.describe(|action| Ok(action.needs_grant())).unwrap()
}

async fn pending(manager: &TestManager) -> Arc<Request> {
    manager.time().settle().await;
    let open = requests(manager).await.into_iter().find(|one| one.status == Status::Pending);
    open.expect("people are asked")
}

fn revoked_for_people(request: &Request) -> bool {
    request.decision.as_deref().unwrap().by_policy && state(request) == Some(ExecutionState::Revoked)
}

#[tokio::test]
async fn a_call_that_needs_a_grant_asks_people_though_its_key_was_let_run() {
    for ruling in [Ruling::allow(), Ruling::notify([person(ANN)])] {
        let (manager, _) = ruled(ruling);
        drop(manager.authorize(keyed("k")).await.unwrap());
        let first = requests(&manager).await[0].id;
        let proved = {
            let manager = ApprovalManager::clone(&manager);
            tokio::spawn(async move {
                let body = async |_: Value, grant: Option<Grant<Refund>>| {
                    Ok::<_, ApprovalError>(grant.unwrap().approvers().to_vec())
                };
                manager.guard(needing(keyed("k"))).proving::<Refund>().run(body).await
            })
        };
        let asked = pending(&manager).await;
        assert_eq!(asked.predecessor, Some(first));
        assert!(revoked_for_people(&manager.get(first).await.unwrap()));
        manager.approve(asked.id, ANN).await.unwrap();
        assert_eq!(soon(proved).await.unwrap().unwrap(), [person(ANN)]);
        already_ran(soon(Runs::default().run(&manager, keyed("k"))).await);
        for id in [first, asked.id] {
            manager.verify_history(id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_request_by_hand_asks_people_though_its_key_was_let_run() {
    let window = RunWindow::new("UTC", [("daily", "13:00-14:00")]).unwrap();
    for ruling in [Ruling::allow(), Ruling::notify([person(ANN)]), Ruling::allow().within(window)] {
        let (manager, _) = ruled(ruling);
        drop(manager.authorize(keyed("k")).await.unwrap());
        let first = requests(&manager).await[0].id;
        let by_hand = manager.request(keyed("k")).await.unwrap().detach();
        assert_ne!(by_hand, first);
        assert_eq!(manager.get(by_hand).await.unwrap().status, Status::Pending);
        assert!(revoked_for_people(&manager.get(first).await.unwrap()));
    }
}

#[tokio::test]
async fn what_was_asked_about_at_first_and_is_allowed_at_the_run_waits_for_people() {
    let (manager, policy) = ruled(Ruling::allow());
    let runs = Runs::default();
    drop(manager.authorize(keyed("k")).await.unwrap());
    policy.say(Ruling::ask());
    let waiting = runs.spawn(&manager, keyed("k"));
    let asked = pending(&manager).await;
    policy.say(Ruling::allow());
    assert_eq!(runs.count(), 0);
    manager.approve(asked.id, ANN).await.unwrap();
    soon(waiting).await.unwrap().unwrap();
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn what_the_policy_let_run_gives_no_proof_however_it_is_begun() {
    let (manager, _) = ruled(Ruling::allow());
    drop(manager.authorize(keyed("k")).await.unwrap());
    let id = requests(&manager).await[0].id;
    let found = manager.attach(id).await.unwrap().await.unwrap();
    let (_, text) = error(found.proves::<Refund>());
    assert!(text.contains("no person approved it"), "{text}");
    let (refused, text) = error(found.begin_as(needing(call()).spec()).await);
    assert!(matches!(refused, ApprovalError::Refused { .. }), "{text}");
    assert_eq!(state(&manager.get(id).await.unwrap()), Some(ExecutionState::NotStarted), "it is unspent");
    let execution = found.begin_as(call().spec()).await.unwrap();
    error(execution.grant::<Refund>());
    error(execution.grant::<()>());
    execution.succeeded(None).await;
}

#[tokio::test]
async fn what_people_are_told_of_gives_no_proof() {
    let (manager, _) = ruled(Ruling::notify([person(ANN)]));
    for action in [call(), keyed("k")] {
        let guard = manager.guard(action).proving::<Refund>();
        let body = async |_: Value, grant: Option<Grant<Refund>>| Ok::<_, ApprovalError>(grant.is_some());
        assert!(!soon(guard.run(body)).await.unwrap());
    }
}

#[tokio::test]
async fn what_failed_under_a_rule_does_not_run_again_for_a_body_that_needs_a_grant() {
    let (manager, _) = ruled(Ruling::allow());
    let again = || call_with(|action| Ok(action.idempotent())).key("k");
    let failing = async |_: Value, _: Option<Grant>| Err::<Value, _>(ApprovalError::Notifier("no".into()));
    assert!(soon(manager.guard(again()).run(failing)).await.is_err());
    let runs = Runs::default();
    let (_, text) = error(soon(runs.run(&manager, needing(again()))).await);
    assert!(text.contains("no person approved it"), "{text}");
    assert_eq!(runs.count(), 0);
    soon(runs.run(&manager, again())).await.unwrap();
    assert_eq!(runs.count(), 1, "the call that the policy lets run may");
}
