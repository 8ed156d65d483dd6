//! Who may connect, and how.

#![expect(clippy::unwrap_used, reason = "what a test cannot set up has failed it")]

use std::process::Output;

use approval_test_cluster::{Cluster, Settings};

/// Connects over TCP with further options.
fn connect(cluster: &Cluster, options: &str) -> Output {
    let mut psql = cluster.client("psql");
    let options = format!("host=localhost port={} user=postgres dbname=postgres {options}", cluster.port());
    psql.args([
        "-X",
        "-A",
        "-t",
        "-c",
        "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
        "-d",
        &options,
    ]);
    psql.output().unwrap()
}

#[track_caller]
fn assert_accepts(cluster: &Cluster, options: &str, encrypted: &str) {
    let output = connect(cluster, options);
    assert!(output.status.success(), "{options}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), encrypted, "{options}");
}

#[track_caller]
fn assert_refuses(cluster: &Cluster, options: &str, why: &str) {
    let output = connect(cluster, options);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains(why), "{options}: {said}");
}

#[test]
fn only_encrypted_connections() {
    let cluster =
        Cluster::start(Settings::default().tls(true).hba("hostssl all all 127.0.0.1/32 trust")).unwrap();
    assert_accepts(&cluster, "sslmode=require", "t");
    assert_refuses(&cluster, "sslmode=disable", "no pg_hba.conf entry");
    assert_eq!(cluster.psql("select 1").unwrap(), "1", "over the socket everybody may");

    let ca = cluster.ca_file().unwrap();
    assert_eq!(std::fs::read_to_string(&ca).unwrap(), cluster.ca_pem().unwrap());
    let verified = format!("sslmode=verify-full sslrootcert={}", ca.display());
    assert_accepts(&cluster, &verified, "t");
    assert_accepts(&cluster, &format!("{verified} host=127.0.0.1"), "t");
    let other = Cluster::start(Settings::default().tls(true)).unwrap();
    assert_refuses(&other, &verified, "SSL error");
    assert_accepts(&other, "sslmode=disable", "f");
}

#[test]
fn passwords_and_no_encryption() {
    let cluster = Cluster::start(Settings::default().hba("host all all 127.0.0.1/32 scram-sha-256")).unwrap();
    cluster.psql("create role agent login password 'correct'").unwrap();
    assert_accepts(&cluster, "user=agent password=correct", "f");
    assert_refuses(&cluster, "user=agent password=wrong", "password authentication failed");
    assert_refuses(&cluster, "sslmode=require", "server does not support SSL");
    assert_eq!((cluster.ca_pem(), cluster.ca_file()), (None, None));
}
