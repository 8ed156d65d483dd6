//! Promises that need no load to be broken: each is put to the test by the one thing that would break it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use approval_core::{
    Action, ApprovalError, ApprovalManager, Clock, Principal, SystemClock,
    clock::{Span, Timestamp, after},
    model::{EventLine, Outcome, Request, verify_chain},
    store::{MemoryStore, Store},
};
use approval_store::SqliteStore;
use approval_testkit::FakeClock;
use approval_tests::postgres::Place;
use async_trait::async_trait;
use serde_json::json;

const ANN: &str = "user:ann@example.com";

/// A clock that leaps by two hours after it was read so often.
#[derive(Debug)]
struct Leaping {
    start: Timestamp,
    readings_left: AtomicI64,
}

#[async_trait]
impl Clock for Leaping {
    fn now(&self) -> Timestamp {
        let left = self.readings_left.fetch_sub(1, Ordering::SeqCst);
        if left > 0 { self.start } else { after(self.start, Span::from_hours(2)) }
    }

    async fn sleep_until(&self, _: Timestamp) {
        std::future::pending().await
    }
}

impl Leaping {
    fn new() -> Arc<Self> {
        Arc::new(Self { start: FakeClock::new().now(), readings_left: AtomicI64::new(i64::MAX) })
    }
}

fn manager(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> ApprovalManager {
    ApprovalManager::builder().shared_store(store).clock(clock).agent("agent").unattended().build().unwrap()
}

fn call(arguments: &serde_json::Value) -> Action {
    let action = Action::new("mail.send").unwrap();
    action.describe(|action| action.approvers([ANN])).unwrap().arguments(arguments).unwrap()
}

/// Votes while the clock of the store leaps past the deadline after the first look at it: between the judgement, which
/// still finds the vote in time, and the write.
async fn overtaken_vote(store: Arc<dyn Store>, clock: Arc<Leaping>) {
    // The workers go by a clock that stands still: only the call itself looks at the store's.
    let manager = manager(store, Arc::new(FakeClock::new()));
    let seen = manager.request(call(&json!({}))).await.unwrap().request().await.unwrap();
    clock.readings_left.store(1, Ordering::SeqCst);
    let late = manager.decider("test").approve(&seen, &ann(), None).await;
    assert!(late.is_err(), "a vote counted that was written after the deadline: {late:?}");
    let now = manager.get(seen.id).await.unwrap();
    assert!(now.decision.is_none() || outcome(&now) == Some(Outcome::Expired), "{now:?}");
}

/// The same with the use of a grant.
async fn overtaken_use(store: Arc<dyn Store>, clock: Arc<Leaping>) {
    let manager = manager(store, Arc::new(FakeClock::new()));
    let mut approved = Vec::new();
    for _ in 0..2 {
        let pending = manager.request(call(&json!({}))).await.unwrap();
        let seen = pending.request().await.unwrap();
        manager.decider("test").approve(&seen, &ann(), None).await.unwrap();
        approved.push(pending.await.unwrap());
    }
    approved[0].begin().await.unwrap().failed("it was only there to take the lease").await;
    clock.readings_left.store(1, Ordering::SeqCst);
    let late = approved[1].begin().await;
    assert!(late.is_err(), "a grant was spent after it had run out: {late:?}");
}

fn ann() -> Principal {
    Principal::new(ANN).unwrap()
}

fn outcome(request: &Request) -> Option<Outcome> {
    request.decision.as_ref().map(|decision| decision.outcome)
}

#[tokio::test]
async fn what_the_clock_overtakes_on_its_way_to_the_store_does_not_count() {
    let clock = Leaping::new();
    overtaken_vote(Arc::new(MemoryStore::with_clock(Arc::clone(&clock) as _)), clock).await;
    let clock = Leaping::new();
    overtaken_use(Arc::new(MemoryStore::with_clock(Arc::clone(&clock) as _)), clock).await;
}

#[tokio::test]
async fn what_the_clock_overtakes_on_its_way_to_sqlite_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, clock: &Arc<Leaping>| {
        SqliteStore::builder(folder.path().join(name)).clock(Arc::clone(clock) as _).open().unwrap()
    };
    let clock = Leaping::new();
    overtaken_vote(Arc::new(open("votes.db", &clock)), clock).await;
    let clock = Leaping::new();
    overtaken_use(Arc::new(open("uses.db", &clock)), clock).await;
}

