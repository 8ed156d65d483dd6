//! Stores that an earlier version wrote are opened, brought up to date, and go on.
#![cfg(test)]

use std::sync::Arc;

use approval_core::{
    Action, ApprovalError, ApprovalManager, Clock, Principal,
    clock::{Span, Timestamp},
    id::ExecutorId,
    manager::{ManagerBuilder, StoreOperator},
    model::{ActionName, ExecutionState, HaltScope, Status},
    policy::Ruling,
    store::{JournalLine, NoticeClaim, Query, Store, StoreError},
};
use approval_store::{PostgresStore, SqliteStore};
use approval_test_cluster::Cluster;
use approval_testkit::{FakeClock, TestManager};
use serde_json::{Value, json};

const SQLITE: &str = include_str!("../fixtures/old_stores/sqlite.sql");
const POSTGRES: &str = include_str!("../fixtures/old_stores/postgres.sql");
const ANN: &str = "user:ann@example.com";
/// When the stores were written.
const START: &str = "2026-11-01T08:00:00Z";

/// As `fixtures/old_stores/make.rs` asked.
fn action(name: &str, key: &str) -> Action {
    let action = Action::new(name).unwrap();
    let action = action
        .describe(|action| {
            Ok(action.approvers([ANN])?.timeout(Span::from_hours(12)).grant_ttl(Span::from_hours(12)))
        })
        .unwrap();
    action.arguments(&json!({"cents": 500, "for": key})).unwrap().key(key)
}

fn ann() -> Principal {
    Principal::new(ANN).unwrap()
}

fn configure(builder: ManagerBuilder, namespace: &'static str) -> ManagerBuilder {
    builder.agent("worker").namespace(namespace).unattended().policy_fn(|call| {
        match call.action.name.as_str() {
            "mail.read" => Ruling::allow(),
            _ => Ruling::ask(),
        }
    })
}

/// An hour after the store was written.
fn clock() -> FakeClock {
    FakeClock::at(START.parse::<Timestamp>().unwrap() + Span::from_hours(1))
}

async fn run(manager: &ApprovalManager, action: Action) -> Result<Value, ApprovalError> {
    manager.guard(action).run(async |_, _| Ok::<_, ApprovalError>(json!("ran"))).await
}

fn claim(namespace: &str) -> NoticeClaim {
    NoticeClaim {
        owner: ExecutorId::generate(START.parse().unwrap()),
        namespace: namespace.into(),
        channels: [].into(),
        lease: Span::from_secs(60),
        limit: 1000,
    }
}

