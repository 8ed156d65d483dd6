//! Facts that were looked up for one state of a request do not count for the next one.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use approval_core::{
    Action, ApprovalError, ApprovalManager, Principal, RequestId,
    clock::Timestamp,
    directory::{Directory, DirectoryError, StaticDirectory},
    lifecycle::Edit,
    manager::ManagerBuilder,
    model::{ExecutionState, People, Request, Requirement, Status, canonical::to_canonical},
    policy::{Call, Policy, PolicyError, Ruling},
    store::Query,
};
use approval_testkit::TestManager;
use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    common::{ANN, BOB, CAT, EVE, Switch, call, call_with, error, on_outage, person, soon},
    outage::Outage,
};

/// What costs more than 1000 in all needs Cat besides.
fn in_all(call: &Call<'_>) -> Ruling {
    let arguments: Value = call.arguments.deserialize().unwrap();
    let all = arguments["cents"].as_u64().unwrap() * arguments["count"].as_u64().unwrap();
    if all > 1000 {
        Ruling::ask_also([Requirement::any_of([person(CAT)])]).named("much")
    } else {
        Ruling::ask()
    }
}

/// What happens while the policy is asked.
type Happens = Box<dyn FnOnce() -> futures_util::future::BoxFuture<'static, ()> + Send>;

/// A policy during whose answer to one question something happens.
struct During {
    about: &'static str,
    happens: Mutex<Option<Happens>>,
    asked: AtomicUsize,
}

impl std::fmt::Debug for During {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("During")
    }
}

impl During {
    fn of(about: &'static str) -> Arc<Self> {
        Arc::new(Self { about, happens: Mutex::default(), asked: AtomicUsize::new(0) })
    }
}

#[derive(Clone, Debug)]
struct Shared(Arc<During>);

#[async_trait]
impl Policy for Shared {
    async fn rule(&self, call: &Call<'_>) -> Result<Ruling, PolicyError> {
        if call.arguments.as_str() == self.0.about {
            self.0.asked.fetch_add(1, Ordering::SeqCst);
            let happens = self.0.happens.lock().unwrap().take();
            if let Some(happens) = happens {
                happens().await;
            }
        }
        Ok(in_all(call))
    }
}

fn several() -> Action {
    let action = call_with(|action| Ok(action.editable("count", None)));
    action.arguments(&json!({"cents": 500, "count": 1})).unwrap()
}

/// A call that no single edit approves; up to here it costs no more than 1000 in all.
fn needs_three() -> Action {
    Action::new("payments.refund")
        .unwrap()
        .describe(|action| {
            Ok(action.require(3, [ANN, BOB, EVE])?.editable("cents", None).editable("count", None))
        })
        .unwrap()
        .arguments(&json!({"cents": 500, "count": 2}))
        .unwrap()
}

async fn edit(
    manager: &ApprovalManager,
    seen: &Request,
    by: &str,
    path: &str,
    value: u32,
) -> Result<Arc<Request>, ApprovalError> {
    let edit = Edit { path: path.into(), value: to_canonical(&value).unwrap() };
    manager.decider("desk").approve_edited(seen, &person(by), vec![edit], None).await
}

fn with_policy(policy: &Arc<During>) -> TestManager {
    let shared = Shared(Arc::clone(policy));
    TestManager::with(|builder| builder.unattended().policy(shared)).unwrap()
}

