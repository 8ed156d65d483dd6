//! The brake: create, approve, consume and allowed calls look at it.

use std::sync::Arc;

use approval_core::{
    Action, ApprovalError, Context, Principal, RequestId,
    clock::Span,
    manager::ManagerBuilder,
    model::{ActionName, ExecutionState, HaltScope, Request, StatsQuery},
    policy::Ruling,
    store::{Commit, RecordName, RecordWrite, Store},
};
use approval_store::SqliteStore;
use approval_testkit::{ApproveAll, FakeClock, TestManager};
use serde_json::json;

use crate::common::{ANN, Runs, call, call_with, error, on_outage, person, seconds, soon, unattended};
use crate::outage::{Op, Outage};

const OPS: &str = "user:ops@example.com";

async fn halt(manager: &TestManager, scope: HaltScope) -> u64 {
    manager.halt(scope, &person(OPS), "something is wrong").await.unwrap()
}

async fn resume(manager: &TestManager, scope: &HaltScope) {
    manager.resume(scope, &person(OPS)).await.unwrap();
}

fn other_action() -> Action {
    Action::new("mail.send")
        .unwrap()
        .describe(|action| action.approvers([ANN]))
        .unwrap()
        .arguments(&json!({}))
        .unwrap()
}

fn allowing() -> TestManager {
    TestManager::with(|builder| builder.unattended().policy_fn(|_| Ruling::allow())).unwrap()
}

#[tokio::test]
async fn a_halt_refuses_new_requests_until_it_is_lifted() {
    let manager = unattended();
    halt(&manager, HaltScope::Everything).await;
    let (halted, text) = error(manager.request(call()).await);
    assert!(matches!(halted, ApprovalError::Halted { .. }), "{text}");
    assert!(text.contains("by user:ops@example.com: 'something is wrong'; nothing was run"), "{text}");
    assert_eq!(halted.stop_reason().as_str(), "halted");
    resume(&manager, &HaltScope::Everything).await;
    assert!(manager.request(call()).await.is_ok());
}

#[tokio::test]
async fn a_halt_ends_what_is_open_and_what_has_not_begun() {
    let manager = unattended();
    let open = manager.request(call()).await.unwrap();
    let approved = manager.request(call()).await.unwrap();
    let begun = manager.request(call()).await.unwrap();
    let (approved_id, begun_id) = (approved.id(), begun.id());
    manager.approve(approved_id, ANN).await.unwrap();
    manager.approve(begun_id, ANN).await.unwrap();
    let approved = soon(approved).await.unwrap();
    let execution = soon(begun).await.unwrap().begin().await.unwrap();
    assert_eq!(halt(&manager, HaltScope::Everything).await, 2);
    let (cancelled, text) = error(soon(open).await);
    assert!(matches!(&cancelled, ApprovalError::Cancelled(_)), "{text}");
    assert!(text.contains("cancelled by a halt"), "{text}");
    let (revoked, text) = error(approved.begin().await);
    assert!(matches!(revoked, ApprovalError::Revoked { .. } | ApprovalError::Halted { .. }), "{text}");
    // What has begun goes on, and its end is recorded.
    execution.succeeded(None).await;
    let state = manager.get(begun_id).await.unwrap().execution.as_ref().unwrap().state();
    assert_eq!(state, ExecutionState::Succeeded);
    // Lifting the brake brings nothing back.
    resume(&manager, &HaltScope::Everything).await;
    assert!(approved.begin().await.is_err());
}

#[tokio::test]
async fn a_halt_between_loading_and_writing_is_noticed_by_the_write() {
    // Each of create, approve and consume is held just before its write, and the brake is pulled meanwhile.
    for step in ["create", "approve", "consume"] {
        let (manager, store) = on_outage(ManagerBuilder::unattended);
        let other = manager.another(ManagerBuilder::unattended).unwrap();
        let runs = Runs::default();
        let waiting = manager.request(call()).await.unwrap();
        let id = waiting.id();
        let decider = manager.decider("test");
        if step == "consume" {
            manager.approve(id, ANN).await.unwrap();
            // The lease is there already, so that the held write is that of the grant.
            let warm_up = manager.request(other_action()).await.unwrap();
            manager.approve(warm_up.id(), ANN).await.unwrap();
            soon(warm_up).await.unwrap().begin().await.unwrap().succeeded(None).await;
        }
        let seen = waiting.request().await.unwrap();
        let commits = store.calls(Op::Commit);
        store.hold(Op::Commit);
        let held = match step {
            "create" => {
                let manager = (*manager).clone();
                tokio::spawn(async move { manager.request(call()).await.map(drop) })
            }
            "approve" => {
                tokio::spawn(async move { decider.approve(&seen, &person(ANN), None).await.map(drop) })
            }
            _ => {
                let approved = soon(waiting).await.unwrap();
                tokio::spawn(async move { approved.begin().await.map(drop) })
            }
        };
        store.until_called(Op::Commit, commits + 1).await;
        let halting = tokio::spawn(async move { halt(&other, HaltScope::Everything).await });
        store.until_called(Op::Commit, commits + 2).await;
        // Which of the two writes comes first is not said; if it is the brake's, the other must not get through.
        store.heal();
        let ended = soon(halting).await.unwrap();
        match soon(held).await.unwrap() {
            Ok(()) => assert!(step == "consume" || ended >= 1, "{step}: it slipped past the brake"),
            Err(error) => assert!(
                matches!(
                    error,
                    ApprovalError::Halted { .. }
                        | ApprovalError::AlreadyDecided { .. }
                        | ApprovalError::Revoked { .. }
                ),
                "{step}: {error}"
            ),
        }
        for stored in manager.list(&approval_core::store::Query::default()).await.unwrap().items {
            assert!(!stored.request.status.is_open(), "{step}: it is open under the brake");
        }
        assert_eq!(runs.count(), 0);
    }
}

