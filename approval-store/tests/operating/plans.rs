//! However many requests there are, what is looked for is found along an index, in its order.
//!
//! The server itself logs the plan of every statement that the store has it do, those inside of functions too, with the
//! rows that each step went over.

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use approval_core::{
    RequestId,
    clock::Span,
    id::ExecutorId,
    model::{ExecutionState, Status},
    store::{ChangeCursor, NoticeClaim, Order, Query, Store, StoreError},
};
use approval_store::PostgresStore;
use approval_test_cluster::{Cluster, Database, Settings};
use serde_json::Value;

use crate::sample;

/// How many requests there are.
const COUNT: usize = 20_000;
/// How many are asked for at a time.
const PAGE: usize = 20;
/// Tables that grow with the number of requests.
const LARGE: [&str; 6] = ["requests", "events", "notices", "changes", "journal", "due_claims"];
/// Most rows of such a table that a step may go over. Every state has at least a thousand.
const MOST: f64 = 100.0;

/// A server that logs plans, and how far its log was read.
struct Logged {
    cluster: Cluster,
    log: PathBuf,
    read: usize,
    marks: usize,
}

/// A statement that the server did.
struct Done {
    text: String,
    plan: Value,
}

impl Logged {
    fn start() -> Self {
        let lines = [
            "session_preload_libraries = 'auto_explain'",
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_analyze = on",
            "auto_explain.log_timing = off",
            "auto_explain.log_nested_statements = on",
            "auto_explain.log_format = json",
            "logging_collector = on",
            "log_destination = 'jsonlog'",
            "log_filename = 'plans.log'",
            // What the server does by itself must not change plans half-way.
            "autovacuum = off",
        ];
        let settings = lines.into_iter().fold(Settings::default(), Settings::conf);
        let cluster = Cluster::start(settings).unwrap();
        let log = cluster.data().join("log/plans.json");
        Self { cluster, log, read: 0, marks: 0 }
    }

    /// What was done since the last time.
    async fn done(&mut self, database: &Database) -> Vec<Done> {
        self.marks += 1;
        let mark = format!("mark {}.", self.marks);
        database.psql(&format!("SELECT '{mark}'")).unwrap();
        let text =
            tokio::time::timeout(Duration::from_mins(1), until_said(&self.log, self.read, &mark)).await;
        let text = text.expect("the server's log does not show what it did");
        self.read += text.len();
        text.lines().filter_map(done).filter(|done| !done.text.contains(&mark)).collect()
    }
}