#[tokio::test]
async fn an_edit_is_not_let_pass_by_what_the_policy_said_about_other_arguments() {
    let policy = During::of(r#"{"cents":900,"count":1}"#);
    let manager = with_policy(&policy);
    let id = manager.request(needs_three()).await.unwrap().detach();
    let seen = manager.get(id).await.unwrap();
    // Bob changes the count, and while the policy is asked about the edit of Ann, who saw a count of 2, he changes it back.
    let other = manager.another(|builder| builder.unattended().policy_fn(in_all)).unwrap();
    let changed = edit(&other, &seen, BOB, "count", 1).await.unwrap();
    let back = other.decider("desk");
    *policy.happens.lock().unwrap() = Some(Box::new(move || {
        Box::pin(async move {
            let edit = Edit { path: "count".into(), value: to_canonical(&2).unwrap() };
            back.approve_edited(&changed, &person(BOB), vec![edit], None).await.unwrap();
        })
    }));
    let (refused, text) = error(edit(&manager, &seen, ANN, "cents", 900).await);
    assert!(matches!(refused, ApprovalError::ArgumentsChanged { .. }), "{text}");
    assert_eq!(policy.asked.load(Ordering::SeqCst), 0, "nobody edits these arguments");
}

#[tokio::test]
async fn an_edit_that_meets_another_there_and_back_is_asked_about_again() {
    let policy = During::of(r#"{"cents":900,"count":2}"#);
    let manager = with_policy(&policy);
    let id = manager.request(needs_three()).await.unwrap().detach();
    let seen = manager.get(id).await.unwrap();
    let other = manager.another(|builder| builder.unattended().policy_fn(in_all)).unwrap();
    let (desk, before) = (other.decider("desk"), Arc::clone(&seen));
    *policy.happens.lock().unwrap() = Some(Box::new(move || {
        Box::pin(async move {
            let to = |count: u32| vec![Edit { path: "count".into(), value: to_canonical(&count).unwrap() }];
            let changed = desk.approve_edited(&before, &person(BOB), to(1), None).await.unwrap();
            desk.approve_edited(&changed, &person(BOB), to(2), None).await.unwrap();
        })
    }));
    let edited = edit(&manager, &seen, ANN, "cents", 900).await.unwrap();
    assert_eq!(policy.asked.load(Ordering::SeqCst), 2, "once for each state of the request");
    assert_eq!(edited.revision.arguments.as_str(), r#"{"cents":900,"count":2}"#);
    assert!(edited.gate.requirements.iter().any(|one| one.of == [person(CAT)]), "{:?}", edited.gate);
    assert_eq!(edited.status, Status::Pending);
}

/// A manager on a store whose next commit is held, its policy, and an open request.
async fn held(action: Action) -> (TestManager, Arc<Outage>, Switch, RequestId) {
    let policy = Switch::new(Ruling::ask());
    let given = policy.clone();
    let (manager, store) = on_outage(|builder| builder.unattended().policy(given));
    let id = manager.request(action).await.unwrap().detach();
    (manager, store, policy, id)
}

/// Changes the request in another process, so that a commit which is on its way conflicts.
async fn remark(manager: &TestManager, store: &Outage, id: RequestId) {
    let elsewhere = TestManager::on(store.inner(), manager.time(), ManagerBuilder::unattended).unwrap();
    elsewhere.comment(id, &person(BOB), "one moment").await.unwrap();
}

#[tokio::test]
async fn an_edit_whose_commit_conflicts_asks_the_policy_again() {
    let (manager, store, policy, id) = held(several()).await;
    let seen = manager.get(id).await.unwrap();
    let approvals = ApprovalManager::clone(&manager);
    let editing = async move { edit(&approvals, &seen, ANN, "cents", 900).await };
    let meanwhile = async {
        remark(&manager, &store, id).await;
        policy.deny();
    };
    let (refused, text) = error(store.overtake(editing, meanwhile).await);
    assert!(matches!(refused, ApprovalError::PolicyDenied { .. }), "{text}");
    let stored = manager.get(id).await.unwrap();
    assert_eq!((stored.status, stored.revision.number), (Status::Pending, 1));
}

#[tokio::test]
async fn a_grant_whose_commit_conflicts_is_spent_as_the_policy_says_then() {
    let (manager, store, policy, id) = held(call()).await;
    manager.approve(id, ANN).await.unwrap();
    let approved = soon(manager.attach(id).await.unwrap()).await.unwrap();
    // The lease of the process is written before the grant.
    let warm = manager.request(call()).await.unwrap();
    manager.approve(warm.id(), ANN).await.unwrap();
    let warm = soon(manager.attach(warm.id()).await.unwrap()).await.unwrap();
    warm.begin_as(call().spec()).await.unwrap().succeeded(None).await;
    let beginning = async move { approved.begin_as(call().spec()).await.map(drop) };
    let meanwhile = async {
        remark(&manager, &store, id).await;
        policy.deny();
    };
    let (refused, text) = error(store.overtake(beginning, meanwhile).await);
    assert!(matches!(refused, ApprovalError::PolicyDenied { .. }), "{text}");
    let state = manager.get(id).await.unwrap().execution.as_deref().unwrap().state();
    assert_eq!(state, ExecutionState::NotStarted);
}

/// A directory that the test changes.
#[derive(Clone, Debug)]
struct Changing(Arc<Mutex<StaticDirectory>>);

#[async_trait]
impl Directory for Changing {
    async fn people(&self, wanted: &[&Principal], now: Timestamp) -> Result<Arc<People>, DirectoryError> {
        let directory = self.0.lock().unwrap().clone();
        directory.people(wanted, now).await
    }
}

fn finance(members: &[&str]) -> StaticDirectory {
    StaticDirectory::new().group("group:finance", members.iter().copied()).unwrap()
}

#[tokio::test]
async fn a_vote_whose_commit_conflicts_counts_as_the_directory_says_then() {
    let directory = Changing(Arc::new(Mutex::new(finance(&[ANN, BOB]))));
    let given = directory.clone();
    let (manager, store) = on_outage(|builder| builder.unattended().directory(given));
    let action = Action::new("payments.refund")
        .unwrap()
        .describe(|action| action.approvers(["group:finance"]))
        .unwrap()
        .arguments(&json!({"cents": 500}))
        .unwrap();
    let id = manager.request(action).await.unwrap().detach();
    let seen = manager.get(id).await.unwrap();
    let desk = manager.decider("desk");
    let voting = async move { desk.approve(&seen, &person(ANN), None).await };
    let meanwhile = async {
        let elsewhere = TestManager::on(store.inner(), manager.time(), |builder: ManagerBuilder| {
            builder.unattended().directory(finance(&[ANN, BOB]))
        });
        elsewhere.unwrap().comment(id, &person(BOB), "she left").await.unwrap();
        *directory.0.lock().unwrap() = finance(&[BOB]);
    };
    let (refused, text) = error(store.overtake(voting, meanwhile).await);
    assert!(matches!(refused, ApprovalError::NotAnApprover { .. }), "{text}");
    assert_eq!(manager.get(id).await.unwrap().status, Status::Pending);
}

#[tokio::test]
async fn a_refused_edit_asks_the_policy_nothing() {
    let policy = During::of(r#"{"cents":900,"count":1}"#);
    let manager = with_policy(&policy);
    let id = manager.request(several()).await.unwrap().detach();
    let seen = manager.get(id).await.unwrap();
    let edit = Edit { path: "payee".into(), value: to_canonical(&1).unwrap() };
    let refused = manager.decider("desk").approve_edited(&seen, &person(ANN), vec![edit], None).await;
    let (refused, text) = error(refused);
    assert!(matches!(refused, ApprovalError::Invalid(_)), "{text}");
    assert_eq!(policy.asked.load(Ordering::SeqCst), 0);
    assert_eq!(manager.list(&Query::default()).await.unwrap().items.len(), 1);
}
