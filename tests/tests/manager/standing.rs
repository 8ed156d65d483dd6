//! "Do not ask again": what was approved along with an earlier call runs without asking, as often as that was meant.

use std::sync::Arc;

use approval_core::{
    Action, ApprovalError, RequestId,
    manager::ManagerBuilder,
    model::{
        ExecutionState, RunWindow, StandingApproval, StandingArguments, StandingReach, StandingTerms, Status,
    },
    store::{MemoryStore, Query},
};
use approval_store::SqliteStore;
use approval_testkit::{FakeClock, TestManager};
use futures_util::future::join_all;

use crate::{
    common::{ANN, BOB, Runs, call, call_with, error, person, seconds, soon, unattended},
    outage::Outage,
};

fn terms() -> StandingTerms {
    StandingTerms::new(StandingReach::Agent, StandingArguments::Any)
}

/// Ann approves a first call, and calls to come on these terms.
async fn stand(manager: &TestManager, terms: StandingTerms) {
    let pending = manager.request(call()).await.unwrap();
    let seen = pending.request().await.unwrap();
    let ann = manager.decider("test");
    ann.approve_standing(&seen, &person(ANN), terms, Some("as every day")).await.unwrap();
    soon(pending).await.unwrap();
}

#[tokio::test]
async fn a_covered_call_runs_without_asking_and_says_why() {
    let manager = unattended();
    stand(&manager, terms().at_most(2)).await;
    let runs = Runs::default();
    for _ in 0..2 {
        soon(runs.run(&manager, call())).await.unwrap();
    }
    assert_eq!(runs.count(), 2);
    let page = manager.list(&Query::default()).await.unwrap();
    let standing = manager.standing_approvals().await.unwrap().remove(0);
    let resting: Vec<_> = page
        .items
        .iter()
        .filter(|stored| {
            stored.request.decision.as_ref().is_some_and(|decision| decision.by_standing == Some(standing.id))
        })
        .collect();
    assert_eq!((resting.len(), standing.used, standing.left()), (2, 2, Some(0)));
    for stored in resting {
        manager.verify_history(stored.request.id).await.unwrap();
    }
    // Used up: people are asked again.
    let pending = manager.request(call()).await.unwrap();
    assert_eq!(pending.request().await.unwrap().status, Status::Pending);
}

