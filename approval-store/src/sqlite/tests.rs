use std::sync::{
    Condvar,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use approval_core::{
    id::ExecutorId,
    store::{Condition, RecordWrite},
};
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;

/// A commit of one record.
fn record(name: &str, value: &[u8]) -> Commit {
    let write = RecordWrite { name: RecordName::new(name), value: Some(value.to_vec()) };
    Commit { writes: vec![write], ..Commit::default() }
}

async fn value(store: &SqliteStore, name: &str) -> Option<Vec<u8>> {
    store.record(&RecordName::new(name)).await.unwrap().map(|record| record.value)
}

/// What an I/O error looks like.
fn io_error() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR),
        Some("on purpose".into()),
    )
}

/// A store whose commits go wrong as `wrong` says, once it is switched on.
fn faulty(
    directory: &TempDir,
    mut wrong: impl FnMut(&Connection) -> rusqlite::Result<()> + Send + 'static,
) -> (SqliteStore, Arc<AtomicBool>) {
    let on = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&on);
    let store =
        SqliteStore::builder(directory.path().join("store.db"))
            .commit_by(move |connection| {
                if switch.load(Ordering::SeqCst) { wrong(connection) } else { writer::commit(connection) }
            })
            .open()
            .unwrap();
    (store, on)
}

#[tokio::test]
async fn a_commit_that_reports_an_error_and_does_not_count_is_an_error_and_leaves_nothing() {
    let directory = TempDir::new().unwrap();
    let ways: [fn(&Connection) -> rusqlite::Result<()>; 2] =
        [|_| Err(io_error()), |connection| connection.execute_batch("ROLLBACK").and(Err(io_error()))];
    for way in ways {
        let (store, on) = faulty(&directory, way);
        store.commit(record("a", b"before")).await.unwrap();
        on.store(true, Ordering::SeqCst);
        let error = store.commit(record("a", b"lost")).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains("nothing was written"), "{error}");
        assert_eq!(value(&store, "a").await.unwrap(), b"before");
        on.store(false, Ordering::SeqCst);
        store.commit(record("a", b"after")).await.unwrap();
        assert_eq!(value(&store, "a").await.unwrap(), b"after");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_commit_that_reports_an_error_and_counts_is_acknowledged() {
    let directory = TempDir::new().unwrap();
    let (store, on) = faulty(&directory, |connection| writer::commit(connection).and(Err(io_error())));
    on.store(true, Ordering::SeqCst);
    let outcome = store.commit(record("a", b"kept")).await.unwrap();
    assert!(matches!(outcome, CommitOutcome::Committed { .. }), "{outcome:?}");
    assert_eq!(value(&store, "a").await.unwrap(), b"kept");
}

#[tokio::test]
async fn another_writers_transaction_is_not_taken_for_ones_own() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    let other = Arc::new(SqliteStore::open(&path).unwrap());
    let neighbour = Arc::clone(&other);
    // Between the failing commit and the reading back, the other writer writes several times.
    let (store, on) = faulty(&directory, move |connection| {
        connection.execute_batch("ROLLBACK").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for _ in 0..5 {
            runtime.block_on(neighbour.commit(record("b", b"theirs"))).unwrap();
        }
        Err(io_error())
    });
    on.store(true, Ordering::SeqCst);
    let error = store.commit(record("a", b"lost")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert_eq!(value(&other, "a").await, None);
    assert_eq!(value(&store, "b").await.unwrap(), b"theirs");
}

#[tokio::test]
async fn where_reading_back_fails_too_nobody_claims_to_know() {
    let directory = TempDir::new().unwrap();
    let (store, on) = faulty(&directory, |connection| {
        writer::commit(connection)?;
        connection.execute_batch("DROP TABLE writers").and(Err(io_error()))
    });
    on.store(true, Ordering::SeqCst);
    let error = store.commit(record("a", b"?")).await.unwrap_err();
    assert!(matches!(error, StoreError::OutcomeUnknown { .. }), "{error}");
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_says_so() {
    let directory = TempDir::new().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&full);
    let store = SqliteStore::builder(directory.path().join("store.db"))
        .commit_by(move |connection| {
            writer::commit(connection)?;
            // As many pages as there are, or as many as SQLite takes.
            let most = if switch.load(Ordering::SeqCst) { 1_i64 } else { 4_294_967_294 };
            connection.query_row(&format!("PRAGMA max_page_count = {most}"), [], |_| Ok(()))
        })
        .open()
        .unwrap();
    full.store(true, Ordering::SeqCst);
    store.commit(record("a", b"small")).await.unwrap();
    let (large, small) = tokio::join!(
        store.commit(record("large", &vec![0; 1_000_000])),
        store.commit(record("a", b"still")),
    );
    let error = large.unwrap_err();
    assert!(error.to_string().contains("make room on the disk"), "{error}");
    assert!(matches!(small.unwrap(), CommitOutcome::Committed { .. }));
    full.store(false, Ordering::SeqCst);
    store.commit(record("a", b"room")).await.unwrap();
    store.commit(record("large", &vec![0; 1_000_000])).await.unwrap();
}

/// A gate that holds the writer until it is opened.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    bell: Condvar,
}

