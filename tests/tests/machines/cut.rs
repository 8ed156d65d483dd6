//! A connection that is cut in the middle of a commit: whether it counts is found out.

use std::{
    io::Write as _,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use approval_core::store::{Commit, CommitOutcome, Condition, RecordName, RecordWrite, Store};
use approval_store::PostgresStore;
use approval_test_cluster::{Cluster, Database};
use approval_tests::random::full;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::common::until;

/// What the wire does to the next statement that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Cut {
    Nothing,
    /// Half of it arrives, then the wire is cut.
    Half,
    /// It arrives; the answer does not, and the wire is cut.
    Answer,
    /// It arrives, and the wire is cut at once, while the server is still at work.
    AtWork,
}

const CUTS: [Cut; 4] = [Cut::Nothing, Cut::Half, Cut::Answer, Cut::AtWork];

/// A wire between the store and the server.
struct Wire {
    next: AtomicU8,
    cuts: Notify,
}

/// What marks the statement that is cut.
const MARK: &[u8] = b"the value that is written";

fn holds(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark)
}

impl Wire {
    /// A wire to this port of this machine, and its own port.
    async fn to(port: u16) -> (Arc<Self>, u16) {
        let wire = Arc::new(Self { next: AtomicU8::new(0), cuts: Notify::new() });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let own = listener.local_addr().expect("an address").port();
        let accepting = Arc::clone(&wire);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                tokio::spawn(Arc::clone(&accepting).carry(client, server));
            }
        });
        (wire, own)
    }

    /// What happens to this statement; nothing to the ones after it.
    fn take(&self) -> Cut {
        CUTS[usize::from(self.next.swap(0, Ordering::SeqCst))]
    }

    async fn carry(self: Arc<Self>, mut client: TcpStream, mut server: TcpStream) {
        let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let mut mute = false;
        loop {
            tokio::select! {
                count = client.read(&mut asked) => {
                    let Ok(count @ 1..) = count else { return };
                    let sent = &asked[..count];
                    let cut = if holds(sent, MARK) { self.take() } else { Cut::Nothing };
                    let part = if cut == Cut::Half { &sent[..count / 2] } else { sent };
                    if server.write_all(part).await.is_err() {
                        return;
                    }
                    match cut {
                        Cut::Nothing => {}
                        Cut::Answer => mute = true,
                        Cut::Half | Cut::AtWork => return self.cuts.notify_one(),
                    }
                }
                count = server.read(&mut answered) => {
                    let Ok(count @ 1..) = count else { return };
                    if mute {
                        return self.cuts.notify_one();
                    }
                    if client.write_all(&answered[..count]).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// A store behind a wire.
async fn behind_a_wire(database: &Database) -> (Arc<Wire>, PostgresStore) {
    let (wire, port) = Wire::to(Cluster::shared().port()).await;
    let url = format!("postgres://postgres@127.0.0.1:{port}/{}", database.name());
    let store = PostgresStore::builder(&url).patience(Duration::from_mins(1)).connect().await;
    (wire, store.expect("the store can be opened"))
}

fn name() -> RecordName {
    RecordName::new("counter")
}

/// Counts a record on, if it has the version expected.
fn count_on(version: u64) -> Commit {
    let value = [MARK, version.to_string().as_bytes()].concat();
    let condition = match version {
        0 => Condition::Absent(name()),
        version => Condition::Version(name(), version),
    };
    Commit {
        conditions: vec![condition],
        writes: vec![RecordWrite { name: name(), value: Some(value) }],
        ..Commit::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_leaves_no_commit_in_doubt() {
    let database = Cluster::shared().database().expect("a database");
    let (wire, store) = behind_a_wire(&database).await;
    let rounds = if full() { 2_000 } else { 60 };
    for version in 0..rounds {
        let cut = CUTS[usize::try_from(version).expect("small") % CUTS.len()];
        wire.next.store(cut as u8, Ordering::SeqCst);
        let outcome = store.commit(count_on(version)).await.expect("the outcome is found out");
        assert!(matches!(outcome, CommitOutcome::Committed { .. }), "{cut:?}: {outcome:?}");
        if cut != Cut::Nothing {
            wire.cuts.notified().await;
        }
        let record = store.record(&name()).await.expect("a readable store").expect("it was written");
        assert_eq!(record.version, version + 1, "{cut:?}: written once");
        // The same again is refused, as after any other commit.
        let again = store.commit(count_on(version)).await.expect("the server answers");
        assert!(matches!(again, CommitOutcome::ConditionFailed { .. }), "{cut:?}: {again:?}");
    }
    store.close().await.expect("it can be closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_still_at_work_when_its_connection_is_cut_is_waited_for() {
    let database = Cluster::shared().database().expect("a database");
    let (wire, store) = behind_a_wire(&database).await;
    let store = Arc::new(store);
    for version in 0..3 {
        // Somebody keeps the server from going on in the middle of the statement.
        let mut brake = Cluster::shared()
            .client("psql")
            .args(["-X", "-q", "-d", database.url()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("psql starts");
        let mut orders = brake.stdin.take().expect("its input is a pipe");
        orders.write_all(b"BEGIN; LOCK TABLE approvals.records IN EXCLUSIVE MODE;\n").expect("psql reads");
        let waiting = |what: &'static str, count: &'static str| {
            let sql = format!(
                "SELECT count(*) >= {count} FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE {what}"
            );
            let database = &database;
            async move || {
                tokio::task::block_in_place(|| database.psql(&sql)).expect("the server answers") == "t"
            }
        };
        until("the table is locked", waiting("mode = 'ExclusiveLock' AND granted AND a.datname = current_database() AND l.relation = 'approvals.records'::regclass", "1")).await;
        wire.next.store(Cut::AtWork as u8, Ordering::SeqCst);
        let writing = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.commit(count_on(version)).await }
        });
        wire.cuts.notified().await;
        // The statement of the old connection is held up, and the new connection waits for it.
        until("both wait", waiting("NOT granted AND a.datname = current_database()", "2")).await;
        assert!(!writing.is_finished(), "answered before it could be known");
        orders.write_all(b"COMMIT;\n").expect("psql reads");
        drop(orders);
        let outcome = writing.await.expect("no panic").expect("the outcome is found out");
        assert!(matches!(outcome, CommitOutcome::Committed { .. }), "{outcome:?}");
        let record = store.record(&name()).await.expect("a readable store").expect("it was written");
        assert_eq!(record.version, version + 1, "written once");
        brake.wait().expect("psql ends");
    }
    store.close().await.expect("it can be closed");
}
