//! What the tests of the manager share.

use std::{
    fmt::Debug,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use approval_core::{
    Action, ActionSpec, ApprovalError, ApprovalManager, Invalid, Principal,
    clock::Span,
    manager::{Grant, ManagerBuilder},
    policy::{Call, Policy, PolicyError, Ruling},
    store::MemoryStore,
};
use approval_testkit::{FakeClock, TestManager};
use async_trait::async_trait;
use serde_json::{Value, json};

use crate::outage::Outage;

pub const ANN: &str = "user:ann@example.com";
pub const BOB: &str = "user:bob@example.com";
pub const CAT: &str = "user:cat@example.com";
pub const EVE: &str = "user:eve@example.com";

pub fn person(text: &str) -> Principal {
    Principal::new(text).unwrap()
}

/// A call that Ann or Bob must approve.
pub fn call() -> Action {
    call_with(Ok)
}

/// The same, described further.
pub fn call_with(describe: impl FnOnce(ActionSpec) -> Result<ActionSpec, Invalid>) -> Action {
    Action::new("payments.refund")
        .unwrap()
        .describe(|action| {
            describe(
                action.description("Refund {cents} cents").approvers([ANN, BOB])?.editable("cents", None),
            )
        })
        .unwrap()
        .arguments(&json!({"cents": 500}))
        .unwrap()
}

/// A manager whose decisions come from the test alone.
pub fn unattended() -> TestManager {
    TestManager::with(ManagerBuilder::unattended).unwrap()
}

/// A policy that the test changes.
#[derive(Clone, Debug)]
pub struct Switch(Arc<Mutex<Result<Ruling, PolicyError>>>);

impl Switch {
    pub fn new(ruling: Ruling) -> Self {
        Self(Arc::new(Mutex::new(Ok(ruling))))
    }

    pub fn say(&self, ruling: Ruling) {
        *self.0.lock().unwrap() = Ok(ruling);
    }

    pub fn deny(&self) {
        self.say(Ruling::deny("nothing is rolled out at night").named("night"));
    }

    pub fn fail(&self) {
        *self.0.lock().unwrap() = Err(PolicyError("the rules cannot be read".to_owned()));
    }
}

#[async_trait]
impl Policy for Switch {
    async fn rule(&self, _: &Call<'_>) -> Result<Ruling, PolicyError> {
        self.0.lock().unwrap().clone()
    }
}

/// A manager whose policy the test changes.
pub fn ruled(ruling: Ruling) -> (TestManager, Switch) {
    let switch = Switch::new(ruling);
    let policy = switch.clone();
    (TestManager::with(|builder| builder.unattended().policy(policy)).unwrap(), switch)
}

/// The same on a store that can fail.
pub fn on_outage(configure: impl FnOnce(ManagerBuilder) -> ManagerBuilder) -> (TestManager, Arc<Outage>) {
    let time = FakeClock::new();
    let store = Outage::of(MemoryStore::with_clock(Arc::new(time.clone())));
    let manager = TestManager::on(Arc::<Outage>::clone(&store), &time, configure).unwrap();
    (manager, store)
}

/// Counts how often a body ran.
#[derive(Clone, Debug, Default)]
pub struct Runs(Arc<AtomicUsize>);

impl Runs {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// A body has run.
    pub fn count_one(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// A body that counts and gives back its arguments.
    pub async fn run(&self, manager: &ApprovalManager, action: Action) -> Result<Value, ApprovalError> {
        let body = async |arguments, _: Option<Grant>| {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(arguments)
        };
        manager.guard(action).run(body).await
    }

    /// The same in a task of its own.
    pub fn spawn(
        &self,
        manager: &ApprovalManager,
        action: Action,
    ) -> tokio::task::JoinHandle<Result<Value, ApprovalError>> {
        let (runs, manager) = (self.clone(), manager.clone());
        tokio::spawn(async move { runs.run(&manager, action).await })
    }
}

/// Gives up on what takes too long in real time, so that a lost wake-up fails a test instead of hanging it.
pub async fn soon<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("it ends soon")
}

pub const fn seconds(seconds: i64) -> Span {
    Span::from_secs(seconds)
}

/// The error, as text too.
pub fn error<T: Debug>(result: Result<T, ApprovalError>) -> (ApprovalError, String) {
    let error = result.unwrap_err();
    let text = error.to_string();
    (error, text)
}
