//! Nothing is acknowledged before it lies on the disk: the calls that a process makes to the system show a finished sync
//! of the write-ahead log after the write of a change and before the acknowledgement. Killing a process cannot show that:
//! what it wrote without a sync survives it, though not a loss of power.

use std::path::Path;

use approval_tests::{
    crash::{child::Orders, ledger::Line},
    trace::{self, Call},
};

/// The calls that write, sync and empty files.
const CALLS: &str = "write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,ftruncate,unlink,unlinkat";

/// An acknowledgement: the call that wrote its line, the step that it acknowledges, and when that was begun.
#[derive(Debug)]
struct Acknowledged<'a> {
    line: &'a str,
    id: String,
    tried: usize,
    at: usize,
}

/// What one run did.
struct Trace {
    calls: Vec<Call>,
}

/// Lets a child lead requests along their courses, so many at the same time.
fn traced(lanes: usize, requests: usize, channel: bool) -> Trace {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let orders = Orders {
        store: folder.path().join("approvals.db"),
        bodies: folder.path().join("bodies"),
        clock_off: 0,
        seed: 5,
        prefix: "t".to_owned(),
        requests,
        lanes,
        channel,
        unfinished: Vec::new(),
        point: None,
        hit: 0,
    };
    let trace = folder.path().join("trace");
    let orders = serde_json::to_string(&orders).expect("orders are JSON");
    let output = trace::run(env!("CARGO_BIN_EXE_crash_child"), &[orders], CALLS, &trace);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.ends_with("end\n"), "the child did not come to its end: {said}");
    Trace { calls: trace::read(&trace) }
}

impl Trace {
    fn of(&self, names: &[&str], file: impl Fn(&str) -> bool) -> Vec<&Call> {
        self.calls.iter().filter(|call| names.contains(&call.name.as_str()) && file(&call.file)).collect()
    }

    /// Writes to the write-ahead log.
    fn log_writes(&self) -> Vec<&Call> {
        self.of(&["write", "writev", "pwrite64", "pwritev", "pwritev2"], is_log)
    }

    fn log_syncs(&self) -> Vec<&Call> {
        self.of(&["fsync", "fdatasync"], is_log)
    }

    /// Every acknowledgement that the process handed on.
    fn acknowledged(&self) -> Vec<Acknowledged<'_>> {
        let mut tried: Vec<(String, usize)> = Vec::new();
        let mut found = Vec::new();
        for call in self.of(&["write"], |file| file.starts_with("pipe:")) {
            let Some(line) = call.arguments.split('"').nth(1) else { continue };
            match Line::read(line.trim_end_matches("\\n")) {
                Some(Line::Try { key, step, .. }) => tried.push((format!("{key} {step}"), call.begun)),
                Some(Line::Done { key, step, id }) => {
                    let step = format!("{key} {step}");
                    let begun = tried.iter().rev().find(|(one, _)| *one == step).map(|(_, at)| *at);
                    let tried = begun.unwrap_or_else(|| panic!("{step} was acknowledged, but never tried"));
                    found.push(Acknowledged { line, id: id.to_string(), tried, at: call.begun });
                }
                Some(Line::Open | Line::At(_) | Line::End) | None => {}
            }
        }
        found
    }
}

fn is_log(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "db-wal")
}

fn is_database(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "db")
}

#[test]
fn every_acknowledgement_follows_a_finished_sync() {
    let trace = traced(1, 40, false);
    let (writes, syncs, acknowledged) = (trace.log_writes(), trace.log_syncs(), trace.acknowledged());
    assert!(acknowledged.len() >= 80, "only {} steps were acknowledged", acknowledged.len());
    for one in &acknowledged {
        let own: Vec<&&Call> =
            writes.iter().filter(|write| write.begun < one.at && write.arguments.contains(&one.id)).collect();
        assert!(
            own.iter().any(|write| write.begun > one.tried),
            "{:?}: acknowledged, but never written",
            one.line
        );
        for write in own {
            let written = write.ended.map_or(usize::MAX, |(end, _)| end);
            assert!(
                syncs.iter().any(|sync| sync.done_within(written, one.at)),
                "{:?} was acknowledged at {} before its write at {} was synced",
                one.line,
                one.at,
                write.begun
            );
        }
    }
    println!(
        "{} acknowledgements, {} syncs, {} writes to the log",
        acknowledged.len(),
        syncs.len(),
        writes.len()
    );
}

#[test]
fn every_acknowledgement_follows_a_finished_sync_under_load() {
    let trace = traced(12, 120, true);
    let (writes, syncs, acknowledged) = (trace.log_writes(), trace.log_syncs(), trace.acknowledged());
    assert!(acknowledged.len() >= 240, "only {} steps were acknowledged", acknowledged.len());
    for one in &acknowledged {
        // Others write the same pages for changes of their own: one write since the step was begun must be synced.
        let synced = writes
            .iter()
            .filter(|write| write.begun > one.tried && write.arguments.contains(&one.id))
            .filter_map(|write| write.ended)
            .any(|(written, _)| syncs.iter().any(|sync| sync.done_within(written, one.at)));
        assert!(synced, "{:?} was acknowledged at {} without a sync since {}", one.line, one.at, one.tried);
    }
    assert!(
        syncs.len() < acknowledged.len(),
        "{} syncs for {} acknowledgements: no two shared one",
        syncs.len(),
        acknowledged.len()
    );
    println!(
        "{} acknowledgements, {} syncs, {} writes to the log",
        acknowledged.len(),
        syncs.len(),
        writes.len()
    );
}

#[test]
fn the_log_is_emptied_only_after_the_database_was_synced() {
    let trace = traced(4, 20, true);
    let writes = trace.of(&["write", "writev", "pwrite64", "pwritev", "pwritev2"], is_database);
    let syncs = trace.of(&["fsync", "fdatasync"], is_database);
    let emptied: Vec<&Call> = trace.of(&["ftruncate"], is_log);
    assert!(!emptied.is_empty(), "the log was never emptied: the process did not close its store");
    for one in emptied {
        let last =
            writes.iter().filter(|write| write.begun < one.begun).filter_map(|write| write.ended).max();
        let (last, _) = last.expect("the log was folded into the database");
        assert!(
            syncs.iter().any(|sync| sync.done_within(last, one.begun)),
            "the log was emptied at {} before the database, written at {last}, was synced",
            one.begun
        );
    }
}
