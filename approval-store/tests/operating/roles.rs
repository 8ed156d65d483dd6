//! Which rights the roles of the database need, as `docs/postgres.md` gives them, and what those hear who have none.

use approval_core::{
    audit::{VerifyOptions, verify_store},
    clock::Span,
    id::ExecutorId,
    store::{ChangeCursor, CommitOutcome, NoticeClaim, Query, Removal, Store, StoreError},
};
use approval_store::{ArchiveOptions, PostgresStore};
use approval_test_cluster::{Cluster, Database};

use crate::sample;

const DOCUMENTATION: &str = include_str!("../../../docs/postgres.md");

/// The SQL blocks of the documentation that begin with this comment.
fn documented(heading: &str) -> &'static str {
    let begin = format!("```sql\n-- {heading}");
    let from = DOCUMENTATION.find(&begin).expect("the documentation has this block");
    let text = &DOCUMENTATION[from + "```sql\n".len()..];
    &text[..text.find("```").unwrap()]
}

/// A database with the documented roles. Roles are shared among the databases of a server, so each has its own server.
fn prepared() -> (Cluster, Database) {
    let cluster = Cluster::start(approval_test_cluster::Settings::default()).unwrap();
    let database = cluster.database().unwrap();
    database
        .psql(&documented("roles").replace("DATABASE app", &format!("DATABASE {}", database.name())))
        .unwrap();
    (cluster, database)
}

/// The address for a role.
fn address(database: &Database, role: &str) -> String {
    database.socket_url().replace("user=postgres", &format!("user={role}"))
}

/// The store, made by its owner, and opened by another role.
async fn opened(database: &Database, role: &str) -> Result<PostgresStore, StoreError> {
    PostgresStore::connect(&address(database, "approvals_owner")).await.unwrap().close().await.unwrap();
    database.psql(documented("rights")).unwrap();
    PostgresStore::connect(&address(database, role)).await
}

#[tokio::test]
async fn the_service_does_all_its_work_without_owning_the_tables() {
    let (_cluster, database) = prepared();
    let store = opened(&database, "approvals_service").await.unwrap();
    let (id, commit) = sample::opened();
    assert!(matches!(store.commit(commit).await.unwrap(), CommitOutcome::Committed { .. }));
    assert!(store.load(id).await.unwrap().is_some());
    assert_eq!(store.list(&Query::default()).await.unwrap().items.len(), 1);
    store.due("default", 10).await.unwrap();
    let owner = ExecutorId::from_uuid(uuid::Uuid::from_u128(7));
    let claim = NoticeClaim {
        owner,
        namespace: "default".into(),
        channels: [].into(),
        lease: Span::from_mins(1),
        limit: 10,
    };
    store.claim_notices(&claim).await.unwrap();
    store.settle_notices(Vec::new()).await.unwrap();
    assert_eq!(store.changes(&ChangeCursor::default(), 10).await.unwrap().requests, [id]);
    store.read_journal(0, 10).await.unwrap();
    // Putting away makes a table, which the service itself may not.
    database.psql("UPDATE approvals.requests SET status = 'cancelled', due_at = NULL").unwrap();
    let before = approval_core::Clock::now(&approval_core::SystemClock);
    let archived = store.archive(ArchiveOptions { before, at_most: 10 }).await.unwrap();
    assert_eq!((archived.requests, archived.partitions), (1, 1));
    let removed = store.remove(Removal { request: id, version: 1 }).await.unwrap();
    assert!(matches!(removed, CommitOutcome::Committed { .. }), "{removed:?}");
    store.close().await.unwrap();
}