#[tokio::test]
async fn a_halt_stops_allowed_calls_at_once_here_and_within_a_second_elsewhere() {
    let manager = allowing();
    let elsewhere = manager.another(|builder| builder.unattended().policy_fn(|_| Ruling::allow())).unwrap();
    let runs = Runs::default();
    assert!(runs.run(&elsewhere, call()).await.is_ok());
    halt(&manager, HaltScope::Everything).await;
    assert!(matches!(error(runs.run(&manager, call()).await).0, ApprovalError::Halted { .. }));
    manager.advance(seconds(1)).await;
    assert!(matches!(error(runs.run(&elsewhere, call()).await).0, ApprovalError::Halted { .. }));
    resume(&manager, &HaltScope::Everything).await;
    manager.advance(seconds(1)).await;
    assert!(runs.run(&elsewhere, call()).await.is_ok());
    assert_eq!(runs.count(), 2);
}

#[tokio::test]
async fn allowed_calls_do_not_run_when_it_cannot_be_known_whether_they_are_halted() {
    let (manager, store) = on_outage(|builder| builder.unattended().policy_fn(|_| Ruling::allow()));
    let runs = Runs::default();
    assert!(runs.run(&manager, call()).await.is_ok());
    manager.advance(seconds(2)).await;
    store.fail(&[Op::Record]);
    let (failed, text) = error(runs.run(&manager, call()).await);
    assert!(matches!(failed, ApprovalError::Store(_)), "{text}");
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn a_halt_covers_an_agent_or_an_action_alone() {
    let manager = unattended();
    let refund = HaltScope::Action(ActionName::new("payments.refund").unwrap());
    halt(&manager, refund.clone()).await;
    assert!(matches!(error(manager.request(call()).await).0, ApprovalError::Halted { .. }));
    assert!(manager.request(other_action()).await.is_ok());
    let rogue = HaltScope::Agent(Principal::agent("rogue").unwrap());
    halt(&manager, rogue.clone()).await;
    let from = |agent: &str, action| Context::new().agent(agent).unwrap().scope(manager.request(action));
    assert!(matches!(error(from("rogue", other_action()).await).0, ApprovalError::Halted { .. }));
    assert!(from("good", other_action()).await.is_ok());
    assert_eq!(manager.halts().await.unwrap().0.len(), 2);
    resume(&manager, &refund).await;
    assert!(manager.request(call()).await.is_ok());
    assert!(from("rogue", call()).await.is_err());
    resume(&manager, &rogue).await;
    assert!(manager.halts().await.unwrap().0.is_empty());
    assert!(from("rogue", call()).await.is_ok());
}

#[tokio::test]
async fn a_halt_survives_the_process_that_pulled_it() {
    let manager = unattended();
    halt(&manager, HaltScope::Everything).await;
    manager.shutdown().await.unwrap();
    let next = manager.another(ManagerBuilder::unattended).unwrap();
    drop(manager);
    assert!(matches!(error(next.request(call()).await).0, ApprovalError::Halted { .. }));
}

#[tokio::test]
async fn a_halt_that_was_lifted_elsewhere_unnoticed_refuses_nothing_for_good() {
    let (manager, store) = on_outage(ManagerBuilder::unattended);
    let scope = HaltScope::Everything;
    halt(&manager, scope.clone()).await;
    // The process reads the record of the halts, and it is changed before the answer arrives.
    let reads = store.calls(Op::Record);
    store.hold_after(Op::Record);
    let asking = {
        let manager = (*manager).clone();
        tokio::spawn(async move { manager.request(call()).await.map(drop) })
    };
    store.until_called(Op::Record, reads + 1).await;
    let other = manager.another(ManagerBuilder::unattended).unwrap();
    let inner = store.inner();
    let lifted = approval_core::ApprovalManager::builder().shared_store(inner).unattended().build().unwrap();
    lifted.resume(&scope, &person(OPS)).await.unwrap();
    store.heal();
    drop((soon(asking).await.unwrap(), other));
    assert!(manager.request(call()).await.is_ok(), "the old answer must not count for ever");
}

#[tokio::test]
async fn a_halted_call_runs_nothing() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    halt(&manager, HaltScope::Everything).await;
    let runs = Runs::default();
    let (halted, _) = error(runs.run(&manager, call()).await);
    assert!(halted.for_model().contains("halted by an operator"), "{}", halted.for_model());
    let asked = error(manager.ask::<u32>("How many?").to([ANN]).await).0;
    assert!(matches!(asked, ApprovalError::Halted { .. }));
    assert_eq!(runs.count(), 0);
    assert_eq!(manager.stats(&StatsQuery::default()).await.unwrap().total.pending, 0);
}

