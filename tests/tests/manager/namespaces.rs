//! A namespace is a wall: the manager of another one on the same store reaches nothing behind it.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use approval_core::{
    ApprovalError, ApprovalManager, Context, RequestId,
    lifecycle::{Act, Edit, Settlement},
    manager::{Grant, ManagerBuilder, StoreOperator},
    model::{
        Ballot, CanonicalJson, ExecutionState, Gate, HaltScope, Limit, StandingArguments, StandingReach,
        StandingTerms, StatsQuery, Status, canonical,
    },
    notify::{HandlerReply, Notice},
    policy::Ruling,
    store::{Commit, JournalLine, MemoryStore, Query, RecordName, RecordWrite, Store},
};
use approval_store::SqliteStore;
use approval_testkit::{FakeClock, TestManager};

use crate::common::{ANN, BOB, Runs, call, call_with, error, person, seconds, soon, unattended};

const OPS: &str = "user:ops@example.com";

fn tenant(manager: &TestManager, namespace: &'static str) -> TestManager {
    manager.another(|builder| builder.unattended().namespace(namespace)).unwrap()
}

fn on_sqlite(folder: &tempfile::TempDir) -> TestManager {
    let store = SqliteStore::open(folder.path().join("approvals.db")).unwrap();
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    TestManager::on(Arc::new(store), &clock, ManagerBuilder::unattended).unwrap()
}

async fn on_postgres() -> TestManager {
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    let store = approval_tests::postgres::Place::new().open(Arc::new(clock.clone())).await;
    TestManager::on(store, &clock, ManagerBuilder::unattended).unwrap()
}

fn value(text: &str) -> CanonicalJson {
    canonical::parse_canonical(text).unwrap()
}

type Attempt =
    fn(ApprovalManager, RequestId) -> Pin<Box<dyn Future<Output = Result<String, ApprovalError>> + Send>>;

/// Writes one attempt: what was got, as text, or the error.
macro_rules! attempts {
    ($(|$manager:ident, $id:ident| $name:literal: $attempt:expr,)+) => {
        vec![$(($name, (|$manager, $id| Box::pin(async move {
            let got: Result<_, ApprovalError> = async { $attempt }.await;
            got.map(|got| format!("{got:?}"))
        })) as Attempt)),+]
    };
}

/// Everything that can be done to one request.
fn attempts() -> Vec<(&'static str, Attempt)> {
    attempts![
        |m, id| "get": m.get(id).await,
        |m, id| "history": m.history(id).await,
        |m, id| "verify_history": m.verify_history(id).await,
        |m, id| "attach": m.attach(id).await,
        |m, id| "attach and begin": m.attach(id).await?.await?.begin().await,
        |m, id| "cancel": m.cancel(id, &person(OPS), "no").await,
        |m, id| "revoke": m.revoke(id, &person(OPS), "no").await,
        |m, id| "settle": m.settle(id, &person(OPS), Settlement::Failed, None).await,
        |m, id| "escalate": m.escalate(id, &person(OPS), 0, vec![person(OPS)], None).await,
        |m, id| "delegate": m.delegate(id, &person(ANN), &person(OPS)).await,
        |m, id| "comment": m.comment(id, &person(OPS), "hello").await,
        |m, id| "provide_info": m.provide_info(id, &person(OPS), "an answer").await,
        |m, id| "retry": m.retry(id).await,
        |m, id| "requester get": m.requester().get(id).await,
        |m, id| "requester attach": m.requester().attach(id).await,
        |m, id| "requester cancel": m.requester().cancel(id, "no").await,
        |m, id| "requester comment": m.requester().comment(id, "hello").await,
        |m, id| "requester provide_info": m.requester().provide_info(id, "an answer").await,
        |m, id| "decider get": m.decider("test").get(id).await,
        |m, id| "decider deciders": m.decider("test").deciders(id).await,
        |m, id| "decider comment": m.decider("test").comment(id, &person(ANN), "hello").await,
        |m, id| "decider request_info": m.decider("test").request_info(id, &person(ANN), "why?").await,
        |m, id| "decider delegate": m.decider("test").delegate(id, &person(ANN), &person(BOB)).await,
        |m, id| "decider escalate": m.decider("test").escalate(id, &person(ANN), 0, vec![person(OPS)], None).await,
        |m, id| "decider revoke": m.decider("test").act(id, &person(ANN), Act::Revoke { reason: "no".into() }).await,
        |m, id| "decider cancel": m.decider("test").act(id, &person(ANN), Act::Cancel { reason: None }).await,
    ]
}

