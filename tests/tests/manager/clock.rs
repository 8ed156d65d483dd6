//! A clock that is wrong: nothing is opened, approved or begun by it, and no deadline moves out of reach.

use std::sync::Arc;

use approval_core::{
    ApprovalError, Clock,
    clock::{Span, Timestamp},
    manager::{ManagerBuilder, StoreOperator},
    model::{ExecutionState, HaltScope, Risk, Status, canonical::to_canonical},
    policy::Ruling,
    store::{JournalLine, MemoryStore, Store, StoreError},
};
use approval_store::SqliteStore;
use approval_testkit::{FakeClock, TestManager};
use async_trait::async_trait;

use crate::common::{ANN, BOB, Runs, call, call_with, error, person, seconds, soon};

const DAY: Span = Span::from_hours(24);

/// A clock of a test that a store takes for the system's.
#[derive(Debug)]
struct Wrong(FakeClock);

#[async_trait]
impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn is_of_system(&self) -> bool {
        true
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.0.sleep_until(at).await;
    }
}

fn of_system(clock: &FakeClock) -> Arc<dyn Clock> {
    Arc::new(Wrong(clock.clone()))
}

fn in_memory() -> TestManager {
    let clock = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(of_system(&clock)));
    TestManager::on(store, &clock, ManagerBuilder::unattended).unwrap()
}

fn is_of_the_clock(error: &ApprovalError) -> bool {
    matches!(error, ApprovalError::Store(StoreError::ClockAhead { .. } | StoreError::ClockBehind { .. }))
}

/// Sets the clock, and holds everything against it that needs it, and what does not.
async fn what_needs_the_clock_is_refused(manager: TestManager, set: impl FnOnce(&FakeClock)) {
    let hours = |action: approval_core::ActionSpec| Ok(action.timeout(Span::from_hours(2)));
    let open = async |keyed: &str| manager.request(call_with(hours).key(keyed)).await.unwrap();
    let [voted, rejected, cancelled] = [open("1").await, open("2").await, open("3").await];
    let (approved, revoked, running) = (open("4").await, open("5").await, open("6").await);
    for id in [approved.id(), revoked.id(), running.id()] {
        manager.approve(id, ANN).await.unwrap();
    }
    let execution = soon(running).await.unwrap().begin().await.unwrap();
    let approved = soon(approved).await.unwrap();
    set(manager.time());

    let (wrong, text) = error(manager.request(call()).await);
    assert!(is_of_the_clock(&wrong) && text.contains("approvals store clock"), "{text}");
    let (wrong, text) = error(manager.approve(voted.id(), ANN).await);
    assert!(is_of_the_clock(&wrong), "{text}");
    let (wrong, text) = error(approved.begin().await);
    assert!(is_of_the_clock(&wrong), "{text}");
    assert_eq!(manager.get(voted.id()).await.unwrap().status, Status::Pending);
    assert!(manager.get(voted.id()).await.unwrap().votes.is_empty());
    let left = manager.get(approved.request().id).await.unwrap();
    assert_eq!(left.execution.as_ref().unwrap().state(), ExecutionState::NotStarted);

    // What ends or takes back is written, and how a body ended.
    manager.reject(rejected.id(), BOB, "no").await.unwrap();
    manager.cancel(cancelled.id(), &person(ANN), "no").await.unwrap();
    manager.revoke(revoked.id(), &person(ANN), "no").await.unwrap();
    let id = execution.request().id;
    execution.succeeded(None).await;
    let ended = manager.get(id).await.unwrap().execution.as_ref().unwrap().state();
    assert_eq!(ended, ExecutionState::Succeeded);
    assert_eq!(manager.halt(HaltScope::Everything, &person(ANN), "enough").await.unwrap(), 2);
}

#[tokio::test]
async fn a_clock_70_years_ahead_is_not_believed() {
    what_needs_the_clock_is_refused(in_memory(), |time| time.set(time.now() + DAY * (70 * 365))).await;
}

#[tokio::test]
async fn a_clock_401_days_ahead_is_not_believed_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::new();
    let store =
        SqliteStore::builder(folder.path().join("approvals.db")).clock(of_system(&clock)).open().unwrap();
    let manager = TestManager::on(Arc::new(store), &clock, ManagerBuilder::unattended).unwrap();
    what_needs_the_clock_is_refused(manager, |time| time.set(time.now() + DAY * 401)).await;
}

#[tokio::test]
async fn a_clock_two_minutes_behind_is_refused() {
    what_needs_the_clock_is_refused(in_memory(), |time| time.set(time.now() - seconds(120))).await;
}

/// Calls that the policy allows on this store, with the clock set like this after the first.
async fn no_allowed_call_begins(store: Arc<dyn Store>, time: &FakeClock, by: Span) {
    let allow = |builder: ManagerBuilder| builder.unattended().policy_fn(|_| Ruling::allow());
    let manager = TestManager::on(store, time, allow).unwrap();
    let runs = Runs::default();
    let of = |risk| call_with(move |action| Ok(action.risk(risk)));
    for risk in [Risk::Low, Risk::High] {
        soon(runs.run(&manager, of(risk))).await.unwrap();
    }
    let authorized = manager.authorize(of(Risk::Low)).await.unwrap();
    let right = time.now();
    time.set(right + by);
    for action in [of(Risk::Low), of(Risk::High), of(Risk::Low).key("k")] {
        let (wrong, text) = error(soon(runs.run(&manager, action)).await);
        assert!(is_of_the_clock(&wrong), "{text}");
    }
    let arguments = to_canonical(&serde_json::json!({"cents": 500})).unwrap();
    let (wrong, text) = error(authorized.begin(arguments).await.map(drop));
    assert!(is_of_the_clock(&wrong), "{text}");
    assert_eq!(runs.count(), 2);
    time.set(right);
    for risk in [Risk::Low, Risk::High] {
        soon(runs.run(&manager, of(risk))).await.unwrap();
    }
    assert_eq!(runs.count(), 4);
    let began =
        |line: &JournalLine| matches!(line, JournalLine::Call { outcome, .. } if &**outcome == "allowed");
    assert_eq!(manager.journal().await.unwrap().iter().filter(|line| began(line)).count(), 2);
}