impl Gate {
    fn pass(&self) {
        let open = self.open.lock().unwrap();
        drop(self.bell.wait_while(open, |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.bell.notify_all();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_together_shares_one_sync() {
    let directory = TempDir::new().unwrap();
    let (gate, syncs) = (Arc::new(Gate::default()), Arc::new(AtomicUsize::new(0)));
    let (held, counted) = (Arc::clone(&gate), Arc::clone(&syncs));
    let store = SqliteStore::builder(directory.path().join("store.db"))
        .commit_by(move |connection| {
            held.pass();
            counted.fetch_add(1, Ordering::SeqCst);
            writer::commit(connection)
        })
        .open()
        .map(Arc::new)
        .unwrap();
    // A commit that was polled once is in the queue.
    let mut commits: Vec<_> = (0..65)
        .map(|number| {
            let (store, name) = (Arc::clone(&store), format!("r{number}"));
            Box::pin(async move { store.commit(record(&name, b"")).await })
        })
        .collect();
    for commit in &mut commits {
        assert!(futures_util::poll!(commit.as_mut()).is_pending());
    }
    gate.open();
    for commit in commits {
        assert!(matches!(commit.await.unwrap(), CommitOutcome::Committed { .. }));
    }
    let syncs = syncs.load(Ordering::SeqCst);
    assert!(syncs <= 2, "{syncs} syncs for 65 commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_change_in_a_group_spares_the_others() {
    let directory = TempDir::new().unwrap();
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    let store = SqliteStore::builder(directory.path().join("store.db"))
        .failpoint(move |point| {
            if point == "before the transaction" {
                held.pass();
            }
        })
        .open()
        .map(Arc::new)
        .unwrap();
    // One byte longer than SQLite takes.
    let commits: Vec<_> = (0..9)
        .map(|number| {
            let value = if number == 4 { vec![0; 1_000_000_001] } else { vec![1] };
            let (store, name) = (Arc::clone(&store), format!("r{number}"));
            tokio::spawn(async move { store.commit(record(&name, &value)).await })
        })
        .collect();
    gate.open();
    for (number, commit) in commits.into_iter().enumerate() {
        assert_eq!(commit.await.unwrap().is_err(), number == 4, "commit {number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_panics_answers_nobody_wrongly() {
    let directory = TempDir::new().unwrap();
    let armed = Arc::new(AtomicBool::new(false));
    let fuse = Arc::clone(&armed);
    let store = SqliteStore::builder(directory.path().join("store.db"))
        .failpoint(move |point| {
            assert!(!(point == "before the answers" && fuse.load(Ordering::SeqCst)), "on purpose");
        })
        .open()
        .unwrap();
    store.commit(record("a", b"1")).await.unwrap();
    armed.store(true, Ordering::SeqCst);
    let error = store.commit(record("a", b"2")).await.unwrap_err();
    assert!(matches!(error, StoreError::OutcomeUnknown { .. }), "{error}");
    let error = store.commit(record("a", b"3")).await.unwrap_err();
    assert!(matches!(error, StoreError::Closed | StoreError::OutcomeUnknown { .. }), "{error}");
    assert!(store.close().await.unwrap_err().to_string().contains("panicked"));
    let again = SqliteStore::open(directory.path().join("store.db")).unwrap();
    assert_eq!(value(&again, "a").await.unwrap(), b"2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_waits_for_another_process_that_writes_but_not_for_ever() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    let store =
        SqliteStore::builder(&path).busy_timeout(Duration::from_millis(200)).open().map(Arc::new).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.commit(record("a", b"1")).await.unwrap_err();
    assert!(error.to_string().contains("another program holds the file locked"), "{error}");
    let mut commit = Box::pin(store.commit(record("a", b"2")));
    assert!(futures_util::poll!(commit.as_mut()).is_pending());
    other.execute_batch("COMMIT").unwrap();
    commit.await.unwrap();
    assert_eq!(value(&store, "a").await.unwrap(), b"2");
}

#[tokio::test]
async fn an_empty_outbox_is_looked_into_without_a_sync() {
    let directory = TempDir::new().unwrap();
    let syncs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&syncs);
    let store = SqliteStore::builder(directory.path().join("store.db"))
        .commit_by(move |connection| {
            counted.fetch_add(1, Ordering::SeqCst);
            writer::commit(connection)
        })
        .open()
        .unwrap();
    let owner = ExecutorId::generate(store.now().await.unwrap());
    let claim = NoticeClaim {
        namespace: "default".into(),
        owner,
        channels: Arc::new([]),
        lease: approval_core::clock::Span::from_secs(60),
        limit: 10,
    };
    assert_eq!(store.claim_notices(&claim).await.unwrap(), NoticeClaims::default());
    assert_eq!(syncs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_process_that_looks_too_late_is_told_that_anything_may_have_changed() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    let seen = watch::Seen::all(&Connection::open(&path).unwrap()).unwrap();
    for start in 0..40 {
        let commits = (0..250).map(|number| store.commit(record(&format!("{start}/{number}"), b"")));
        for outcome in futures_util::future::join_all(commits).await {
            outcome.unwrap();
        }
    }
    let reader = Connection::open(&path).unwrap();
    let changes = seen.changes(&reader).unwrap();
    assert!(
        matches!(changes[..], [approval_core::store::Change::Everything]),
        "{:.200}",
        format!("{changes:?}")
    );
    let kept: i64 = reader.query_row("SELECT count(*) FROM record_log", [], |row| row.get(0)).unwrap();
    assert!((4096..8500).contains(&kept), "{kept} writes of records are remembered");
}

#[tokio::test]
async fn what_was_written_before_a_crash_of_the_clock_is_not_dated_after_it() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    let ahead = approval_testkit::FakeClock::new();
    ahead.advance(approval_core::clock::Span::from_hours(1));
    let behind = approval_testkit::FakeClock::new();
    let first = SqliteStore::builder(&path).clock(Arc::new(ahead)).open().unwrap();
    let second = SqliteStore::builder(&path).clock(Arc::new(behind)).open().unwrap();
    let CommitOutcome::Committed { at: early, .. } = first.commit(record("a", b"")).await.unwrap() else {
        panic!("refused")
    };
    let condition = Condition::Version(RecordName::new("a"), 1);
    let after = Commit { conditions: vec![condition], ..record("a", b"") };
    let CommitOutcome::Committed { at: late, .. } = second.commit(after).await.unwrap() else {
        panic!("refused")
    };
    assert!(late >= early, "the later change is dated {late}, the earlier one {early}");
}

#[test]
fn what_sqlite_says_of_a_file_does_not_repeat_its_path() {
    let folder = TempDir::new().unwrap();
    for name in ["a;s3cret.db", "a#s3cret", "s3cret/x.db"] {
        let error = readers::open(&folder.path().join(name), Duration::ZERO).unwrap_err();
        let error: &dyn std::error::Error = &error;
        let whole = std::iter::successors(Some(error), |error| error.source());
        let shown = whole.map(|error| format!("{error} {error:?}")).collect::<Vec<_>>().join(" ");
        assert!(!shown.contains("s3cret") && shown.contains("look at the path"), "{shown}");
    }
}