/// What a person of `one` sees and another namespace's decider hands in.
async fn votes(other: &TestManager, seen: &approval_core::model::Request) {
    let decider = other.decider("test");
    let ann = person(ANN);
    let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any);
    let edits = vec![Edit { path: "cents".into(), value: value("1") }];
    let digest = seen.revision.digest;
    let all = [
        ("approve", decider.approve(seen, &ann, None).await),
        ("approve_standing", decider.approve_standing(seen, &ann, terms, None).await),
        ("approve_edited", decider.approve_edited(seen, &ann, edits, None).await),
        ("reject", decider.reject(seen, &ann, None).await),
        ("vote", decider.vote(seen.id, &ann, digest, Ballot::Approve, None).await),
    ];
    for (name, got) in all {
        let (refused, text) = error(got);
        assert!(matches!(refused, ApprovalError::NotFound(id) if id == seen.id), "{name}: {text}");
    }
}

async fn nothing_of_another_namespace_is_reached(one: TestManager) {
    let other = tenant(&one, "other");
    let pending = one.request(call()).await.unwrap();
    let rejected = one.request(call()).await.unwrap().detach();
    one.reject(rejected, ANN, "no").await.unwrap();
    let approved = one.request(call()).await.unwrap().detach();
    let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any).at_most(2);
    let seen = one.get(approved).await.unwrap();
    one.decider("test").approve_standing(&seen, &person(ANN), terms, None).await.unwrap();
    let standing = one.standing_approvals().await.unwrap().remove(0);
    let unknown = one.request(call()).await.unwrap();
    let in_doubt = unknown.id();
    let mut execution = soon(unknown).await.unwrap().begin().await.unwrap();
    execution.start();
    drop(execution);
    one.until(in_doubt, |request| {
        request.execution.as_deref().is_some_and(|one| one.state() == ExecutionState::Unknown)
    })
    .await
    .unwrap();
    let all = [pending.id(), rejected, approved, in_doubt];
    let mut before = Vec::new();
    for id in all {
        before.push((one.get(id).await.unwrap(), one.history(id).await.unwrap()));
    }

    for (name, attempt) in attempts() {
        for id in all {
            match soon(attempt((*other).clone(), id)).await {
                Err(ApprovalError::NotFound(found)) => assert_eq!(found, id, "{name}"),
                Err(error) => panic!("{name} tells of {id}: {error}"),
                Ok(got) => panic!("{name} reached {id}: {got}"),
            }
        }
    }
    for (request, _) in &before {
        votes(&other, request).await;
    }
    for query in [Query::default(), Query { namespace: Some("default".into()), ..Query::default() }] {
        assert!(other.list(&query).await.unwrap().items.is_empty());
        assert!(other.decider("test").list(&query).await.unwrap().items.is_empty());
    }
    for query in
        [StatsQuery::default(), StatsQuery { namespace: Some("default".into()), ..StatsQuery::default() }]
    {
        assert_eq!(other.stats(&query).await.unwrap(), approval_core::model::Stats::default());
    }
    assert!(other.standing_approvals().await.unwrap().is_empty());
    assert!(other.withdraw_standing(standing.id, &person(OPS), "no").await.is_err());
    let (_, text) =
        error(other.decider("test").withdraw_standing(approved, standing.id, &person(ANN), "no").await);
    assert!(text.contains("no request"), "{text}");
    // The same call is not covered by the standing approval of another namespace.
    let asked = other.request(call()).await.unwrap();
    assert_eq!(asked.request().await.unwrap().status, Status::Pending);
    assert_eq!(other.halt(HaltScope::Everything, &person(OPS), "elsewhere").await.unwrap(), 1);
    assert_eq!((one.halts().await.unwrap().0.len(), other.halts().await.unwrap().0.len()), (0, 1));

    for (id, (request, history)) in all.into_iter().zip(before) {
        assert_eq!((one.get(id).await.unwrap(), one.history(id).await.unwrap()), (request, history));
    }
    // Everything still works where it belongs, under the halt of the other namespace.
    one.approve(pending.id(), ANN).await.unwrap();
    soon(pending).await.unwrap().begin().await.unwrap().succeeded(None).await;
    let covered = one.request(call()).await.unwrap();
    assert_eq!(covered.request().await.unwrap().status, Status::Approved);
    assert!(matches!(other.request(call()).await, Err(ApprovalError::Halted { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_namespace_is_reached_in_memory() {
    nothing_of_another_namespace_is_reached(unattended()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_namespace_is_reached_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    nothing_of_another_namespace_is_reached(on_sqlite(&folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_namespace_is_reached_on_postgres() {
    nothing_of_another_namespace_is_reached(on_postgres().await).await;
}

#[tokio::test]
async fn deadlines_of_another_namespace_are_left_to_its_own_managers() {
    let one = unattended();
    let other = tenant(&one, "other");
    let call = call_with(|action| Ok(action.timeout(seconds(60))));
    let id = one.request(call).await.unwrap().detach();
    one.shutdown().await.unwrap();
    other.advance(seconds(3600)).await;
    assert_eq!(one.store().load(id).await.unwrap().unwrap().request.status, Status::Pending);
    let again = one.another(ManagerBuilder::unattended).unwrap();
    again.until(id, |request| request.status == Status::Expired).await.unwrap();
}

#[tokio::test]
async fn notices_of_another_namespace_are_left_to_its_own_channels() {
    let one = TestManager::with(|builder| builder.channel_elsewhere("handler")).unwrap();
    let counting = |counter: &Arc<AtomicUsize>| {
        let counter = Arc::clone(counter);
        move |_: Notice| {
            counter.fetch_add(1, Ordering::SeqCst);
            async { Ok(HandlerReply::Approve) }
        }
    };
    let (foreign, own) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let other = one.another(|builder| builder.namespace("other").handler(counting(&foreign))).unwrap();
    let waiting = one.request(call()).await.unwrap();
    other.advance(seconds(120)).await;
    // The other one is at work: it delivers what is its own.
    soon(other.request(call()).await.unwrap()).await.unwrap();
    let delivered = foreign.load(Ordering::SeqCst);
    assert!(delivered > 0);
    assert_eq!(waiting.request().await.unwrap().status, Status::Pending);
    let _served = one.another(|builder| builder.handler(counting(&own))).unwrap();
    soon(waiting).await.unwrap();
    assert!(own.load(Ordering::SeqCst) > 0);
    assert_eq!(foreign.load(Ordering::SeqCst), delivered);
}

#[tokio::test]
async fn approved_requests_of_another_namespace_are_not_run() {
    let one = unattended();
    let other = tenant(&one, "other");
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let worker = other.on_approved(call().spec(), move |_: serde_json::Value, _: Grant| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Ok::<_, String>(()) }
    });
    let foreign = one.request(call()).await.unwrap().detach();
    one.approve(foreign, ANN).await.unwrap();
    let own = other.request(call()).await.unwrap().detach();
    other.approve(own, ANN).await.unwrap();
    other
        .until(own, |request| {
            request.execution.as_deref().is_some_and(|one| one.state() == ExecutionState::Succeeded)
        })
        .await
        .unwrap();
    worker.stop().await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    let left = one.get(foreign).await.unwrap().execution.as_ref().unwrap().state();
    assert_eq!(left, ExecutionState::NotStarted);
}

#[tokio::test]
async fn keys_joins_and_limits_of_another_namespace_do_not_count() {
    let limit = || Limit { calls: Some(1), ..Limit::new("once") };
    let configure = |builder: ManagerBuilder| {
        let gate = Arc::new(Gate { join_identical: true, ..Gate::only("joined", Vec::new()) });
        let ask = Ruling::Ask { rule: "joined".into(), gate: Some(gate), whole: false };
        builder.unattended().policy_fn(move |_| ask.clone()).limit(limit()).unwrap()
    };
    let one = TestManager::with(configure).unwrap();
    let other = one.another(|builder| configure(builder).namespace("other")).unwrap();
    let first = one.request(call().key("A-17")).await.unwrap();
    let second = other.request(call().key("A-17")).await.unwrap();
    assert_ne!(first.id(), second.id());
    let mine = one.request(call()).await.unwrap();
    assert_eq!(one.request(call()).await.unwrap().id(), mine.id());
    assert_ne!(other.request(call()).await.unwrap().id(), mine.id());
    for (manager, pending) in [(&one, first), (&other, second)] {
        manager.approve(pending.id(), ANN).await.unwrap();
        soon(pending).await.unwrap().begin().await.unwrap().succeeded(None).await;
    }
}

#[tokio::test]
async fn an_agent_reaches_only_its_own_requests() {
    let manager = unattended();
    let theirs = manager.request(call()).await.unwrap().detach();
    let decided = manager.request(call()).await.unwrap().detach();
    manager.approve(decided, ANN).await.unwrap();
    let before = (manager.history(theirs).await.unwrap(), manager.history(decided).await.unwrap());
    let context = Context::new().agent("thief").unwrap();
    context
        .scope(async {
            let requester = manager.requester();
            for id in [theirs, decided] {
                for got in [
                    requester.get(id).await.map(drop),
                    requester.attach(id).await.map(drop),
                    requester.cancel(id, "no").await.map(drop),
                    requester.comment(id, "hello").await.map(drop),
                    requester.provide_info(id, "an answer").await.map(drop),
                ] {
                    let (refused, text) = error(got);
                    assert!(matches!(refused, ApprovalError::NotFound(found) if found == id), "{text}");
                }
            }
        })
        .await;
    assert_eq!((manager.history(theirs).await.unwrap(), manager.history(decided).await.unwrap()), before);
    // Its own requests, the agent still reaches; and operators reach all.
    let requester = manager.requester();
    requester.comment(theirs, "mine").await.unwrap();
    soon(requester.attach(decided).await.unwrap()).await.unwrap();
    manager.cancel(theirs, &person(OPS), "enough").await.unwrap();
    // The attempts are on record.
    manager.shutdown().await.unwrap();
    let refused = |line: &JournalLine| {
        matches!(line, JournalLine::Refused { by, why, .. }
            if by.as_str() == "agent:thief" && why.contains("another agent"))
    };
    assert_eq!(manager.journal().await.unwrap().iter().filter(|line| refused(line)).count(), 6);
}

#[tokio::test]
async fn an_operator_of_the_store_halts_every_namespace() {
    let one = unattended();
    let other = tenant(&one, "other");
    let operator = StoreOperator::new(Arc::clone(one.store()));
    let ops = person(OPS);
    let pending = one.request(call()).await.unwrap().detach();
    let approved = other.request(call()).await.unwrap().detach();
    other.approve(approved, ANN).await.unwrap();
    operator.halt(HaltScope::Everything, &ops, "fire").await.unwrap();
    for manager in [&one, &other] {
        assert!(matches!(manager.request(call()).await, Err(ApprovalError::Halted { .. })));
        assert_eq!(manager.halts().await.unwrap().0.len(), 1);
        let (_, text) = error(manager.resume(&HaltScope::Everything, &ops).await);
        assert!(text.contains("approvals store resume"), "{text}");
        assert!(matches!(manager.request(call()).await, Err(ApprovalError::Halted { .. })));
    }
    one.until(pending, |request| request.status == Status::Cancelled).await.unwrap();
    other
        .until(approved, |request| {
            request.execution.as_deref().is_some_and(|one| one.state() == ExecutionState::Revoked)
        })
        .await
        .unwrap();
    // A halt of one namespace is not the operator's to lift.
    one.halt(HaltScope::Agent(person("agent:test")), &ops, "smoke").await.unwrap();
    assert!(operator.resume(&HaltScope::Agent(person("agent:test")), &ops).await.is_err());
    operator.resume(&HaltScope::Everything, &ops).await.unwrap();
    assert!(other.request(call()).await.is_ok());
    assert!(matches!(one.request(call()).await, Err(ApprovalError::Halted { .. })));
    let told = |line: &JournalLine| matches!(line, JournalLine::Operated { by, .. } if *by == person(OPS));
    assert_eq!(one.journal().await.unwrap().iter().filter(|line| told(line)).count(), 2);
}

#[tokio::test]
async fn a_halt_of_an_earlier_version_holds_in_every_namespace() {
    let clock = FakeClock::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    // As programs of before wrote it.
    let value = br#"[{"scope":{"action":"payments.refund"},"reason":"fire","by":"user:ops@example.com","at":"2026-01-01T00:00:00Z"}]"#;
    let write = RecordWrite { name: RecordName::new("halt"), value: Some(value.to_vec()) };
    store.commit(Commit { writes: vec![write], ..Commit::default() }).await.unwrap();
    for namespace in ["default", "other"] {
        let manager =
            TestManager::on(Arc::clone(&store), &clock, |b| b.unattended().namespace(namespace)).unwrap();
        let (halted, text) = error(manager.request(call()).await);
        assert!(matches!(halted, ApprovalError::Halted { .. }), "{namespace}: {text}");
        let (halted, text) = error(Runs::default().run(&manager, call()).await);
        assert!(matches!(halted, ApprovalError::Halted { .. }), "{namespace}: {text}");
    }
    let scope = HaltScope::Action(approval_core::model::ActionName::new("payments.refund").unwrap());
    StoreOperator::new(Arc::clone(&store)).resume(&scope, &person(OPS)).await.unwrap();
    let manager = TestManager::on(store, &clock, ManagerBuilder::unattended).unwrap();
    assert!(manager.request(call()).await.is_ok());
}

#[tokio::test]
async fn a_namespace_with_a_slash_is_not_mistaken_for_its_beginning() {
    let one = unattended();
    let (short, long) = (tenant(&one, "a"), tenant(&one, "a/b"));
    for manager in [&short, &long] {
        let pending = manager.request(call()).await.unwrap();
        let seen = pending.request().await.unwrap();
        let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any);
        manager.decider("test").approve_standing(&seen, &person(ANN), terms, None).await.unwrap();
    }
    for (manager, namespace) in [(&short, "a"), (&long, "a/b")] {
        let all = manager.standing_approvals().await.unwrap();
        assert_eq!(all.iter().map(|one| &*one.namespace).collect::<Vec<_>>(), [namespace]);
    }
    short.halt(HaltScope::Everything, &person(OPS), "fire").await.unwrap();
    assert!(matches!(short.request(call()).await, Err(ApprovalError::Halted { .. })));
    assert!(long.request(call()).await.is_ok());
}