#[tokio::test]
async fn what_the_clock_overtakes_on_its_way_to_postgres_does_not_count() {
    let clock = Leaping::new();
    overtaken_vote(Place::new().open(Arc::clone(&clock) as _).await, clock).await;
    let clock = Leaping::new();
    overtaken_use(Place::new().open(Arc::clone(&clock) as _).await, clock).await;
}

#[tokio::test]
async fn the_same_key_with_other_arguments_is_an_error_and_with_the_same_the_same_request() {
    let manager = manager(Arc::new(MemoryStore::new()), Arc::new(SystemClock));
    let first = manager.request(call(&json!({"to": "bob"})).key("mail-1")).await.unwrap().detach();
    let again = manager.request(call(&json!({"to": "bob"})).key("mail-1")).await.unwrap().detach();
    assert_eq!(first, again);
    let other = manager.request(call(&json!({"to": "eve"})).key("mail-1")).await;
    assert!(
        matches!(&other, Err(ApprovalError::KeyConflict { about, .. }) if about.request == first),
        "{other:?}"
    );
}

/// Every way to lay hands on a history: edit, drop, swap, double, cut, or put a line of another in its place.
fn tampered(lines: &[EventLine], foreign: &[EventLine]) -> Vec<(String, Vec<EventLine>)> {
    let mut all = Vec::new();
    for at in 0..lines.len() {
        let mut change = |what: &str, change: &dyn Fn(&mut Vec<EventLine>)| {
            let mut lines = lines.to_vec();
            change(&mut lines);
            all.push((format!("{what} line {}", at + 1), lines));
        };
        change("edited", &|lines| {
            let text = lines[at].text.replace("user:ann", "user:eve");
            let text = if *text == *lines[at].text { text.replace("\"at\":\"2", "\"at\":\"3") } else { text };
            lines[at].text = text.into();
        });
        change("dropped", &|lines| drop(lines.remove(at)));
        change("doubled", &|lines| lines.insert(at, lines[at].clone()));
        change("cut from", &|lines| lines.truncate(at));
        change("replaced", &|lines| lines[at] = foreign[at].clone());
        if at > 0 {
            change("swapped", &|lines| lines.swap(at - 1, at));
        }
    }
    all
}

/// A history of four lines: opened, voted, decided, and what became of it.
async fn history(manager: &ApprovalManager) -> (Arc<Request>, Vec<EventLine>) {
    let seen = manager.request(call(&json!({}))).await.unwrap().request().await.unwrap();
    manager.decider("test").approve(&seen, &ann(), None).await.unwrap();
    let request = manager.revoke(seen.id, &ann(), "after all not").await.unwrap();
    let lines = manager.history(seen.id).await.unwrap();
    assert_eq!(lines.len(), 4);
    (request, lines)
}

#[tokio::test]
async fn every_edited_dropped_doubled_swapped_foreign_or_cut_line_of_a_history_is_found() {
    let manager = manager(Arc::new(MemoryStore::new()), Arc::new(SystemClock));
    let (request, lines) = history(&manager).await;
    let (_, foreign) = history(&manager).await;
    verify_chain(request.id, &lines, &request.chain).unwrap();
    let tampered = tampered(&lines, &foreign);
    assert_eq!(tampered.len(), 5 * 4 + 3);
    for (what, lines) in tampered {
        assert!(verify_chain(request.id, &lines, &request.chain).is_err(), "{what}, and nobody noticed");
    }
}

/// A fork: lines that fit each other, but not the head that the request names.
#[tokio::test]
async fn a_history_that_was_written_anew_does_not_fit_its_head() {
    let manager = manager(Arc::new(MemoryStore::new()), Arc::new(SystemClock));
    let (request, lines) = history(&manager).await;
    let mut forked = lines;
    let last = forked.last_mut().unwrap();
    last.text = last.text.replace("after all not", "never mind").into();
    let error = verify_chain(request.id, &forked, &request.chain).unwrap_err();
    assert!(error.to_string().contains("its end was cut off or changed"), "{error}");
}