async fn the_store_goes_on(store: Arc<dyn Store>, time: FakeClock) {
    let all = store.list(&Query { limit: 1000, ..Query::default() }).await.unwrap().items;
    assert_eq!(all.len(), 12);
    let calls = store.read_journal(0, 100).await.unwrap();
    let read =
        |line: &JournalLine| matches!(line, JournalLine::Call { action, .. } if **action == *"mail.read");
    assert_eq!(calls.iter().filter(|entry| read(&entry.line)).count(), 4);
    // Nothing of then names the rules in force, and no text of rules is kept.
    assert!(all.iter().all(|stored| stored.request.basis.is_none()));
    assert!(calls.iter().all(|entry| entry.line.sources().next().is_none()));
    assert_eq!(approval_core::audit::next_source(&*store, None).await.unwrap(), None);

    // Notices wait in the namespace of their request.
    for namespace in ["default", "tenant"] {
        let claimed = store.claim_notices(&claim(namespace)).await.unwrap().notices;
        assert!(!claimed.is_empty());
        for one in claimed {
            let request = store.load(one.notice.request).await.unwrap().unwrap().request;
            assert_eq!(*request.namespace, *namespace);
        }
    }
    assert!(store.claim_notices(&claim("nobody")).await.unwrap().notices.is_empty());

    let open = |namespace| {
        TestManager::on(Arc::clone(&store), &time, |builder| configure(builder, namespace)).unwrap()
    };
    let managers = [("default", open("default")), ("tenant", open("tenant"))];
    for (namespace, manager) in &managers {
        let page = manager.list(&Query { limit: 100, ..Query::default() }).await.unwrap();
        assert_eq!(page.items.len(), 6, "{namespace}");
        for stored in &page.items {
            manager.verify_history(stored.request.id).await.unwrap();
        }
        // The halt of before holds in every namespace.
        let (Err(halted) | Ok(halted)) = run(manager, action("deploy.run", "new")).await.map(|_| panic!());
        assert!(matches!(halted, ApprovalError::Halted { .. }), "{namespace}: {halted}");
        assert!(
            manager.halts().await.unwrap().0.iter().any(|halt| &*halt.reason == "the pipeline is broken")
        );
        // A key finds its request: approved, it runs; what ran does not run again; what was rejected is told.
        let waiting = manager.request(action("payments.refund", "pending")).await.unwrap();
        assert_eq!(manager.get(waiting.id()).await.unwrap().status, Status::Pending);
        let ran = run(manager, action("payments.refund", "approved")).await;
        assert_eq!(ran.unwrap(), json!("ran"), "{namespace}");
        let again = run(manager, action("payments.refund", "approved")).await.unwrap_err();
        assert!(matches!(again, ApprovalError::AlreadyRan { .. }), "{namespace}: {again}");
        let again = run(manager, action("payments.refund", "ran")).await.unwrap_err();
        assert!(matches!(again, ApprovalError::AlreadyRan { .. }), "{namespace}: {again}");
        let rejected = run(manager, action("payments.refund", "rejected")).await.unwrap_err();
        assert!(matches!(rejected, ApprovalError::Rejected { .. }), "{namespace}: {rejected}");
        // The standing approval covers the calls of its namespace.
        let standing = manager.standing_approvals().await.unwrap();
        assert_eq!(standing.len(), 1, "{namespace}");
        let covered = run(manager, action("files.write", "second")).await;
        assert_eq!(covered.unwrap(), json!("ran"), "{namespace}");
        // The other namespace's requests do not exist here.
        for stored in all.iter().filter(|stored| *stored.request.namespace != **namespace) {
            let hidden = manager.get(stored.request.id).await;
            assert!(matches!(hidden, Err(ApprovalError::NotFound(_))), "{namespace}");
        }
    }
    let [(_, default), (_, tenant)] = &managers;
    let pending = |manager: &TestManager| {
        let manager = (**manager).clone();
        async move { manager.request(action("payments.refund", "pending")).await }
    };
    // One is approved and runs; the deadline of the other passes.
    let approved = pending(default).await.unwrap();
    default.approve(approved.id(), ANN).await.unwrap();
    approved.await.unwrap().begin().await.unwrap().succeeded(None).await;
    let expiring = pending(tenant).await.unwrap().detach();
    tenant.advance(Span::from_hours(12)).await;
    tenant.until(expiring, |request| request.status == Status::Expired).await.unwrap();
    // The halt of before is the store's to lift.
    let scope = HaltScope::Action(ActionName::new("deploy.run").unwrap());
    assert!(tenant.resume(&scope, &ann()).await.is_err());
    StoreOperator::new(Arc::clone(&store)).resume(&scope, &ann()).await.unwrap();
    let reopened = tenant.request(action("deploy.run", "after the halt")).await.unwrap().detach();
    tenant.approve(reopened, ANN).await.unwrap();
    let state = tenant.get(reopened).await.unwrap().execution.as_ref().unwrap().state();
    assert_eq!(state, ExecutionState::NotStarted);
    for (_, manager) in &managers {
        manager.shutdown().await.unwrap();
    }
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_file_of_before_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("old.db");
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute_batch(SQLITE).unwrap();
    // What a dump leaves out.
    connection.execute_batch("PRAGMA application_id = 0x61707276; PRAGMA user_version = 2").unwrap();
    drop(connection);
    let time = clock();
    let store = SqliteStore::builder(&file).clock(Arc::new(time.clone())).open().unwrap();
    the_store_goes_on(Arc::new(store), time).await;
    let connection = rusqlite::Connection::open(&file).unwrap();
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 3, "a program of before, which knows 2, refuses it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_schema_of_before_goes_on() {
    let database = Cluster::shared().database().unwrap();
    database.psql(POSTGRES).unwrap();
    assert_eq!(database.psql("SELECT version FROM approvals.store_version").unwrap(), "1");
    let time = clock();
    let given: Arc<dyn Clock> = Arc::new(time.clone());
    let store = PostgresStore::builder(database.socket_url()).clock(given).connect().await.unwrap();
    the_store_goes_on(Arc::new(store), time).await;
    let version = database.psql("SELECT version FROM approvals.store_version").unwrap();
    assert_eq!(version, "2", "a program of before, which knows 1, refuses it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_a_newer_program_is_refused() {
    let database = Cluster::shared().database().unwrap();
    PostgresStore::connect(database.socket_url()).await.unwrap().close().await.unwrap();
    database.psql("UPDATE approvals.store_version SET version = 3").unwrap();
    let refused = PostgresStore::connect(database.socket_url()).await.unwrap_err();
    assert!(matches!(refused, StoreError::TooNew { found: 3, known: 2 }), "{refused}");
}
