//! One request of many that fails holds up none of the others: not in a halt, not of what is due, not of lost leases.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use approval_core::{
    Action, ApprovalManager, Context, Principal, RequestId,
    clock::{Span, Timestamp},
    directory::{Directory, DirectoryError},
    manager::{ManagerBuilder, StoreOperator},
    model::{ActionName, ExecutionState, HaltScope, Limit, OverLimit, People, Status},
    policy::Ruling,
    store::{Commit, RecordName, RecordWrite, StoreError},
};
use approval_testkit::TestManager;
use async_trait::async_trait;
use serde_json::json;

use crate::common::{ANN, BOB, EVE, error, on_outage, person, seconds, soon};
use crate::outage::{Op, Outage};

/// A directory that can be made unable to look Eve up.
#[derive(Clone, Debug, Default)]
struct WithoutEve {
    fails: Arc<AtomicBool>,
    how: How,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum How {
    #[default]
    Fails,
    Panics,
    NeverAnswers,
}

impl WithoutEve {
    fn fail(&self) {
        self.fails.store(true, Ordering::SeqCst);
    }

    fn heal(&self) {
        self.fails.store(false, Ordering::SeqCst);
    }
}

#[async_trait]
impl Directory for WithoutEve {
    async fn people(&self, wanted: &[&Principal], _: Timestamp) -> Result<Arc<People>, DirectoryError> {
        if self.fails.load(Ordering::SeqCst) && wanted.iter().any(|one| one.as_str() == EVE) {
            match self.how {
                How::Fails => {}
                How::Panics => panic!("eve cannot be looked up"),
                How::NeverAnswers => std::future::pending::<()>().await,
            }
            return Err(DirectoryError("eve cannot be looked up".to_owned()));
        }
        Ok(Arc::default())
    }
}

fn without_eve(how: How) -> (TestManager, WithoutEve, Arc<Outage>) {
    let directory = WithoutEve { how, ..WithoutEve::default() };
    let handed = directory.clone();
    let (manager, store) = on_outage(|builder: ManagerBuilder| builder.unattended().directory(handed));
    (manager, directory, store)
}

/// A call about which a person has so long to decide.
fn asks(action: &str, who: &str, timeout: Span) -> Action {
    Action::new(action)
        .unwrap()
        .describe(|action| action.approvers([who]).map(|action| action.timeout(timeout)))
        .unwrap()
        .arguments(&json!({}))
        .unwrap()
}

async fn open(manager: &TestManager, action: Action) -> RequestId {
    manager.request(action).await.unwrap().detach()
}

async fn status(manager: &TestManager, id: RequestId) -> Status {
    manager.get(id).await.unwrap().status
}

fn scope(action: &str) -> HaltScope {
    HaltScope::Action(ActionName::new(action).unwrap())
}

const LONG: Span = Span::from_hours(100);

#[tokio::test]
async fn a_request_that_cannot_be_ended_holds_up_no_other_halt_and_nothing_that_is_due() {
    for how in [How::Fails, How::Panics] {
        let (manager, directory, store) = without_eve(how);
        let stuck = open(&manager, asks("a.one", EVE, LONG)).await;
        let beside = open(&manager, asks("a.one", ANN, LONG)).await;
        let pending = open(&manager, asks("a.two", ANN, LONG)).await;
        let approved = manager.request(asks("a.two", ANN, LONG)).await.unwrap();
        manager.approve(approved.id(), ANN).await.unwrap();
        let approved = soon(approved).await.unwrap();
        let due = open(&manager, asks("a.three", ANN, Span::from_mins(1))).await;
        directory.fail();
        let operator = StoreOperator::new(Arc::clone(manager.store()));
        for action in ["a.one", "a.two"] {
            operator.halt(scope(action), &person(ANN), "fire").await.unwrap();
        }
        manager.advance(seconds(1)).await;
        assert_eq!(status(&manager, beside).await, Status::Cancelled, "of the same halt");
        assert_eq!(status(&manager, pending).await, Status::Cancelled, "of another halt");
        manager.advance(seconds(60)).await;
        assert_eq!(status(&manager, due).await, Status::Expired, "on time");
        assert_eq!(status(&manager, stuck).await, Status::Pending);
        // Lifting the other halt brings nothing back.
        operator.resume(&scope("a.two"), &person(ANN)).await.unwrap();
        manager.advance(seconds(1)).await;
        assert!(approved.begin().await.is_err());
        // It is tried again, ever more rarely, whatever else is due meanwhile.
        for _ in 0..10 {
            manager.advance(seconds(31)).await;
        }
        let lists = store.calls(Op::List);
        for _ in 0..60 {
            open(&manager, asks("a.three", ANN, seconds(1))).await;
            manager.advance(seconds(2)).await;
        }
        let lists = store.calls(Op::List) - lists;
        assert!((1..=20).contains(&lists), "{lists} lists in two minutes");
        directory.heal();
        manager.advance(seconds(61)).await;
        assert_eq!(status(&manager, stuck).await, Status::Cancelled);
    }
}

#[tokio::test]
async fn a_request_that_the_store_does_not_write_holds_up_no_other_of_a_halt() {
    let (manager, store) = on_outage(ManagerBuilder::unattended);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(open(&manager, asks("a.one", ANN, LONG)).await);
    }
    // The first one in the list.
    ids.sort();
    let (stuck, others) = (ids[0], [ids[1], ids[2]]);
    store.answer_commits(move |commit| {
        let row = commit.row.as_ref()?;
        (row.document.request().id == stuck).then(|| Err(StoreError::unavailable("it is too large")))
    });
    let (_, text) = error(manager.halt(scope("a.one"), &person(ANN), "fire").await);
    assert!(text.contains("it is too large"), "{text}");
    for one in others {
        assert_eq!(status(&manager, one).await, Status::Cancelled);
    }
    assert_eq!(status(&manager, stuck).await, Status::Pending);
    // A store that is out of order is not asked about each of them.
    manager.resume(&scope("a.one"), &person(ANN)).await.unwrap();
    for _ in 0..20 {
        open(&manager, asks("a.one", ANN, LONG)).await;
    }
    let broken = Arc::new(Mutex::new(0));
    let commits = Arc::clone(&broken);
    let outage = Arc::clone(&store);
    store.answer_commits(move |commit| {
        commit.row.as_ref()?;
        *commits.lock().unwrap() += 1;
        outage.fail(&[Op::Record, Op::Commit]);
        Some(Err(StoreError::unavailable("the disk is gone")))
    });
    assert!(manager.halt(scope("a.one"), &person(ANN), "fire").await.is_err());
    assert!(*broken.lock().unwrap() <= 3, "{} commits", broken.lock().unwrap());
    store.heal();
    assert_eq!(manager.halt(scope("a.one"), &person(ANN), "fire").await.unwrap(), 21);
}

