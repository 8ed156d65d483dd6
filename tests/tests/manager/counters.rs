//! What ends requests gives their places in limits back, and many ends share one counter. Rounds are counted, not time.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use approval_core::{
    Action, ApprovalError, RequestId,
    clock::Span,
    guard::Authorization,
    manager::ManagerBuilder,
    model::{Execution, ExecutionState, HaltScope, Limit, OverLimit, Usage, canonical::to_canonical},
    policy::Ruling,
    store::{Commit, CommitOutcome, Condition, MemoryStore, Query, RecordName, RecordWrite},
};
use approval_testkit::{FakeClock, TestManager};
use serde_json::json;

use crate::common::{ANN, call, call_with, error, person, soon};
use crate::outage::{Op, Outage};

fn limited(builder: ManagerBuilder) -> ManagerBuilder {
    let limit = Limit::new("many").calls(1000).over(OverLimit::Deny);
    builder.unattended().policy_fn(|_| Ruling::allow()).limit(limit).unwrap()
}

fn on_store() -> (TestManager, Arc<Outage>) {
    let time = FakeClock::new();
    let store = Outage::of(MemoryStore::with_clock(Arc::new(time.clone())));
    (TestManager::on(Arc::<Outage>::clone(&store), &time, limited).unwrap(), store)
}

/// Holds a call that the policy lets run, and tells its request.
async fn hold_call(manager: &TestManager, action: Action) -> (RequestId, Authorization) {
    let ids = async || -> HashSet<RequestId> {
        let query = Query { limit: 1000, ..Query::default() };
        manager.list(&query).await.unwrap().items.iter().map(|stored| stored.request.id).collect()
    };
    let before = ids().await;
    let held = manager.authorize(action).await.unwrap();
    let new: Vec<RequestId> = ids().await.difference(&before).copied().collect();
    assert_eq!(new.len(), 1);
    (new[0], held)
}

async fn hold(manager: &TestManager, key: &str) -> (RequestId, Authorization) {
    hold_call(manager, call().key(key)).await
}

async fn begin(held: Authorization) -> Result<(), ApprovalError> {
    let actual = to_canonical(&json!({"cents": 500})).unwrap();
    held.begin(actual).await?.succeeded(None).await;
    Ok(())
}

/// Places that are taken, and runs that are counted.
async fn counted(store: &Outage) -> (u64, u64) {
    let records = store.inner().records("limit/", None, 10).await.unwrap();
    let usages = records.iter().map(|record| serde_json::from_slice::<Usage>(&record.value).unwrap());
    let stretches: Vec<_> = usages.flat_map(|usage| usage.stretches).collect();
    (stretches.iter().map(|one| one.places).sum(), stretches.iter().map(|one| one.calls).sum())
}

/// The counter that a change of a request depends on.
fn counter(commit: &Commit) -> Option<RecordName> {
    commit.row.as_ref()?;
    commit.conditions.iter().find_map(|condition| match condition {
        Condition::Version(name, _) | Condition::Absent(name) if name.as_str().starts_with("limit/") => {
            Some(name.clone())
        }
        _ => None,
    })
}

/// Rounds that an end may lose before it gives way.
const MOST_LOST: usize = 4;

/// The same for what ends by itself.
const MOST_LOST_BY_TIME: usize = 64;

/// Others are faster at the counters, so many times. How many changes of requests are tried from now on.
fn lose(store: &Outage, mut times: usize) -> Arc<AtomicUsize> {
    let rounds = Arc::new(AtomicUsize::new(0));
    let tried = Arc::clone(&rounds);
    store.answer_commits(move |commit| {
        commit.row.as_ref()?;
        tried.fetch_add(1, Ordering::SeqCst);
        let name = counter(commit)?;
        times = times.checked_sub(1)?;
        Some(Ok(CommitOutcome::ConditionFailed { name, found: None }))
    });
    rounds
}

async fn state(manager: &TestManager, id: RequestId) -> ExecutionState {
    manager.get(id).await.unwrap().execution.as_ref().map(|one| one.state()).unwrap()
}