#[tokio::test]
async fn an_allowed_call_without_a_key_does_not_begin_by_a_wrong_clock() {
    for by in [seconds(-61), Span::from_hours(-1), DAY * 401] {
        let time = FakeClock::new();
        no_allowed_call_begins(Arc::new(MemoryStore::with_clock(of_system(&time))), &time, by).await;
    }
}

#[tokio::test]
async fn an_allowed_call_without_a_key_does_not_begin_by_a_wrong_clock_on_sqlite() {
    for by in [seconds(-120), DAY * (70 * 365)] {
        let folder = tempfile::tempdir().unwrap();
        let time = FakeClock::new();
        let file = folder.path().join("approvals.db");
        let store = SqliteStore::builder(file).clock(of_system(&time)).open().unwrap();
        no_allowed_call_begins(Arc::new(store), &time, by).await;
    }
}

#[tokio::test]
async fn small_steps_of_the_clock_are_no_fault() {
    let manager = in_memory();
    let start = manager.time().now();
    for step in [seconds(-60), Span::ZERO, DAY * 400, DAY * 400 - seconds(59), DAY * 799] {
        manager.time().set(start + step);
        let pending = manager.request(call()).await.unwrap();
        manager.approve(pending.id(), ANN).await.unwrap();
        soon(pending).await.unwrap().begin().await.unwrap().succeeded(None).await;
    }
}

#[tokio::test]
async fn a_wrong_clock_moves_no_deadline_out_of_reach_of_other_processes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("approvals.db");
    let (right, wrong) = (FakeClock::new(), FakeClock::new());
    let store = SqliteStore::builder(&file).clock(of_system(&right)).open().unwrap();
    let manager = TestManager::on(Arc::new(store), &right, ManagerBuilder::unattended).unwrap();
    let waiting = manager.request(call_with(|action| Ok(action.timeout(seconds(600))))).await.unwrap();
    wrong.set(right.now() + DAY * (70 * 365));
    let store = SqliteStore::builder(&file).clock(of_system(&wrong)).open().unwrap();
    let poisoned = TestManager::on(Arc::new(store), &wrong, ManagerBuilder::unattended).unwrap();
    assert!(is_of_the_clock(&error(poisoned.request(call()).await).0));
    // It may write what needs no clock, and that carries its time to the other process; or would.
    poisoned.comment(waiting.id(), &person(ANN), "hello").await.unwrap();
    assert_eq!(manager.get(waiting.id()).await.unwrap().status, Status::Pending);
    assert!(manager.request(call()).await.is_ok());
    manager.advance(seconds(600)).await;
    manager.until(waiting.id(), |request| request.status == Status::Expired).await.unwrap();
}

#[tokio::test]
async fn an_operator_confirms_a_jump() {
    let manager = in_memory();
    let waiting = manager.request(call_with(|action| Ok(action.timeout(seconds(600))))).await.unwrap();
    let jump = manager.time().now() + DAY * 800;
    manager.time().set(jump);
    assert!(is_of_the_clock(&error(manager.request(call()).await).0));
    assert_eq!(manager.get(waiting.id()).await.unwrap().status, Status::Pending);
    let operator = StoreOperator::new(Arc::clone(manager.store()));
    assert!(operator.clock().await.unwrap().is_ahead());
    let (before, after) = operator.confirm_clock(&person(ANN)).await.unwrap();
    assert!(before.mark < jump && after.mark == jump && after.check().is_ok());
    manager.until(waiting.id(), |request| request.status == Status::Expired).await.unwrap();
    assert!(manager.request(call()).await.is_ok());
    let told = |line: &JournalLine| matches!(line, JournalLine::Operated { by, what, .. } if *by == person(ANN) && what.contains("confirmed the clock"));
    assert_eq!(manager.journal().await.unwrap().iter().filter(|line| told(line)).count(), 1);
}

#[tokio::test]
async fn an_operator_sets_a_wrong_mark_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("approvals.db");
    // The first clock of an empty store is believed, whatever it says.
    let (right, wrong) = (FakeClock::new(), FakeClock::new());
    wrong.set(right.now() + DAY * (70 * 365));
    SqliteStore::builder(&file).clock(of_system(&wrong)).open().unwrap().close().await.unwrap();
    let open = || Arc::new(SqliteStore::builder(&file).clock(of_system(&right)).open().unwrap());
    let store = open();
    let manager =
        TestManager::on(Arc::<SqliteStore>::clone(&store), &right, ManagerBuilder::unattended).unwrap();
    assert!(is_of_the_clock(&error(manager.request(call()).await).0));
    let (before, after) =
        StoreOperator::new(Arc::<SqliteStore>::clone(&store)).confirm_clock(&person(ANN)).await.unwrap();
    assert!(before.is_behind() && after.check().is_ok());
    assert_eq!(store.now().await.unwrap(), right.now());
    assert!(manager.request(call()).await.is_ok());
    manager.shutdown().await.unwrap();
    store.close().await.unwrap();
    // For good.
    let store = open();
    assert!(store.clock().await.unwrap().check().is_ok());
    store.close().await.unwrap();
}
