//! Requests that are put away are there as before, for everybody.

use std::{fmt::Write, sync::Arc};

use approval_core::{
    Action, ApprovalManager, Clock, Principal, RequestId,
    audit::{Retention, Sealer, Sealing, VerifyOptions, prune, read_seals, verify_store},
    clock::{Span, Timestamp},
    model::{StatsQuery, Status},
    store::{Order, Query, Removal, Store},
};
use approval_store::{ArchiveOptions, Archived, PostgresStore};
use approval_test_cluster::{Cluster, Database};
use approval_testkit::FakeClock;
use serde_json::json;

fn ann() -> Principal {
    Principal::new("user:ann@example.com").unwrap()
}

/// A store with a clock of ours, and a manager on it.
struct Scene {
    database: Database,
    clock: FakeClock,
    store: Arc<PostgresStore>,
    manager: ApprovalManager,
}

impl Scene {
    async fn new() -> Self {
        let database = Cluster::shared().database().unwrap();
        let clock = FakeClock::at("2026-01-30T12:00:00Z");
        let builder = PostgresStore::builder(database.socket_url()).clock(Arc::new(clock.clone()));
        let store = Arc::new(builder.pool_size(2).connect().await.unwrap());
        let manager = ApprovalManager::builder()
            .shared_store(Arc::clone(&store) as Arc<dyn Store>)
            .clock(Arc::new(clock.clone()))
            .agent("agent")
            .unattended()
            .build()
            .unwrap();
        Self { database, clock, store, manager }
    }

    /// Opens a request.
    async fn open(&self, number: usize) -> RequestId {
        self.manager.request(call(number)).await.unwrap().detach()
    }

    /// Opens a request that is decided, and nothing is left to be done.
    async fn decided(&self, number: usize) -> RequestId {
        let id = self.open(number).await;
        let seen = self.manager.get(id).await.unwrap();
        let decider = self.manager.decider("slack");
        if number.is_multiple_of(2) {
            decider.reject(&seen, &ann(), Some("too much")).await.unwrap();
        } else {
            decider.approve(&seen, &ann(), None).await.unwrap();
            self.manager.revoke(id, &ann(), "after all not").await.unwrap();
        }
        id
    }

    async fn archive(&self, before: Timestamp) -> Archived {
        self.store.archive(ArchiveOptions { before, at_most: usize::MAX }).await.unwrap()
    }

    fn count(&self, sql: &str) -> u64 {
        let counted =
            self.database.psql(&format!("SET search_path = approvals; SELECT count(*) {sql}")).unwrap();
        counted.trim().trim_start_matches("SET").trim().parse().unwrap()
    }

    /// Everything that can be read of the requests.
    async fn seen(&self) -> String {
        let mut seen = String::new();
        for order in [Order::Ascending, Order::Descending] {
            for status in [&[][..], &[Status::Rejected], &[Status::Approved, Status::Pending]] {
                let mut query = Query { status: status.to_vec(), order, limit: 3, ..Query::default() };
                loop {
                    let page = self.store.list(&query).await.unwrap();
                    for stored in &page.items {
                        let id = stored.request.id;
                        let loaded = self.store.load(id).await.unwrap();
                        assert_eq!(loaded.as_ref(), Some(stored));
                        let (history, notices) = (self.store.history(id).await, self.store.notices(id).await);
                        writeln!(seen, "{stored:?} {:?} {:?}", history.unwrap(), notices.unwrap()).unwrap();
                    }
                    let Some(next) = page.next else { break };
                    query.after = Some(next);
                }
            }
        }
        let stats = self.store.stats(&StatsQuery::default()).await.unwrap();
        write!(seen, "{stats:?}").unwrap();
        seen
    }
}

fn call(number: usize) -> Action {
    let action = Action::new("mail.send").unwrap();
    let action = action.describe(|action| action.approvers(["user:ann@example.com"])).unwrap();
    let action = action.arguments(&json!({ "to": "bob", "number": number })).unwrap();
    action.key(format!("mail-{number}"))
}