#[tokio::test]
async fn what_ends_a_request_ends_it_after_a_few_lost_rounds() {
    for how in ["revoke", "halt", "expiry"] {
        let most = if how == "expiry" { MOST_LOST_BY_TIME } else { MOST_LOST };
        for (lost, rounds, places) in [(0, 1, 0), (2, 3, 0), (usize::MAX, most + 1, 1)] {
            let (manager, store) = on_store();
            let (id, held) = hold(&manager, "k").await;
            let tried = lose(&store, lost);
            match how {
                "revoke" => drop(manager.revoke(id, &person(ANN), "no").await.unwrap()),
                "halt" => {
                    let halted = manager.halt(HaltScope::Everything, &person(ANN), "no").await;
                    assert_eq!(halted.unwrap(), 1);
                }
                _ => manager.advance(Span::from_mins(16)).await,
            }
            let state = state(&manager, id).await;
            assert!(
                matches!(state, ExecutionState::Revoked | ExecutionState::GrantExpired),
                "{how}: {state:?}"
            );
            assert_eq!(tried.load(Ordering::SeqCst), rounds, "{how}, lost {lost}");
            assert_eq!(counted(&store).await, (places, 0), "{how}, lost {lost}");
            store.heal();
            assert!(begin(held).await.is_err());
        }
    }
}

#[tokio::test]
async fn a_halt_ends_all_of_its_list_however_many_rounds_it_loses() {
    let (manager, store) = on_store();
    for n in 0..32 {
        drop(hold(&manager, &format!("k{n}")).await);
    }
    let tried = lose(&store, usize::MAX);
    assert_eq!(manager.halt(HaltScope::Everything, &person(ANN), "no").await.unwrap(), 32);
    assert_eq!(tried.load(Ordering::SeqCst), 32 * (MOST_LOST + 1));
}

#[tokio::test]
async fn a_run_is_counted_or_does_not_begin() {
    let (manager, store) = on_store();
    let (id, held) = hold(&manager, "k").await;
    lose(&store, usize::MAX);
    assert!(matches!(error(begin(held).await).0, ApprovalError::Store(_)));
    assert_eq!(state(&manager, id).await, ExecutionState::NotStarted);
    store.heal();
    assert_eq!(counted(&store).await, (1, 0));
}

#[tokio::test]
async fn a_counter_that_moved_makes_nothing_else_be_read_again() {
    let (manager, store) = on_store();
    drop(hold(&manager, "k").await);
    let (_, held) = hold(&manager, "l").await;
    // The lease is there, and all is known that can be.
    begin(hold(&manager, "m").await.1).await.unwrap();
    let rounds = 10;
    lose(&store, rounds);
    let (loads, records, lists) = (store.calls(Op::Load), store.calls(Op::Record), store.calls(Op::Records));
    begin(held).await.unwrap();
    let (loads, records, lists) =
        (store.calls(Op::Load) - loads, store.calls(Op::Record) - records, store.calls(Op::Records) - lists);
    assert!(loads <= 2, "{loads} loads");
    assert!(records <= rounds + 3, "the counter in each of {rounds} rounds: {records} records");
    assert_eq!(lists, 0, "no standing approvals");
}

#[tokio::test]
async fn a_halt_that_was_not_noticed_stops_a_run_that_lost_rounds_on_a_counter() {
    let (manager, store) = on_store();
    let deaf = store.deaf();
    let process = TestManager::on(Arc::<Outage>::clone(&deaf), manager.time(), limited).unwrap();
    begin(hold(&process, "warm").await.1).await.unwrap();
    let (_, held) = hold(&process, "k").await;
    let (_, other) = hold(&process, "l").await;
    let unspent = |request: &approval_core::model::Request| {
        matches!(request.execution.as_deref(), Some(Execution::NotStarted))
    };
    let rounds = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&rounds);
    deaf.answer_commits(move |commit| {
        let name = counter(commit)?;
        (seen.fetch_add(1, Ordering::SeqCst) < 3)
            .then_some(Ok(CommitOutcome::ConditionFailed { name, found: None }))
    });
    store.fail(&[Op::List]);
    assert!(
        manager.halt(HaltScope::Everything, &person(ANN), "fire").await.is_err(),
        "the brake is on, nothing is ended"
    );
    store.heal();
    let before = process.list(&Query::default()).await.unwrap().items;
    assert_eq!(before.iter().filter(|stored| unspent(&stored.request)).count(), 2);
    let (halted, text) = error(begin(held).await);
    assert!(matches!(halted, ApprovalError::Halted { .. }), "{text}");
    assert!(rounds.load(Ordering::SeqCst) >= 1);
    assert_eq!(counted(&store).await, (2, 1));
    drop(other);
}

