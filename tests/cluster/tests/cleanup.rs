//! Nothing outlives the process that started it, however it ends.

#![expect(clippy::unwrap_used, reason = "what a test cannot set up has failed it")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use approval_test_cluster::{Cluster, Settings};

/// Another process that starts a cluster, its temporary files below `folder`.
fn other_process(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_approval-test-cluster"))
        .env("TMPDIR", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A folder that every user can reach, as the server's.
fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    folder
}

/// The processes that work in `folder` or below it: every server does, in its data directory.
fn processes_in(folder: &Path) -> Vec<PathBuf> {
    let folders =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path().join("cwd")).ok());
    folders.filter(|at| at.starts_with(folder)).collect()
}

#[expect(clippy::disallowed_methods, reason = "a deadline for another process")]
#[track_caller]
fn wait_until(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_mins(1), "waited in vain until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[track_caller]
fn assert_nothing_remains(folder: &Path) {
    wait_until("the servers are gone", || processes_in(folder).is_empty());
    wait_until("the directories are gone", || is_empty(folder));
}

/// What [`other_process`] says of itself: the two URLs and the data directory.
fn lines(process: &mut Child) -> Vec<String> {
    let output = BufReader::new(process.stdout.take().unwrap());
    output.lines().take(3).map(Result::unwrap).collect()
}

#[test]
fn killed_processes_leave_nothing() {
    let folder = open_folder();
    let mut process = other_process(folder.path());
    let lines = lines(&mut process);
    assert!(Path::new(&lines[2]).starts_with(folder.path()), "{lines:?}");
    let mut psql = Cluster::shared().client("psql");
    assert!(psql.args(["-c", "select 1", "-d", &lines[0]]).output().unwrap().status.success());
    assert!(!processes_in(folder.path()).is_empty());

    process.kill().unwrap();
    process.wait().unwrap();
    assert_nothing_remains(folder.path());
}

#[test]
fn processes_killed_while_they_start_a_server_leave_nothing() {
    // At different times: the directory is there, initdb is at work, the server starts.
    let stages: [fn(&Path) -> bool; 3] = [
        |folder| !is_empty(folder),
        |folder| processes_in(folder).len() >= 2,
        |folder| {
            let mut homes = fs::read_dir(folder).unwrap();
            homes.any(|home| home.unwrap().path().join("primary/postmaster.pid").exists())
        },
    ];
    for reached in stages {
        let folder = open_folder();
        let mut process = other_process(folder.path());
        wait_until("the server begins to start", || reached(folder.path()));
        process.kill().unwrap();
        process.wait().unwrap();
        assert_nothing_remains(folder.path());
    }
}

#[test]
fn a_process_that_ends_by_itself_leaves_nothing() {
    let folder = open_folder();
    let mut process = other_process(folder.path());
    assert_eq!(lines(&mut process).len(), 3);
    drop(process.stdin.take());
    assert!(process.wait().unwrap().success());
    assert!(is_empty(folder.path()) && processes_in(folder.path()).is_empty());
}

#[test]
fn a_killed_server_leaves_nothing() {
    let disk = open_folder();
    let cluster = Cluster::start(Settings::default().on_disk(disk.path().join("data"))).unwrap();
    assert!(cluster.data().starts_with(disk.path()));
    let standby = cluster.standby().unwrap();
    let file = fs::read_to_string(cluster.data().join("postmaster.pid")).unwrap();
    let segment = file.lines().nth(6).unwrap().split_whitespace().nth(1).unwrap().to_owned();
    let is_held = || {
        let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap();
        segments.lines().any(|line| line.split_whitespace().nth(1) == Some(&segment))
    };
    assert!(is_held());
    cluster.kill().unwrap();
    drop(cluster);
    assert!(standby.psql("select 1").is_ok(), "it keeps the directories");
    drop(standby);
    assert!(is_empty(&disk.path().join("data")));
    assert!(!is_held(), "the shared memory of the killed server was freed");
    assert_eq!(processes_in(disk.path()), Vec::<PathBuf>::new());
}

#[test]
fn the_target_folder_serves_as_a_disk() {
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::set_permissions(disk.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let cluster = Cluster::start(Settings::default().durable(true).on_disk(disk.path())).unwrap();
    assert_eq!(Path::new(&cluster.psql("show data_directory").unwrap()), cluster.data());
    assert!(cluster.data().starts_with(disk.path()));
}

#[test]
fn a_cluster_that_cannot_start_leaves_nothing() {
    let disk = open_folder();
    assert!(Cluster::start(Settings::default().on_disk(disk.path()).conf("nonsense")).is_err());
    assert!(is_empty(disk.path()));
}
