//! A store with some of everything, made by real managers, and everything that a store holds as text.

use std::sync::{Arc, LazyLock};

use approval_core::{
    Action, ApprovalManager, Principal, RequestId,
    audit::{
        Ed25519Keys, Ed25519Signer, Report, Retention, Seal, Sealer, Sealing, VerifyOptions, prune,
        read_seals, verify_store,
    },
    clock::{Clock, Span, after},
    manager::ManagerBuilder,
    model::{
        ActionName, ExecutionState, HaltScope, Limit, Money, OverLimit, Source, StandingArguments,
        StandingReach, StandingTerms,
    },
    notify::{Capabilities, Delivered, MessageRef, Notice, Notifier, NotifyError},
    policy::{Call, Policy, PolicyError, Ruling},
    store::{MemoryStore, Query, Store},
    transfer::Transfer,
};
use approval_store::SqliteStore;
use approval_testkit::{FakeClock, TestManager};
use async_trait::async_trait;
use serde_json::json;

use crate::cut::Cut;

pub const ANN: &str = "user:ann@example.com";
/// Whom no message reaches.
pub const BOB: &str = "user:bob@example.com";

pub fn person(text: &str) -> Principal {
    Principal::new(text).unwrap()
}

/// Takes what is for Ann, and is too busy for the others.
#[derive(Debug)]
struct Post;

#[async_trait]
impl Notifier for Post {
    fn name(&self) -> &'static str {
        "post"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::tells().with_updates()
    }

    async fn deliver(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        if notice.to != person(ANN) {
            return Err(NotifyError::retry("busy"));
        }
        Ok(Delivered { message: Some(MessageRef(format!("message {}", notice.id).into())) })
    }

    async fn update(&self, _: &MessageRef, _: &Notice) -> Result<(), NotifyError> {
        Ok(())
    }
}

/// Two reads cost a dollar together.
pub fn budget() -> Limit {
    Limit::new("reads").cost("1 USD".parse::<Money>().unwrap()).over(OverLimit::Deny)
}

/// Rules whose text takes two records.
#[derive(Debug)]
struct Rules;

static TEXT: LazyLock<Arc<Source>> = LazyLock::new(|| Arc::new(Source::new("# why\n".repeat(50_000))));

#[async_trait]
impl Policy for Rules {
    async fn rule(&self, call: &Call<'_>) -> Result<Ruling, PolicyError> {
        Ok(if call.action.name.as_str() == "balance.read" { Ruling::allow() } else { Ruling::ask() })
    }

    fn source(&self) -> Option<Arc<Source>> {
        Some(Arc::clone(&TEXT))
    }
}

pub fn configure(builder: ManagerBuilder) -> ManagerBuilder {
    builder.agent("agent").unattended().policy(Rules).limit(budget()).unwrap()
}

/// The people who work on a store, and no channel.
pub fn manager(store: &Arc<dyn Store>, clock: &FakeClock) -> TestManager {
    TestManager::on(Arc::clone(store), clock, configure).unwrap()
}

pub fn call(name: &str, number: usize) -> Action {
    let action = Action::new(name).unwrap();
    let action = action
        .describe(|action| {
            Ok(action.approvers([ANN, BOB])?.no_timeout().grant_ttl(Span::from_hours(24 * 30)))
        })
        .unwrap();
    action.arguments(&json!({ "number": number, "text": "\u{2066}ünïcode\n" })).unwrap()
}

/// A call that runs without asking and counts against a budget.
pub fn read(number: usize) -> Action {
    read_for(number, "0.40 USD")
}

/// The same at this price.
pub fn read_for(number: usize, cost: &str) -> Action {
    let action = Action::new("balance.read").unwrap();
    let action = action.describe(|action| Ok(action.cost(cost).risk(approval_core::Risk::Low))).unwrap();
    action.arguments(&json!({ "number": number })).unwrap()
}

/// What is in the store, for going on with it.
pub struct Scene {
    pub store: Arc<dyn Store>,
    pub clock: FakeClock,
    pub signer: Ed25519Signer,
    pub pending: RequestId,
    /// Approved under the key `paid`, and not run yet.
    pub approved: RequestId,
    /// Its process is gone, its lease not yet.
    pub executing: RequestId,
    pub succeeded: RequestId,
    pub long: RequestId,
    /// The seals as somebody else holds them.
    pub held: Vec<Seal>,
    _folder: Option<tempfile::TempDir>,
}