/// Opens an idempotent call, lets it be approved and fail, and returns its request.
async fn failed(manager: &TestManager, grant_ttl: Span) -> RequestId {
    let opened =
        manager.request(call_with(|action| Ok(action.idempotent().grant_ttl(grant_ttl)))).await.unwrap();
    let id = opened.id();
    manager.approve(id, ANN).await.unwrap();
    soon(opened).await.unwrap().begin().await.unwrap().failed("the bank is closed").await;
    id
}

/// Whether a halt took the right to run again from a request.
async fn lost_its_rerun(manager: &TestManager, id: RequestId) -> bool {
    manager.get(id).await.unwrap().grant.as_ref().unwrap().not_again
}

/// How many requests a halt reads. It is lifted again.
async fn read_by_halt(manager: &TestManager, store: &Outage) -> usize {
    let before = store.listed();
    halt(manager, HaltScope::Everything).await;
    let read = store.listed() - before;
    resume(manager, &HaltScope::Everything).await;
    read
}

/// A manager on a memory store, and one on an SQLite file.
fn on_two_stores(folder: &tempfile::TempDir) -> [(TestManager, Arc<Outage>); 2] {
    let time = FakeClock::new();
    let file = folder.path().join("approvals.db");
    let sqlite = SqliteStore::builder(file).clock(Arc::new(time.clone())).open().unwrap();
    let store = Outage::of(sqlite);
    let manager = TestManager::on(Arc::<Outage>::clone(&store), &time, ManagerBuilder::unattended).unwrap();
    [on_outage(ManagerBuilder::unattended), (manager, store)]
}

/// A halt reads what was opened in these hours, in any case.
const LOOK_BACK: i64 = 8 * 24;

#[tokio::test]
async fn a_halt_does_not_read_what_failed_long_ago() {
    let folder = tempfile::tempdir().unwrap();
    for (manager, store) in on_two_stores(&folder) {
        let mut old = Vec::new();
        for _ in 0..20 {
            old.push(failed(&manager, Span::from_mins(15)).await);
        }
        manager.advance(Span::from_hours(2 + LOOK_BACK)).await;
        let recent = failed(&manager, Span::from_mins(15)).await;
        assert_eq!(read_by_halt(&manager, &store).await, 1, "the recent one");
        assert!(lost_its_rerun(&manager, recent).await);
        assert!(!lost_its_rerun(&manager, old[0]).await, "its grant had ended anyway");
        // One with a long grant, approved by another process, is found for as long as that lives.
        let other = manager.another(ManagerBuilder::unattended).unwrap();
        let patient = failed(&other, Span::from_hours(10)).await;
        manager.advance(Span::from_hours(9)).await;
        read_by_halt(&manager, &store).await;
        assert!(lost_its_rerun(&manager, patient).await);
        manager.advance(Span::from_hours(48 + LOOK_BACK)).await;
        assert_eq!(read_by_halt(&manager, &store).await, 0);
    }
}

#[tokio::test]
async fn a_halt_finds_what_failed_before_an_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    for (manager, store) in on_two_stores(&folder) {
        let old = failed(&manager, Span::from_hours(1)).await;
        let patient = failed(&manager, Span::from_hours(24)).await;
        // Earlier versions did not write this record.
        let name = RecordName::new(format!("reruns/{}", Request::DEFAULT_NAMESPACE));
        assert!(store.record(&name).await.unwrap().is_some());
        let forget = Commit { writes: vec![RecordWrite { name, value: None }], ..Commit::default() };
        store.commit(forget).await.unwrap();
        let upgraded = manager.another(ManagerBuilder::unattended).unwrap();
        manager.advance(Span::from_hours(20)).await;
        let recent = failed(&upgraded, Span::from_mins(15)).await;
        assert_eq!(read_by_halt(&upgraded, &store).await, 3, "all of them, once");
        assert!(lost_its_rerun(&upgraded, patient).await && lost_its_rerun(&upgraded, recent).await);
        assert!(!lost_its_rerun(&upgraded, old).await, "its grant had ended anyway");
        manager.advance(Span::from_hours(48 + LOOK_BACK)).await;
        assert_eq!(read_by_halt(&upgraded, &store).await, 0);
    }
}
