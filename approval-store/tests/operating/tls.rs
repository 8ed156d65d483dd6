//! Encryption: what the address asks for is what happens.

use std::{sync::LazyLock, time::Duration};

use approval_core::store::Store;
use approval_store::PostgresStore;
use approval_test_cluster::{Cluster, Settings};

/// A server that speaks to nobody over TCP without encryption.
static ENCRYPTED: LazyLock<Cluster> = LazyLock::new(|| {
    let settings = Settings::default().tls(true).hba("hostssl all all 127.0.0.1/32 trust");
    Cluster::start(settings).unwrap()
});

/// The address of the server under this name, with this after the question mark.
fn address(host: &str, settings: &str) -> String {
    let (host, port) = (host.to_owned(), ENCRYPTED.port());
    format!("postgres://postgres@{host}:{port}/postgres?{settings}")
}

/// The file with the certificate of the authority, for an address.
fn authority() -> String {
    ENCRYPTED.ca_file().unwrap().to_str().unwrap().to_owned()
}

/// Opens a store, has it write and read, and tells how many of the server's sessions are encrypted.
async fn works(url: &str) {
    let store = PostgresStore::builder(url).patience(Duration::from_secs(2)).connect().await.unwrap();
    let (id, commit) = crate::sample::opened();
    store.commit(commit).await.unwrap();
    assert!(store.load(id).await.unwrap().is_some());
    // Over TCP, there is no other way in; and it is so.
    let plain = ENCRYPTED
        .psql(
            "SELECT count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
                WHERE client_addr IS NOT NULL AND NOT ssl AND state IS NOT NULL;
             SELECT count(*) > 0 FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
                WHERE client_addr IS NOT NULL AND ssl",
        )
        .unwrap();
    assert_eq!(plain.split_whitespace().collect::<Vec<_>>(), ["0", "t"]);
    store.close().await.unwrap();
}

/// What is said when it is refused.
async fn refused(url: &str) -> String {
    let store = PostgresStore::builder(url).patience(Duration::from_secs(2)).connect().await;
    store.expect_err("it must be refused").to_string()
}

#[tokio::test]
async fn a_server_that_proves_its_name_is_talked_to() {
    for host in ["localhost", "127.0.0.1"] {
        works(&address(host, &format!("sslmode=verify-full&sslrootcert={}", authority()))).await;
    }
    works(&address("localhost", &format!("sslmode=require&sslrootcert={}", authority()))).await;
    let builder = PostgresStore::builder(&address("localhost", "")).root_certificates(authority());
    builder.connect().await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn encryption_that_is_only_preferred_proves_nothing_and_works() {
    works(&address("localhost", "sslmode=prefer")).await;
    works(&address("localhost", "")).await;
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_refused() {
    // Its authority is not one of those that everybody trusts.
    for settings in ["sslmode=require", "sslmode=verify-full"] {
        let message = refused(&address("localhost", settings)).await;
        assert!(message.contains("UnknownIssuer"), "{settings}: {message}");
    }
    // That of another server of the same make.
    let other = Cluster::start(Settings::default().tls(true)).unwrap();
    let file = other.ca_file().unwrap();
    let message = refused(&address("localhost", &format!("sslrootcert={}", file.display()))).await;
    assert!(message.contains("certificate"), "{message}");
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    // The same machine, by a name that is not in its certificate.
    let url =
        format!("{}&hostaddr=127.0.0.1", address("db.example.com", &format!("sslrootcert={}", authority())));
    let message = refused(&url).await;
    assert!(message.contains("db.example.com") && message.contains("not valid for name"), "{message}");
}

#[tokio::test]
async fn a_server_that_wants_encryption_is_not_talked_to_without() {
    let message = refused(&address("localhost", "sslmode=disable")).await;
    assert!(message.contains("no encryption") && message.contains("pg_hba.conf"), "{message}");
}

#[tokio::test]
async fn a_server_without_encryption_is_refused_where_it_is_asked_for() {
    let plain = Cluster::start(Settings::default()).unwrap();
    let url = format!("{}?sslmode=verify-full&sslrootcert={}", plain.url(), authority());
    let message = refused(&url).await;
    assert!(message.contains("server does not support TLS"), "{message}");
    // Nobody asked: it works.
    PostgresStore::connect(plain.url()).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn certificates_of_no_use_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for (file, why) in [(empty, "there are none"), (folder.path().join("missing.pem"), "No such file")] {
        let message = refused(&address("localhost", &format!("sslrootcert={}", file.display()))).await;
        assert!(message.contains(why) && message.contains(file.to_str().unwrap()), "{message}");
    }
}