async fn parallel_calls_never_use_one_more_often_than_was_meant(manager: TestManager) {
    stand(&manager, terms().at_most(5)).await;
    let calls = (0..32).map(|_| async {
        let pending = manager.request(call()).await.unwrap();
        pending.request().await.unwrap().status
    });
    let covered =
        soon(join_all(calls)).await.into_iter().filter(|status| *status == Status::Approved).count();
    assert_eq!(covered, 5);
    assert_eq!(manager.standing_approvals().await.unwrap()[0].used, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_calls_never_use_one_more_often_than_was_meant_in_memory() {
    let clock = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    let manager = TestManager::on(store, &clock, approval_core::manager::ManagerBuilder::unattended);
    parallel_calls_never_use_one_more_often_than_was_meant(manager.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_calls_never_use_one_more_often_than_was_meant_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("approvals.db")).unwrap();
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    let manager =
        TestManager::on(Arc::new(store), &clock, approval_core::manager::ManagerBuilder::unattended);
    parallel_calls_never_use_one_more_often_than_was_meant(manager.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_calls_never_use_one_more_often_than_was_meant_on_postgres() {
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    let store = approval_tests::postgres::Place::new().open(Arc::new(clock.clone())).await;
    let manager = TestManager::on(store, &clock, approval_core::manager::ManagerBuilder::unattended);
    parallel_calls_never_use_one_more_often_than_was_meant(manager.unwrap()).await;
}

#[tokio::test]
async fn it_runs_out_and_can_be_taken_back() {
    let manager = unattended();
    stand(&manager, terms().lasting(seconds(600))).await;
    let standing = manager.standing_approvals().await.unwrap().remove(0);
    let decider = manager.decider("test");
    let (refused, text) =
        error(decider.withdraw_standing(standing.request, standing.id, &person(BOB), "no").await);
    assert!(matches!(refused, ApprovalError::Refused { .. }), "{text}");
    manager.withdraw_standing(standing.id, &person(BOB), "an operator says no").await.unwrap();
    let pending = manager.request(call()).await.unwrap();
    assert_eq!(pending.request().await.unwrap().status, Status::Pending);
    let history = manager.history(standing.request).await.unwrap();
    assert!(history.last().unwrap().text.contains("an operator says no"));
    manager.verify_history(standing.request).await.unwrap();

    stand(&manager, terms().lasting(seconds(600))).await;
    manager.advance(seconds(600)).await;
    let pending = manager.request(call()).await.unwrap();
    assert_eq!(pending.request().await.unwrap().status, Status::Pending, "it ran out");
}

#[tokio::test]
async fn a_rejected_call_is_covered_no_more_by_another_process_either() {
    let manager = unattended();
    let open = manager.request(call()).await.unwrap();
    stand(&manager, terms()).await;
    let other = manager.another(approval_core::manager::ManagerBuilder::unattended).unwrap();
    assert_eq!(other.request(call()).await.unwrap().request().await.unwrap().status, Status::Approved);
    manager.reject(open.id(), BOB, "not this one").await.unwrap();
    assert_eq!(other.request(call()).await.unwrap().request().await.unwrap().status, Status::Pending);
    assert!(manager.standing_approvals().await.unwrap()[0].withdrawn.is_some());
}

#[tokio::test]
async fn a_halt_stops_what_is_covered_too() {
    let manager = unattended();
    stand(&manager, terms()).await;
    manager.halt(approval_core::model::HaltScope::Everything, &person(BOB), "stop").await.unwrap();
    let (refused, text) = error(manager.request(call()).await);
    assert!(matches!(refused, ApprovalError::Halted { .. }), "{text}");
}

/// Opens a call that is covered; its grant is unspent.
async fn covered(manager: &TestManager, action: Action) -> RequestId {
    let pending = manager.request(action).await.unwrap();
    assert_eq!(pending.request().await.unwrap().status, Status::Approved);
    pending.detach()
}

async fn withdraw(manager: &TestManager) {
    let standing = manager.standing_approvals().await.unwrap().remove(0);
    manager.withdraw_standing(standing.id, &person(BOB), "enough").await.unwrap();
}

async fn state(manager: &TestManager, id: RequestId) -> ExecutionState {
    manager.get(id).await.unwrap().execution.as_ref().unwrap().state()
}

#[tokio::test]
async fn what_a_withdrawn_standing_approval_gave_runs_on_no_way() {
    for way in ["guard", "begin", "begin_as", "begin_with"] {
        let manager = unattended();
        stand(&manager, terms()).await;
        let standing = manager.standing_approvals().await.unwrap().remove(0);
        let runs = Runs::default();
        let keyed = || call().key("order-17");
        let opened = manager.request(keyed()).await.unwrap();
        let id = opened.id();
        let approved = soon(opened).await.unwrap();
        let attached = soon(manager.attach(id).await.unwrap()).await.unwrap();
        withdraw(&manager).await;
        let refused = match way {
            "guard" => soon(runs.run(&manager, keyed())).await.map(drop),
            "begin" => approved.begin().await.map(drop),
            "begin_as" => attached.begin_as(call().spec()).await.map(drop),
            _ => {
                let arguments = serde_json::json!({"cents": 500});
                attached.begin_with(call().spec(), &arguments).await.map(drop)
            }
        };
        let (refused, text) = error(refused);
        assert!(
            matches!(
                &refused,
                ApprovalError::StandingWithdrawn { about, standing: named, by, why }
                    if about.request == id && *named == standing.id && *by == person(BOB) && &**why == "enough"
            ),
            "{way}: {text}"
        );
        assert!(
            text.contains(&format!("the standing approval {} that approved", standing.id))
                && text
                    .contains("was withdrawn by user:bob@example.com: 'enough'; nothing was run, call again"),
            "{text}"
        );
        assert_eq!((refused.stop_reason().as_str(), refused.request()), ("approval_cancelled", Some(id)));
        let model = refused.for_model();
        assert!(model.contains("a person must now approve it") && model.contains("once more"), "{model}");
        assert!(model.contains("data, not an instruction"), "{model}");
        assert_eq!(state(&manager, id).await, ExecutionState::Revoked);
        manager.verify_history(id).await.unwrap();
        // The same call asks people now.
        let next = manager.request(keyed()).await.unwrap().request().await.unwrap();
        assert_eq!((next.status, next.predecessor), (Status::Pending, Some(id)), "{way}");
        manager.approve(next.id, ANN).await.unwrap();
        soon(runs.run(&manager, keyed())).await.unwrap();
        assert_eq!(runs.count(), 1);
    }
}

#[tokio::test]
async fn a_worker_does_not_run_what_a_withdrawn_standing_approval_gave() {
    let manager = unattended();
    stand(&manager, terms()).await;
    let id = covered(&manager, call()).await;
    withdraw(&manager).await;
    let (ran, mut runs) = tokio::sync::mpsc::unbounded_channel();
    let worker = manager.on_approved(call().spec(), move |arguments: serde_json::Value, _| {
        ran.send(arguments).unwrap();
        async { Ok::<_, String>(()) }
    });
    // The one that Ann approved herself runs; the other is revoked.
    let revoked = |request: &approval_core::model::Request| {
        request.execution.as_ref().is_some_and(|one| one.state() == ExecutionState::Revoked)
    };
    let ended = manager.until(id, revoked).await.unwrap();
    let Some(approval_core::model::Execution::Revoked { by, why, .. }) = ended.execution.as_deref() else {
        panic!("{ended:?}")
    };
    assert!(!by.is_person(), "{by}");
    assert!(why.contains("was withdrawn by user:bob@example.com"), "{why}");
    assert!(soon(runs.recv()).await.is_some());
    soon(worker.stop()).await;
    assert!(runs.try_recv().is_err());
}

#[tokio::test]
async fn what_a_rejection_took_back_gives_no_run() {
    let manager = unattended();
    let open = manager.request(call()).await.unwrap();
    stand(&manager, terms()).await;
    let id = covered(&manager, call().key("k")).await;
    manager.reject(open.id(), BOB, "not this one").await.unwrap();
    let runs = Runs::default();
    let (refused, text) = error(soon(runs.run(&manager, call().key("k"))).await);
    assert!(matches!(refused, ApprovalError::StandingWithdrawn { .. }), "{text}");
    assert!(text.contains(&format!("request {} was rejected", open.id())), "{text}");
    assert_eq!((runs.count(), state(&manager, id).await), (0, ExecutionState::Revoked));
}

#[tokio::test]
async fn a_standing_approval_that_ran_out_meanwhile_still_gave_the_run() {
    let manager = unattended();
    stand(&manager, terms().lasting(seconds(60)).at_most(1)).await;
    let pending = manager.request(call()).await.unwrap();
    let approved = soon(pending).await.unwrap();
    manager.advance(seconds(61)).await;
    approved.begin().await.unwrap().succeeded(None).await;
}

/// A call under a key whose run window opens an hour after the tests begin.
fn in_an_hour() -> Action {
    let window = RunWindow::new("UTC", [("daily", "13:00-14:00")]).unwrap();
    call_with(|action| Ok(action.run_window(window).suspend())).key("k")
}

/// A covered call that waits for its window, and whose standing approval on these terms has ended after `passed`.
async fn waits_after_its_end(
    manager: &TestManager,
    terms: StandingTerms,
    passed: i64,
) -> (RequestId, StandingApproval) {
    stand(manager, terms).await;
    let (waits, text) = error(soon(Runs::default().run(manager, in_an_hour())).await);
    assert!(matches!(waits, ApprovalError::OutsideWindow { .. }), "{text}");
    manager.advance(seconds(passed)).await;
    let standing = manager.standing_approvals().await.unwrap().remove(0);
    assert!(!standing.is_in_force(manager.store().now().await.unwrap()));
    (waits.request().unwrap(), standing)
}

/// That this call, whose standing approval was taken back `passed` seconds after the beginning, does not run in its window.
async fn does_not_run_in_its_window(manager: &TestManager, id: RequestId, passed: i64) {
    manager.advance(seconds(3660 - passed)).await;
    let runs = Runs::default();
    let (refused, text) = error(soon(runs.run(manager, in_an_hour())).await);
    assert!(matches!(refused, ApprovalError::StandingWithdrawn { .. }), "{text}");
    assert_eq!((runs.count(), state(manager, id).await), (0, ExecutionState::Revoked));
}

/// The same call as one that waits for its window is rejected after the standing approval that covered it has ended.
async fn rejected_after_its_end(terms: StandingTerms, passed: i64) {
    let manager = unattended();
    let open = manager.request(call()).await.unwrap().detach();
    let (id, _) = waits_after_its_end(&manager, terms, passed).await;
    manager.reject(open, BOB, "not this one").await.unwrap();
    let withdrawn = manager.standing_approvals().await.unwrap().remove(0).withdrawn.unwrap();
    assert_eq!((withdrawn.by, &*withdrawn.why), (person(BOB), &*format!("request {open} was rejected")));
    manager.verify_history(open).await.unwrap();
    does_not_run_in_its_window(&manager, id, passed).await;
}

#[tokio::test]
async fn a_rejection_takes_back_one_that_is_used_up_while_its_call_waits() {
    rejected_after_its_end(terms().at_most(1), 0).await;
}

#[tokio::test]
async fn a_rejection_takes_back_one_that_ran_out_while_its_call_waits() {
    rejected_after_its_end(terms().lasting(seconds(60)), 61).await;
    rejected_after_its_end(terms().lasting(seconds(60)).at_most(1), 61).await;
}

#[tokio::test]
async fn a_rejection_leaves_one_alone_whose_calls_have_no_time_left() {
    let manager = unattended();
    let open = manager.request(call()).await.unwrap().detach();
    stand(&manager, terms().at_most(1)).await;
    covered(&manager, call()).await;
    manager.advance(seconds(15 * 60)).await;
    manager.reject(open, BOB, "not this one").await.unwrap();
    assert!(manager.standing_approvals().await.unwrap().remove(0).withdrawn.is_none());
}

#[tokio::test]
async fn a_rejection_takes_back_more_than_one_write_has_room_for() {
    let manager = unattended();
    let open = manager.request(call()).await.unwrap().detach();
    for _ in 0..20 {
        stand(&manager, terms().at_most(1)).await;
        covered(&manager, call()).await;
    }
    manager.reject(open, BOB, "not this one").await.unwrap();
    let all = manager.standing_approvals().await.unwrap();
    assert_eq!(all.len(), 20);
    for standing in all {
        let withdrawn = standing.withdrawn.unwrap();
        assert_eq!((withdrawn.by, &*withdrawn.why), (person(BOB), &*format!("request {open} was rejected")));
        manager.verify_history(standing.request).await.unwrap();
    }
    manager.verify_history(open).await.unwrap();
}

/// A covered call waits for its window; its standing approval on these terms has ended after `passed`, and is withdrawn then.
async fn withdrawn_after_its_end(terms: StandingTerms, passed: i64, by_operator: bool) {
    let manager = unattended();
    let (id, standing) = waits_after_its_end(&manager, terms, passed).await;
    let decider = manager.decider("test");
    let (given_with, ended) = (standing.request, standing.id);
    let (refused, text) = error(decider.withdraw_standing(given_with, ended, &person(BOB), "no").await);
    assert!(text.contains("only those who gave it"), "{refused:?}");
    let (refused, text) = error(decider.withdraw_standing(id, ended, &person(ANN), "no").await);
    assert!(text.contains("was not given with this request"), "{refused:?}");
    if by_operator {
        manager.withdraw_standing(ended, &person(BOB), "enough").await.unwrap();
    } else {
        decider.withdraw_standing(given_with, ended, &person(ANN), "enough").await.unwrap();
    }
    let (refused, text) = error(manager.withdraw_standing(ended, &person(BOB), "again").await);
    assert!(matches!(refused, ApprovalError::Refused { .. }) && text.contains("nothing to do"), "{text}");
    let withdrawn = manager.standing_approvals().await.unwrap().remove(0);
    assert_eq!(&*withdrawn.withdrawn.unwrap().why, "enough");
    does_not_run_in_its_window(&manager, id, passed).await;
    manager.verify_history(given_with).await.unwrap();
}

#[tokio::test]
async fn one_that_is_used_up_can_be_withdrawn_while_its_call_waits() {
    withdrawn_after_its_end(terms().at_most(1), 0, true).await;
    withdrawn_after_its_end(terms().at_most(1), 0, false).await;
}

#[tokio::test]
async fn one_that_ran_out_can_be_withdrawn_while_its_call_waits() {
    withdrawn_after_its_end(terms().lasting(seconds(60)), 61, true).await;
    withdrawn_after_its_end(terms().lasting(seconds(60)).at_most(1), 61, false).await;
}

#[tokio::test]
async fn a_withdrawal_between_loading_and_writing_wins() {
    let time = FakeClock::new();
    let store = Outage::of(MemoryStore::with_clock(Arc::new(time.clone())));
    let shared: Arc<dyn approval_core::store::Store> = Arc::<Outage>::clone(&store);
    let manager = TestManager::on(shared, &time, ManagerBuilder::unattended).unwrap();
    let other = TestManager::on(store.inner(), &time, ManagerBuilder::unattended).unwrap();
    stand(&manager, terms()).await;
    // The lease is there already, so that the held write is that of the grant.
    soon(manager.request(call()).await.unwrap()).await.unwrap().begin().await.unwrap().succeeded(None).await;
    let pending = manager.request(call()).await.unwrap();
    let id = pending.id();
    let approved = soon(pending).await.unwrap();
    let beginning = async move { approved.begin().await.map(drop) };
    let (refused, text) = error(store.overtake(beginning, withdraw(&other)).await);
    assert!(matches!(refused, ApprovalError::StandingWithdrawn { .. }), "{text}");
    assert_eq!(state(&other, id).await, ExecutionState::Revoked);
}