/// Where a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Memory,
    Sqlite,
    Postgres,
}

/// An empty store, and the folder that it is in.
pub async fn empty(place: Place, clock: &FakeClock) -> (Arc<dyn Store>, Option<tempfile::TempDir>) {
    match place {
        Place::Memory => (Arc::new(MemoryStore::with_clock(Arc::new(clock.clone()))), None),
        Place::Sqlite => {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("approvals.db");
            let store = SqliteStore::builder(file).clock(Arc::new(clock.clone())).open().unwrap();
            (Arc::new(store), Some(folder))
        }
        Place::Postgres => (approval_tests::postgres::Place::new().open(Arc::new(clock.clone())).await, None),
    }
}

pub fn sealing(signer: &Ed25519Signer) -> Sealing {
    Sealing::new().signer(signer.clone())
}

/// Holds a store against its keys and the seals held elsewhere.
pub async fn verified(store: &dyn Store, signer: &Ed25519Signer, held: &[Seal]) -> Report {
    let keys = Ed25519Keys::new().with_pem(&signer.public_pem().unwrap()).unwrap();
    let options =
        VerifyOptions { keys: Some(Arc::new(keys)), held: held.to_vec(), ..VerifyOptions::default() };
    verify_store(store, options).await.unwrap().unwrap()
}

async fn open(manager: &ApprovalManager, action: Action) -> RequestId {
    manager.request(action).await.unwrap().detach()
}

/// A process is killed while it runs something.
async fn killed(store: &Arc<dyn Store>, clock: &FakeClock, number: usize) -> RequestId {
    let line = Cut::whole(store);
    let lost = manager(&(Arc::clone(&line) as Arc<dyn Store>), clock);
    let waiting = lost.request(call("payments.refund", number)).await.unwrap();
    lost.approve(waiting.id(), ANN).await.unwrap();
    let execution = waiting.await.unwrap().begin().await.unwrap();
    line.cut_off();
    execution.request().id
}