#[tokio::test]
async fn grants_that_expire_together_do_not_fight_for_their_counter() {
    const GRANTS: usize = 64;
    let (manager, store) = on_store();
    for n in 0..GRANTS {
        drop(hold(&manager, &format!("k{n}")).await);
    }
    let asked = call_with(|action| Ok(action.grant_ttl(Span::from_hours(9)))).key("long");
    let (beside, _held) = hold_call(&manager, asked).await;
    store.give_way();
    let commits = store.calls(Op::Commit);
    manager.time().advance(Span::from_mins(16));
    // A halt at the same time takes turns with them.
    let scope = HaltScope::Agent(person("agent:nobody"));
    manager.halt(scope, &person(ANN), "x").await.unwrap();
    let unspent = Query { execution: vec![ExecutionState::NotStarted], limit: 2, ..Query::default() };
    let all_expired = async {
        while store.inner().list(&unspent).await.unwrap().items.len() > 1 {
            tokio::task::yield_now().await;
        }
    };
    soon(all_expired).await;
    let commits = store.calls(Op::Commit) - commits;
    assert!(commits <= 2 * GRANTS, "{commits} commits for {GRANTS} grants");
    assert_eq!(counted(&store).await, (1, 0), "each gave its place back");
    assert_eq!(state(&manager, beside).await, ExecutionState::NotStarted);
}

#[tokio::test]
async fn a_halt_and_grants_that_expire_take_turns() {
    const EACH: usize = 32;
    let (manager, store) = on_store();
    for n in 0..EACH {
        drop(hold(&manager, &format!("k{n}")).await);
    }
    for n in 0..EACH {
        let long = call_with(|action| Ok(action.grant_ttl(Span::from_hours(9)))).key(format!("l{n}"));
        drop(manager.authorize(long).await.unwrap());
    }
    store.give_way();
    let commits = store.calls(Op::Commit);
    manager.time().advance(Span::from_mins(16));
    soon(manager.halt(HaltScope::Everything, &person(ANN), "fire")).await.unwrap();
    let unspent = Query { execution: vec![ExecutionState::NotStarted], limit: 1, ..Query::default() };
    let all_ended = async {
        while !store.inner().list(&unspent).await.unwrap().items.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    soon(all_ended).await;
    let commits = store.calls(Op::Commit) - commits;
    assert!(commits <= 2 * 2 * EACH + 8, "{commits} commits for {} ends", 2 * EACH);
    assert_eq!(counted(&store).await, (0, 0), "each gave its place back");
}

#[tokio::test]
async fn one_counter_that_cannot_be_read_keeps_no_place_in_another() {
    let manager = TestManager::with(|builder| {
        let one = builder.unattended().policy_fn(|_| Ruling::allow()).limit(Limit::new("one").calls(5));
        one.unwrap().limit(Limit::new("two").calls(5)).unwrap()
    })
    .unwrap();
    let (id, held) = hold(&manager, "k").await;
    let places = manager.get(id).await.unwrap().places.clone();
    let [broken, whole] = [0, 1].map(|n| RecordName::new(places[n].counter.clone()));
    let write = RecordWrite { name: broken.clone(), value: Some(b"broken".to_vec()) };
    manager.store().commit(Commit { writes: vec![write], ..Commit::default() }).await.unwrap();
    manager.revoke(id, &person(ANN), "no").await.unwrap();
    let left = manager.get(id).await.unwrap().places.clone();
    assert_eq!(left.iter().map(|place| place.counter.to_string()).collect::<Vec<_>>(), [broken.to_string()]);
    let record = manager.store().record(&whole).await.unwrap().unwrap();
    let usage: Usage = serde_json::from_slice(&record.value).unwrap();
    assert!(usage.stretches.iter().all(|stretch| stretch.places == 0));
    drop(held);
}