#[tokio::test]
async fn the_service_cannot_change_what_is_only_ever_appended_to() {
    let (_cluster, database) = prepared();
    let store = opened(&database, "approvals_service").await.unwrap();
    for statement in [
        "UPDATE approvals.events SET line = ''",
        "UPDATE approvals.journal SET line = ''",
        "DELETE FROM approvals.journal",
        "UPDATE approvals.changes SET requests = '{}'",
        "UPDATE approvals.store_version SET version = 9",
        "CREATE TABLE approvals.mine ()",
        "DROP TABLE approvals.requests",
    ] {
        let refused =
            database.psql(&format!("SET ROLE approvals_service; {statement}")).unwrap_err().to_string();
        let told = refused.contains("permission denied") || refused.contains("must be owner");
        assert!(told, "{statement}: {refused}");
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn an_auditor_reads_and_verifies_and_cannot_write() {
    let (_cluster, database) = prepared();
    let service = opened(&database, "approvals_service").await.unwrap();
    let (id, commit) = sample::opened();
    service.commit(commit).await.unwrap();

    let auditor = PostgresStore::connect(&address(&database, "approvals_auditor")).await.unwrap();
    assert!(auditor.load(id).await.unwrap().is_some());
    assert!(auditor.history(id).await.unwrap().is_empty());
    auditor.changes(&ChangeCursor::default(), 10).await.unwrap();
    verify_store(&auditor, VerifyOptions::default()).await.unwrap().unwrap();
    let refused = auditor.commit(sample::opened().1).await.unwrap_err().to_string();
    assert!(refused.contains("permission denied") && refused.contains("docs/postgres.md"), "{refused}");
    let refused = auditor.remove(Removal { request: id, version: 1 }).await.unwrap_err().to_string();
    assert!(refused.contains("permission denied"), "{refused}");
    assert!(service.load(id).await.unwrap().is_some());
    auditor.close().await.unwrap();
    service.close().await.unwrap();
}

#[tokio::test]
async fn a_role_without_rights_is_told_so() {
    let (_cluster, database) = prepared();
    database.psql("CREATE ROLE nobody LOGIN").unwrap();
    // There is no store yet, and it may not make one.
    let refused = PostgresStore::connect(&address(&database, "nobody")).await.unwrap_err().to_string();
    assert!(refused.contains("permission denied for database"), "{refused}");
    assert!(refused.contains("docs/postgres.md"), "{refused}");
    // There is one, and it may not look at it.
    let refused = opened(&database, "nobody").await.unwrap_err().to_string();
    assert!(refused.contains("permission denied for schema approvals"), "{refused}");
    assert!(refused.contains("docs/postgres.md"), "{refused}");
}

#[tokio::test]
async fn an_older_program_refuses_a_newer_schema() {
    let database = Cluster::shared().database().unwrap();
    PostgresStore::connect(database.socket_url()).await.unwrap().close().await.unwrap();
    let known: u32 =
        database.psql("SELECT version FROM approvals.store_version").unwrap().trim().parse().unwrap();
    database.psql("UPDATE approvals.store_version SET version = version + 1").unwrap();
    let error = PostgresStore::connect(database.socket_url()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::TooNew { found, known: ours } if found == known + 1 && ours == known),
        "{error}"
    );
    // Nothing was changed on the way.
    let after = database.psql("SELECT version FROM approvals.store_version").unwrap();
    assert_eq!(after.trim(), (known + 1).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_may_start_at_once_on_an_empty_database() {
    let database = Cluster::shared().database().unwrap();
    let starting: Vec<_> = (0..8)
        .map(|_| {
            let url = database.socket_url().to_owned();
            tokio::spawn(async move { PostgresStore::builder(&url).pool_size(1).connect().await })
        })
        .collect();
    let mut stores = Vec::new();
    for store in starting {
        stores.push(store.await.unwrap().unwrap());
    }
    let (id, commit) = sample::opened();
    stores[0].commit(commit).await.unwrap();
    for store in stores {
        assert!(store.load(id).await.unwrap().is_some());
        store.close().await.unwrap();
    }
    assert_eq!(database.psql("SELECT count(*) FROM approvals.store_version").unwrap().trim(), "1");
}
