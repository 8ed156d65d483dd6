//! Servers that are killed, and others that take over.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what a test cannot set up has failed it")]

use approval_test_cluster::{Cluster, Error, Mode, Settings};

fn durable() -> Cluster {
    Cluster::start(Settings::default().durable(true)).unwrap()
}

/// The process id of the session that waits for this event, once there is one.
fn session_that_waits_for(cluster: &Cluster, event: &str) -> u32 {
    let sql = format!("select pid from pg_stat_activity where wait_event = '{event}' limit 1");
    // Each look is a process of its own, so this is no busy loop; a minute of them.
    let pids = (0..2_000).find_map(|_| cluster.psql(&sql).unwrap().parse().ok());
    pids.unwrap_or_else(|| panic!("no session waits for {event}"))
}

#[test]
fn what_was_committed_survives_a_kill() {
    let cluster = durable();
    assert_eq!(
        cluster.psql("show fsync; show synchronous_commit; show full_page_writes").unwrap(),
        "on\non\non"
    );
    cluster.psql("create table matter as select generate_series(1, 100) as id").unwrap();
    let (pid, port) = (cluster.pid().unwrap(), cluster.port());
    for mode in [None, Some(Mode::Immediate), Some(Mode::Fast)] {
        match mode {
            None => {
                cluster.kill().unwrap();
                assert_eq!(cluster.pid(), None);
                assert!(cluster.psql("select 1").is_err());
                cluster.start_again().unwrap();
            }
            Some(mode) => cluster.restart(mode).unwrap(),
        }
        assert_eq!(cluster.psql("select count(*) from matter").unwrap(), "100", "{mode:?}");
    }
    assert_ne!(cluster.pid().unwrap(), pid);
    assert_eq!(cluster.port(), port);
}

#[test]
fn a_killed_session_resets_the_server() {
    let cluster = durable();
    cluster.psql("create table matter as select 1 as id").unwrap();
    let began = "select pg_postmaster_start_time()";
    let (pid, before) = (cluster.pid().unwrap(), cluster.psql(began).unwrap());

    let mut sleeper = cluster.client("psql");
    sleeper.args(["-X", "-d", cluster.url(), "-c", "select pg_sleep(60)"]);
    let sleeper = sleeper.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let victim = session_that_waits_for(&cluster, "PgSleep");
    cluster.kill_backend(victim).unwrap();
    let said = sleeper.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("server closed the connection unexpectedly"), "{said}");
    cluster.wait_until_ready().unwrap();
    assert_eq!(cluster.pid().unwrap(), pid, "the server itself lives on");
    assert_eq!(cluster.psql(began).unwrap(), before);
    assert_eq!(cluster.psql("select id from matter").unwrap(), "1");
}

#[test]
fn only_what_is_of_the_server_is_killed() {
    let cluster = Cluster::start(Settings::default()).unwrap();
    let refused = cluster.kill_backend(std::process::id()).unwrap_err();
    assert!(refused.to_string().contains("is not a session of the server"), "{refused}");
    let refused = cluster.start_again().unwrap_err();
    assert!(refused.to_string().contains("runs already"), "{refused}");
    cluster.stop(Mode::Fast).unwrap();
    let refused = cluster.kill().unwrap_err();
    assert!(matches!(refused, Error::Unfit { .. }), "{refused}");
}

#[test]
fn a_synchronous_standby_has_all_that_was_acknowledged() {
    let cluster = durable();
    cluster.psql("create table matter (id int)").unwrap();
    let standby = cluster.standby().unwrap();
    assert!(standby.psql("insert into matter values (0)").unwrap_err().to_string().contains("read-only"));
    standby.make_synchronous().unwrap();
    for id in 1..=20 {
        cluster.psql(&format!("insert into matter values ({id})")).unwrap();
    }
    cluster.kill().unwrap();
    standby.promote().unwrap();
    assert_eq!(standby.psql("select count(*), max(id) from matter").unwrap(), "20|20");
    standby.psql("insert into matter values (21)").unwrap();
    assert_eq!(standby.psql("select pg_is_in_recovery(), count(*) from matter").unwrap(), "f|21");
    assert_ne!(standby.port(), cluster.port());
}

#[test]
fn commits_wait_while_a_synchronous_standby_is_away() {
    let cluster = Cluster::start(Settings::default()).unwrap();
    let standby = cluster.standby().unwrap();
    standby.make_synchronous().unwrap();
    // One made now inherits the setting, and must not wait for anybody once it is on its own.
    let second = cluster.standby().unwrap();
    standby.kill().unwrap();
    let mut waiting = cluster.client("psql");
    let mut waiting = waiting
        .args(["-X", "-q", "-d", cluster.url(), "-c", "create table matter (id int)"])
        .spawn()
        .unwrap();
    session_that_waits_for(&cluster, "SyncRep");
    assert!(waiting.try_wait().unwrap().is_none(), "not acknowledged");
    standby.start_again().unwrap();
    assert!(waiting.wait().unwrap().success());

    cluster.stop(Mode::Immediate).unwrap();
    second.promote().unwrap();
    second.psql("create table own (id int)").unwrap();
}

#[test]
fn errors_carry_the_end_of_the_log() {
    let Err(error) = Cluster::start(Settings::default().conf("shared_buffers = 'many'")) else {
        panic!("started with nonsense");
    };
    let text = error.to_string();
    assert!(text.starts_with("pg_ctl start failed: "), "{text}");
    assert!(text.contains("the server's log ends:") && text.contains("\"shared_buffers\""), "{text}");
}