/// Lets time pass until the lease ran out of the process that executed a request, and that was noticed.
pub async fn in_doubt(people: &TestManager, id: RequestId) {
    for _ in 0..1000 {
        people.advance(Span::from_secs(10)).await;
        let request = people.get(id).await.unwrap();
        if request.execution.as_ref().is_some_and(|execution| execution.state() == ExecutionState::Unknown) {
            return;
        }
        // The store works on a thread of its own.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("the lease never ran out");
}

impl Scene {
    pub async fn new(place: Place) -> Self {
        let clock = FakeClock::at("2026-03-01T09:00:00Z");
        let (store, folder) = empty(place, &clock).await;
        let signer = Ed25519Signer::generate().unwrap();
        let sealer = Sealer::new(Arc::clone(&store), sealing(&signer));
        let people = manager(&store, &clock);
        let ann = person(ANN);

        // Old matters, of which retention lets two go.
        for number in 0..3 {
            let id = open(&people, call("mail.send", number)).await;
            people.reject(id, ANN, "no").await.unwrap();
        }
        sealer.seal().await.unwrap();
        clock.advance(Span::from_hours(24));
        let before = after(clock.now(), -Span::from_hours(1));
        assert_eq!(prune(&*store, &sealer, Retention { before }).await.unwrap().removed, 3);

        // Three channels' worth of notices: delivered, waiting and obsolete.
        let telling =
            TestManager::on(Arc::clone(&store), &clock, |builder| configure(builder).notifier(Post)).unwrap();
        let told = open(&telling, call("mail.send", 10)).await;
        let mut settled = false;
        for _ in 0..2000 {
            let notices = store.notices(told).await.unwrap();
            settled = notices.len() == 2
                && notices.iter().filter(|notice| is_waiting(notice)).count() == 1
                && notices.iter().any(is_tried_again);
            if settled {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert!(settled, "one notice is delivered, the other waits to be tried again");
        telling.shutdown().await.unwrap();

        // Every status and execution that lasts.
        let rejected = open(&people, call("mail.send", 11)).await;
        people.reject(rejected, ANN, "too much").await.unwrap();
        let cancelled = open(&people, call("mail.send", 12)).await;
        people.cancel(cancelled, &ann, "not needed").await.unwrap();
        let approved = open(&people, call("payments.refund", 13).key("paid")).await;
        people.approve(approved, ANN).await.unwrap();
        let succeeded = {
            let waiting = people.request(call("payments.refund", 14).key("done")).await.unwrap();
            people.approve(waiting.id(), ANN).await.unwrap();
            let execution = waiting.await.unwrap().begin().await.unwrap();
            let id = execution.request().id;
            execution.succeeded(None).await;
            id
        };
        let unknown = killed(&store, &clock, 15).await;
        in_doubt(&people, unknown).await;

        // A standing approval, used once; a budget, partly spent, with its lines in the journal.
        let first = people.request(call("reports.send", 16)).await.unwrap();
        let seen = first.request().await.unwrap();
        let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any).at_most(5);
        people.decider("test").approve_standing(&seen, &ann, terms, Some("as every day")).await.unwrap();
        drop(first);
        open(&people, call("reports.send", 17)).await;
        for number in 0..2 {
            people
                .guard(read(number))
                .run(async |_, _| Ok::<_, approval_core::ApprovalError>(()))
                .await
                .unwrap();
        }

        // A history that no single commit takes.
        let long = open(&people, call("mail.send", 18)).await;
        for number in 0..130 {
            people.decider("slack").comment(long, &ann, &format!("note {number}\u{0}")).await.unwrap();
        }
        sealer.seal().await.unwrap();
        let held = read_seals(&*store, 0, 1000).await.unwrap();

        // After the last seal: a new request, one that grew, one whose process was killed, a halt.
        let pending = open(&people, call("mail.send", 19).key("asked")).await;
        people.decider("slack").comment(approved, &ann, "soon").await.unwrap();
        let executing = killed(&store, &clock, 20).await;
        let scope = HaltScope::Action(ActionName::new("tables.drop").unwrap());
        people.halt(scope, &ann, "not today").await.unwrap();
        people.shutdown().await.unwrap();
        Self { store, clock, signer, pending, approved, executing, succeeded, long, held, _folder: folder }
    }

    /// A copy of it.
    pub fn transfer(&self, to: &Arc<dyn Store>) -> Transfer {
        Transfer::new(Arc::clone(&self.store), Arc::clone(to)).source("the source")
    }
}

fn is_waiting(notice: &approval_core::model::OutboxNotice) -> bool {
    matches!(notice.delivery, approval_core::model::Delivery::Waiting { .. })
}

fn is_tried_again(notice: &approval_core::model::OutboxNotice) -> bool {
    matches!(notice.delivery, approval_core::model::Delivery::Waiting { attempts: 1.., .. })
}

/// Everything that a store holds, but for versions, times of writing, the copy's own record and where sealing goes on.
pub async fn everything(store: &dyn Store) -> Vec<String> {
    let mut all = Vec::new();
    let mut query = Query::default();
    loop {
        let page = store.list(&query).await.unwrap();
        for stored in &page.items {
            let id = stored.request.id;
            all.push(serde_json::to_string(&stored.request).unwrap());
            for line in store.history(id).await.unwrap() {
                all.push(format!("{id} {} {}", line.seq, line.text));
            }
            for notice in store.notices(id).await.unwrap() {
                all.push(serde_json::to_string(&notice).unwrap());
            }
            if let Some(key) = &stored.request.key {
                assert_eq!(store.find(key).await.unwrap().unwrap().request.id, id);
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    for record in store.records("", None, 10_000).await.unwrap() {
        let name = record.name.as_str();
        if name.starts_with("copy/") {
            continue;
        }
        let mut value = String::from_utf8(record.value).unwrap();
        if name == "audit/state" {
            let mut state: serde_json::Value = serde_json::from_str(&value).unwrap();
            state["cursor"] = serde_json::Value::Null;
            value = state.to_string();
        }
        all.push(format!("{name} {value}"));
    }
    for entry in store.read_journal(0, 10_000).await.unwrap() {
        all.push(format!("{} {}", entry.number, serde_json::to_string(&entry.line).unwrap()));
    }
    all
}