#[tokio::test]
async fn requests_that_fail_when_they_are_due_hold_up_none_behind_them() {
    for how in [How::Fails, How::Panics] {
        let (manager, directory, store) = without_eve(how);
        let mut stuck = Vec::new();
        for _ in 0..300 {
            stuck.push(open(&manager, asks("a.one", EVE, Span::from_mins(1))).await);
        }
        let soon_due = open(&manager, asks("a.two", ANN, Span::from_mins(2))).await;
        let late = open(&manager, asks("a.two", ANN, Span::from_mins(30) + seconds(7))).await;
        directory.fail();
        manager.advance(seconds(61)).await;
        manager.advance(seconds(59)).await;
        assert_eq!(status(&manager, soon_due).await, Status::Expired, "behind more than one batch of them");
        for _ in 0..28 {
            manager.advance(Span::from_mins(1)).await;
        }
        // None of the others has to wait until those that fail are tried again.
        manager.advance(seconds(7)).await;
        assert_eq!(status(&manager, late).await, Status::Expired, "at its time, by the second");
        let looks = store.calls(Op::Due);
        for _ in 0..60 {
            manager.advance(seconds(1)).await;
        }
        let looks = store.calls(Op::Due) - looks;
        assert!(looks <= 30, "{looks} looks in a minute");
        directory.heal();
        manager.advance(seconds(61)).await;
        for id in stuck {
            assert_eq!(status(&manager, id).await, Status::Expired);
        }
    }
}