/// The log from this byte on, once it says this.
async fn until_said(log: &Path, from: usize, mark: &str) -> String {
    loop {
        let bytes = fs::read(log).unwrap();
        let text = std::str::from_utf8(&bytes[from..]).unwrap_or_default();
        if let Some(end) = text.find(mark)
            && let Some(line) = text[end..].find('\n')
        {
            return text[..=end + line].to_owned();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A line of the log that tells a plan.
fn done(line: &str) -> Option<Done> {
    let line: Value = serde_json::from_str(line).ok()?;
    let message = line["message"].as_str()?;
    let told: Value = serde_json::from_str(&message[message.find('{')?..]).ok()?;
    Some(Done { text: told["Query Text"].as_str()?.to_owned(), plan: told["Plan"].clone() })
}

/// Every step of a plan.
fn steps(plan: &Value) -> Vec<&Value> {
    let below = plan["Plans"].as_array().into_iter().flatten().flat_map(steps);
    std::iter::once(plan).chain(below).collect()
}

/// A number of a step, over all times that it was done.
fn number(step: &Value, name: &str) -> f64 {
    step[name].as_f64().unwrap_or_default() * step["Actual Loops"].as_f64().unwrap_or_default()
}

/// The plan as `EXPLAIN` shows it, without the figures.
fn shown(step: &Value, depth: usize, to: &mut String) {
    let text = |name: &str| step[name].as_str().unwrap_or_default();
    let mut line = text("Node Type").to_owned();
    if text("Scan Direction") == "Backward" {
        line.push_str(" Backward");
    }
    for (word, name) in [(" using ", "Index Name"), (" on ", "Relation Name"), (" on ", "Function Name")] {
        if !text(name).is_empty() {
            write!(line, "{word}{}", text(name)).unwrap();
        }
    }
    for name in ["Index Cond", "Filter", "Sort Key"] {
        match &step[name] {
            Value::Null => {}
            Value::String(text) => write!(line, "; {name}: {text}").unwrap(),
            other => write!(line, "; {name}: {other}").unwrap(),
        }
    }
    writeln!(to, "{}{line}", "  ".repeat(depth)).unwrap();
    for below in step["Plans"].as_array().into_iter().flatten() {
        shown(below, depth + 1, to);
    }
}

/// Holds what was done against what must be: no step goes over much of a large table, or sorts much; and these indexes
/// were gone along.
fn hold(what: &str, done: &[Done], sorts: bool, wanted: &[&str]) {
    assert!(!done.is_empty(), "{what}: the log shows nothing");
    let mut used = BTreeSet::new();
    for Done { text, plan } in done {
        let mut picture = String::new();
        shown(plan, 0, &mut picture);
        println!("-- {what}: {}\n{picture}", text.split_whitespace().collect::<Vec<_>>().join(" "));
        for step in steps(plan) {
            let kind = step["Node Type"].as_str().unwrap_or_default();
            let large = step["Relation Name"].as_str().is_some_and(|name| LARGE.contains(&name));
            used.extend(step["Index Name"].as_str());
            assert!(
                !(large && kind == "Seq Scan"),
                "{what}: a large table is read whole:\n{text}\n{picture}"
            );
            let over = number(step, "Actual Rows") + number(step, "Rows Removed by Filter");
            assert!(over <= MOST, "{what}: a step goes over {over} rows:\n{text}\n{picture}");
            assert!(sorts || !kind.contains("Sort"), "{what}: sorted:\n{text}\n{picture}");
        }
    }
    for index in wanted {
        assert!(used.contains(index), "{what}: {index} is not used, but {used:?}");
    }
}

/// Fills the tables: requests in all states, with two events and a notice each, a line of the change log and of the journal.
fn fill(database: &Database) {
    let template = sample::document(RequestId::from_uuid(uuid::Uuid::nil()));
    let states = "(ARRAY['pending', 'pending', 'info_requested', 'expired', 'cancelled', 'rejected', 'rejected', 'approved'])";
    let executions =
        "(ARRAY['not_started', 'executing', 'unknown', 'failed', 'grant_expired', 'revoked', 'succeeded'])";
    database
        .psql(&format!(
            r"SET auto_explain.log_min_duration = -1; SET search_path = approvals;
            CREATE TEMPORARY TABLE made AS
                SELECT n,
                    (lpad(to_hex(1767225600000 + n * 60000), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid AS id,
                    {states}[least(n % 20, 7) + 1] AS status,
                    CASE WHEN n % 20 >= 7 THEN {executions}[least(n % 20 - 7, 6) + 1] END AS execution,
                    CASE WHEN n % 20 = 8 THEN '00000000-0000-4000-8000-000000000001'::uuid END AS executor,
                    'run-' || n / 50 AS run,
                    to_timestamp(1767225600 + n * 60) AS created_at,
                    CASE WHEN n % 20 < 3 THEN to_timestamp(1767229200 + n * 60) END AS due
                FROM generate_series(1, {COUNT}) AS s (n);
            INSERT INTO requests (id, version, key, namespace, status, execution, action, requester, run, due_at,
                    executor, created_at, document)
                SELECT id, 1, 'key-' || n, 'default', status, execution, 'payments.refund', 'agent:suite', run,
                    (extract(epoch FROM due) * 1000000)::bigint, executor, (extract(epoch FROM created_at) * 1000000)::bigint,
                    convert_to(('{template}'::jsonb || jsonb_strip_nulls(jsonb_build_object('id', id, 'status', status,
                        'run', run, 'key', 'key-' || n, 'created_at', created_at, 'execution',
                        CASE WHEN execution IS NOT NULL THEN jsonb_build_object('state', execution, 'at', created_at,
                            'why', 'so', 'started', true, 'executor', coalesce(executor, id), 'by', 'user:ann@example.com')
                        END)))::text, 'UTF8')
                FROM made;
            INSERT INTO events (request, seq, line) SELECT id, s, '{{}}' FROM made, generate_series(1, 2) AS s;
            INSERT INTO notices (id, request, channel, claimable_at, body)
                SELECT id, id, 'channel-' || n % 3, CASE WHEN n % 2 = 0 THEN n END, '{{}}' FROM made;
            INSERT INTO changes (batch, writer, requests, records, notices)
                SELECT nextval('batches'), id, ARRAY[id], '{{}}', false FROM made ORDER BY n;
            INSERT INTO journal (number, line) SELECT n, 'no line' FROM made;
            ANALYZE"
        ))
        .unwrap();
}

/// The queries, each with the indexes that it goes along.
fn queries() -> Vec<(String, Query, Vec<&'static str>)> {
    let of = |status: &[Status]| Query { status: status.to_vec(), limit: PAGE, ..Query::default() };
    let executed = |execution: &[ExecutionState]| Query {
        execution: execution.to_vec(),
        limit: PAGE,
        ..Query::default()
    };
    let executor = ExecutorId::from_uuid(uuid::uuid!("00000000-0000-4000-8000-000000000001"));
    let mut all = vec![
        ("all".to_owned(), of(&[]), vec!["requests_pkey"]),
        ("every status".to_owned(), of(Status::ALL), vec!["requests_pkey"]),
        ("open".to_owned(), of(&[Status::Pending, Status::InfoRequested]), vec!["requests_status"]),
        (
            "by executor".to_owned(),
            Query { executor: Some(executor), ..executed(&[]) },
            vec!["requests_execution"],
        ),
        ("by run".to_owned(), Query { run: Some("run-200".into()), ..of(&[]) }, vec!["requests_run"]),
        (
            "by run and status".to_owned(),
            Query { run: Some("run-200".into()), ..of(&[Status::Approved, Status::Pending]) },
            vec!["requests_run"],
        ),
        (
            "by run and execution".to_owned(),
            Query { run: Some("run-200".into()), ..executed(&[ExecutionState::Succeeded]) },
            vec!["requests_run"],
        ),
    ];
    for status in Status::ALL {
        all.push((format!("status {}", status.as_str()), of(&[*status]), vec!["requests_status"]));
    }
    for state in [
        ExecutionState::NotStarted,
        ExecutionState::Executing,
        ExecutionState::Succeeded,
        ExecutionState::Failed,
        ExecutionState::Unknown,
        ExecutionState::GrantExpired,
        ExecutionState::Revoked,
    ] {
        all.push((format!("execution {}", state.as_str()), executed(&[state]), vec!["requests_execution"]));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_found_along_an_index() {
    let mut logged = Logged::start();
    let database = logged.cluster.database().unwrap();
    // Connects first, so that there are tables; and then again, with what is known of them by then.
    PostgresStore::connect(database.socket_url()).await.unwrap().close().await.unwrap();
    fill(&database);
    let builder = PostgresStore::builder(database.socket_url());
    let store = builder.pool_size(1).poll_every(Duration::from_hours(1)).connect().await.unwrap();
    logged.done(&database).await;

    let mut middle = None;
    for (what, query, wanted) in queries() {
        for order in [Order::Ascending, Order::Descending] {
            let query = Query { order, ..query.clone() };
            let page = store.list(&query).await.unwrap();
            hold(&format!("list {what}, {order:?}"), &logged.done(&database).await, false, &wanted);
            assert!(page.items.len() == PAGE || query.run.is_some(), "{what}: {}", page.items.len());
            let Some(after) = page.next else { continue };
            let next = store.list(&Query { after: Some(after), ..query }).await.unwrap();
            hold(&format!("list {what}, {order:?}, on"), &logged.done(&database).await, false, &wanted);
            assert!(!next.items.is_empty());
            middle = Some(after);
        }
    }
    let id = middle.unwrap();

    assert!(store.load(id).await.unwrap().is_some());
    hold("load", &logged.done(&database).await, false, &["requests_pkey"]);
    assert!(store.find("key-777").await.unwrap().is_some());
    hold("find", &logged.done(&database).await, false, &["requests_key"]);
    assert_eq!(store.history(id).await.unwrap().len(), 2);
    hold("history", &logged.done(&database).await, false, &["events_pkey"]);
    // The notices cannot be decoded; they were read.
    assert!(matches!(store.notices(id).await, Err(StoreError::Unreadable { .. })));
    hold("notices", &logged.done(&database).await, true, &["notices_request"]);

    // Another process looks after what has been due longest.
    let other = PostgresStore::connect(database.socket_url()).await.unwrap();
    assert_eq!(other.due("default", 2 * PAGE).await.unwrap().items.len(), 2 * PAGE);
    logged.done(&database).await;

    // These sort what they found; of the tables they read no more than they claim, and what is claimed by others.
    assert_eq!(store.due("default", PAGE).await.unwrap().items.len(), PAGE);
    other.close().await.unwrap();
    hold("due", &logged.done(&database).await, true, &["requests_due"]);
    for channels in [vec!["channel-1".into()].into(), [].into()] {
        let owner = ExecutorId::from_uuid(uuid::Uuid::from_u128(7));
        let claim = NoticeClaim {
            owner,
            namespace: "default".into(),
            channels,
            lease: Span::from_mins(1),
            limit: PAGE,
        };
        store.claim_notices(&claim).await.unwrap();
        hold("claim of notices", &logged.done(&database).await, true, &["notices_claimable"]);
    }

    let changes = store.changes(&ChangeCursor::default(), PAGE).await.unwrap();
    assert_eq!(changes.requests.len(), PAGE);
    hold("changes", &logged.done(&database).await, false, &["changes_pkey"]);
    store.changes(&changes.next, PAGE).await.unwrap();
    hold("changes, on", &logged.done(&database).await, false, &["changes_pkey"]);
    // The lines cannot be decoded; they were read.
    assert!(store.read_journal(500, PAGE).await.is_err());
    hold("journal", &logged.done(&database).await, false, &["journal_pkey"]);

    let (_, commit) = sample::opened();
    store.commit(commit).await.unwrap();
    hold("opening", &logged.done(&database).await, true, &[]);
    store.close().await.unwrap();
}