async fn seals(store: &dyn Store) -> Vec<approval_core::audit::Seal> {
    read_seals(store, 0, usize::MAX >> 1).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_archived_is_read_verified_and_pruned_as_before() {
    let scene = Scene::new().await;
    let store: Arc<dyn Store> = Arc::clone(&scene.store) as _;
    let sealer = Sealer::new(Arc::clone(&store), Sealing::new());
    let mut old = Vec::new();
    for number in 0..4 {
        old.push(scene.decided(number).await);
    }
    // Into the next month.
    scene.clock.advance(Span::from_hours(72));
    for number in 4..8 {
        old.push(scene.decided(number).await);
    }
    sealer.seal().await.unwrap();
    scene.clock.advance(Span::from_hours(24 * 60));
    let (open, young) = (scene.open(50).await, scene.decided(8).await);
    sealer.seal().await.unwrap();
    let options = VerifyOptions { held: seals(&*store).await, ..VerifyOptions::default() };
    let before = scene.seen().await;
    let sound = verify_store(&*store, options.clone()).await.unwrap().unwrap();

    let month_ago = approval_core::clock::after(scene.clock.now(), -Span::from_hours(24 * 30));
    let archived = scene.archive(month_ago).await;
    assert_eq!((archived.requests, archived.partitions), (8, 2));
    for (table, count) in [("requests_archive_2026_01", 4), ("requests_archive_2026_02", 4)] {
        assert_eq!(scene.count(&format!("FROM {table}")), count, "{table}");
    }
    // Only what is open, and what is young, is left in the working tables.
    assert_eq!(scene.count("FROM requests WHERE document IS NOT NULL"), 2);
    assert_eq!(scene.count(&format!("FROM events WHERE request NOT IN ('{open}', '{young}')")), 0);
    assert!(scene.count("FROM events_archive") >= 8 * 3);

    assert_eq!(scene.seen().await, before);
    assert_eq!(verify_store(&*store, options.clone()).await.unwrap().unwrap(), sound);
    // Nothing is left to do.
    assert_eq!(scene.archive(month_ago).await, Archived::default());

    // Retention takes the one month, seals it, and leaves nothing in its partitions.
    let february = "2026-02-01T00:00:00Z".parse().unwrap();
    let pruned = prune(&*store, &sealer, Retention { before: february }).await.unwrap();
    assert_eq!((pruned.removed, pruned.unfinished), (4, 0));
    for parent in ["requests_archive", "events_archive", "notices_archive"] {
        assert_eq!(scene.count(&format!("FROM {parent}_2026_01")), 0);
    }
    assert!(scene.store.load(old[0]).await.unwrap().is_none());
    // The operator's copy gets the seals of the removal, which prove it.
    let options = VerifyOptions { held: seals(&*store).await, ..options };
    let report = verify_store(&*store, options.clone()).await.unwrap().unwrap();
    assert_eq!((report.requests, report.pruned), (6, 4));

    // As the documentation says, the partitions of that month can go, and those of another one can be moved and dumped.
    scene.database.psql(&format!("SET search_path = approvals; {}", documented("drop"))).unwrap();
    assert_eq!(scene.count("FROM pg_class WHERE relname LIKE '%archive_2026_01'"), 0);
    assert_eq!(verify_store(&*store, options).await.unwrap().unwrap().requests, 6);
}

/// An SQL block of the documentation.
fn documented(heading: &str) -> &'static str {
    const DOCUMENTATION: &str = include_str!("../../../docs/postgres.md");
    let begin = format!("```sql\n-- {heading}");
    let from = DOCUMENTATION.find(&begin).expect("the documentation has this block") + "```sql\n".len();
    let text = &DOCUMENTATION[from..];
    &text[..text.find("```").unwrap()]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_archived_can_be_changed_and_keeps_its_key() {
    let scene = Scene::new().await;
    let id = scene.decided(1).await;
    scene.clock.advance(Span::from_hours(1));
    assert_eq!(scene.archive(scene.clock.now()).await.requests, 1);
    let before = scene.store.load(id).await.unwrap().unwrap();

    // The same key opens nothing new.
    assert_eq!(scene.open(1).await, id);
    let key = before.request.key.as_deref().unwrap();
    assert_eq!(scene.store.find(key).await.unwrap().unwrap(), before);

    // A comment is written, and stands behind what was archived.
    scene.manager.decider("slack").comment(id, &ann(), "seen").await.unwrap();
    let after = scene.store.load(id).await.unwrap().unwrap();
    assert_eq!(after.version, before.version + 1);
    let numbers =
        |lines: &[approval_core::model::EventLine]| lines.iter().map(|line| line.seq).collect::<Vec<_>>();
    let history = numbers(&scene.store.history(id).await.unwrap());
    assert!(history.is_sorted() && history.len() > 2, "{history:?}");
    assert_eq!(scene.count("FROM events"), 1);
    verify_store(&*scene.store, VerifyOptions::default()).await.unwrap().unwrap();

    // It is put away once more, with what was added.
    assert_eq!(scene.archive(scene.clock.now()).await.requests, 1);
    assert_eq!(scene.store.load(id).await.unwrap().unwrap(), after);
    assert_eq!(numbers(&scene.store.history(id).await.unwrap()), history);
    assert_eq!((scene.count("FROM events"), scene.count("FROM requests_archive")), (0, 1));

    // And removed, from everywhere.
    scene.store.remove(Removal { request: id, version: after.version }).await.unwrap();
    for table in ["requests", "requests_archive", "events_archive", "notices_archive"] {
        assert_eq!(scene.count(&format!("FROM {table}")), 0, "{table}");
    }
    assert_ne!(scene.open(1).await, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_is_writing_is_left_and_nobody_waits() {
    let scene = Scene::new().await;
    let (first, second) = (scene.decided(1).await, scene.decided(2).await);
    // One that is open, and one that may be run.
    scene.open(3).await;
    let granted = scene.open(4).await;
    let seen = scene.manager.get(granted).await.unwrap();
    scene.manager.decider("slack").approve(&seen, &ann(), None).await.unwrap();
    scene.clock.advance(Span::from_mins(1));
    let (client, connection) =
        tokio_postgres::connect(scene.database.socket_url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let lock = format!("BEGIN; SELECT FROM approvals.requests WHERE id = '{first}' FOR UPDATE");
    client.batch_execute(&lock).await.unwrap();
    let archiving = scene.archive(scene.clock.now());
    let archived = tokio::time::timeout(std::time::Duration::from_mins(1), archiving).await.unwrap();
    assert_eq!(archived.requests, 1);
    assert_eq!(scene.count(&format!("FROM requests_archive WHERE id = '{second}'")), 1);
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(scene.archive(scene.clock.now()).await.requests, 1);
    // Those that did not come to their end stay, however often it is looked.
    assert_eq!(scene.archive(scene.clock.now()).await, Archived::default());
    assert_eq!(scene.count("FROM requests WHERE document IS NOT NULL"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_missing_makes_only_its_requests_unreadable() {
    let scene = Scene::new().await;
    let (old, open) = (scene.decided(1).await, scene.open(2).await);
    scene.clock.advance(Span::from_hours(1));
    scene.archive(scene.clock.now()).await;
    scene.database.psql("DROP TABLE approvals.requests_archive_2026_01").unwrap();
    let error = scene.store.load(old).await.unwrap_err().to_string();
    assert!(error.contains(&old.to_string()), "{error}");
    assert!(scene.store.load(open).await.unwrap().is_some());
}