#[tokio::test]
async fn a_lease_or_an_execution_that_fails_holds_up_no_other_lost_one() {
    let (manager, directory, store) = without_eve(How::Fails);
    let mut executing = Vec::new();
    for who in [EVE, ANN] {
        let waiting = manager.request(asks("a.one", who, LONG)).await.unwrap();
        let id = waiting.id();
        manager.approve(id, who).await.unwrap();
        executing.push((id, soon(waiting).await.unwrap().begin().await.unwrap()));
    }
    // It comes before all others, and is no lease.
    let broken = RecordWrite { name: RecordName::new("lease/0"), value: Some(b"broken".to_vec()) };
    store.inner().commit(Commit { writes: vec![broken], ..Commit::default() }).await.unwrap();
    let handed = directory.clone();
    let watching =
        TestManager::on(store.inner(), manager.time(), |builder| builder.unattended().directory(handed))
            .unwrap();
    directory.fail();
    store.fail(&[Op::Commit, Op::Record, Op::Records]);
    for _ in 0..8 {
        watching.advance(seconds(10)).await;
    }
    let state = async |at: usize| {
        let request = watching.get(executing[at].0).await.unwrap();
        request.execution.as_ref().unwrap().state()
    };
    assert_eq!(state(1).await, ExecutionState::Unknown);
    assert_eq!(state(0).await, ExecutionState::Executing);
    directory.heal();
    watching.advance(seconds(31)).await;
    assert_eq!(state(0).await, ExecutionState::Unknown);
}

#[tokio::test]
async fn an_approved_request_that_cannot_begin_holds_up_no_other() {
    for how in [How::Fails, How::Panics] {
        let (manager, directory, _store) = without_eve(how);
        let mut approved = Vec::new();
        for behind in [EVE, BOB] {
            let context = Context::new().on_behalf_of(behind).unwrap();
            let id = context.scope(open(&manager, asks("a.one", ANN, LONG))).await;
            manager.approve(id, ANN).await.unwrap();
            approved.push(id);
            // The next one comes after it in lists.
            manager.advance(seconds(1)).await;
        }
        directory.fail();
        let action = asks("a.one", ANN, LONG);
        let worker =
            manager.on_approved(action.spec(), |_: serde_json::Value, _| async { Ok::<(), String>(()) });
        let ran = |request: &approval_core::model::Request| {
            request.execution.as_deref().is_some_and(|one| one.state() == ExecutionState::Succeeded)
        };
        soon(manager.until(approved[1], ran)).await.unwrap();
        assert!(!ran(&manager.get(approved[0]).await.unwrap()));
        directory.heal();
        manager.advance(seconds(6)).await;
        soon(manager.until(approved[0], ran)).await.unwrap();
        worker.stop().await;
    }
}

#[tokio::test]
async fn a_halt_of_the_store_that_waits_for_an_answer_keeps_nothing_that_is_due_waiting() {
    let (manager, directory, _) = without_eve(How::NeverAnswers);
    open(&manager, asks("a.one", EVE, LONG)).await;
    let due = open(&manager, asks("a.two", ANN, Span::from_mins(1))).await;
    directory.fail();
    let operator = StoreOperator::new(Arc::clone(manager.store()));
    operator.halt(scope("a.one"), &person(ANN), "fire").await.unwrap();
    manager.advance(seconds(61)).await;
    assert_eq!(status(&manager, due).await, Status::Expired);
}

#[tokio::test]
async fn a_halt_waits_once_and_not_for_each_request_for_one_that_gives_its_place_back_and_never_ends() {
    let directory = WithoutEve { how: How::NeverAnswers, ..WithoutEve::default() };
    let handed = directory.clone();
    let (manager, _) = on_outage(|builder: ManagerBuilder| {
        let limit = Limit::new("many").calls(1000).over(OverLimit::Deny);
        builder.unattended().directory(handed).policy_fn(|_| Ruling::allow()).limit(limit).unwrap()
    });
    let held = |who: &str, action: &str, key: String, ttl: Span| {
        let action = asks(action, who, LONG).describe(|action| Ok(action.grant_ttl(ttl))).unwrap();
        manager.authorize(action.key(key))
    };
    drop(held(EVE, "a.one", "eve".to_owned(), Span::from_mins(1)).await.unwrap());
    for n in 0..30 {
        drop(held(ANN, "a.two", format!("k{n}"), LONG).await.unwrap());
    }
    directory.fail();
    // Her grant expires, and that waits for the directory.
    manager.advance(seconds(61)).await;
    let halting = ApprovalManager::clone(&manager);
    let halted = tokio::spawn(async move { halting.halt(scope("a.two"), &person(ANN), "fire").await });
    for _ in 0..20 {
        manager.advance(Span::from_millis(100)).await;
    }
    assert!(halted.is_finished(), "after two seconds");
    assert_eq!(halted.await.unwrap().unwrap(), 30);
}
