//! The server, databases and connections of the benchmarks on PostgreSQL.

use std::sync::Arc;

use approval_store::PostgresStore;
use approval_test_cluster::{Cluster, Settings};
use tokio_postgres::{Client, NoTls, Notification};
use uuid::Uuid;

use super::{load::Approvals, ours::Ours, sample::Sample};

/// A server that syncs what it acknowledges, on the disk of the target folder: one for all measurements of a benchmark, ours
/// and those of the bare code.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn cluster() -> Cluster {
    let folder = crate::repo::root().join("target").join("bench-postgres");
    let settings = Settings::default().durable(true).on_disk(folder).max_connections(200);
    // What docs/postgres.md tells operators to set.
    let settings =
        settings.conf("shared_buffers = 2GB").conf("max_wal_size = 8GB").conf("wal_compression = lz4");
    Cluster::start(settings).expect("a server")
}

/// Ours on a database, whose tables it makes.
///
/// # Panics
/// When it cannot be opened.
pub async fn ours(url: &str) -> Ours {
    Ours::new(Arc::new(PostgresStore::connect(url).await.expect("a store"))).await
}

/// What ours writes, found out in a database that is empty.
///
/// # Panics
/// When it cannot be written or read back.
pub async fn sample(url: &str) -> Sample {
    let ours = ours(url).await;
    let (_, pending) = ours.create().await;
    ours.quiet().await;
    drop(pending);
    ours.stop().await;
    read(url).await
}

/// Reads a database in which one request is approved, one is pending, and every notice is delivered.
///
/// # Panics
/// When it does not hold that.
pub async fn read(url: &str) -> Sample {
    let client = connect(url).await;
    let texts = async |sql: &str, id: &Uuid| -> Vec<String> {
        let rows = client.query(sql, &[id]).await.expect("rows");
        rows.iter().map(|row| row.get(0)).collect()
    };
    let row = async |status: &str| {
        let sql =
            "SELECT id, document, due_at, created_at, action, requester FROM requests WHERE status = $1";
        client.query_one(sql, &[&status]).await.expect("one of each")
    };
    let (pending, approved) = (row("pending").await, row("approved").await);
    let id: Uuid = approved.get(0);
    let lines = "SELECT convert_from(line, 'UTF8') FROM events WHERE request = $1 ORDER BY seq";
    let events = texts(lines, &id).await;
    let mut notices = texts("SELECT body FROM notices WHERE request = $1", &id).await;
    assert_eq!((events.len(), notices.len()), (3, 1), "opened, voted, decided; asked");
    Sample {
        action: pending.get(4),
        requester: pending.get(5),
        document_pending: pending.get(1),
        document_approved: approved.get(1),
        due_pending: pending.get(2),
        due_approved: approved.get(2),
        created_at: pending.get(3),
        events,
        notice: notices.remove(0),
        channel: texts("SELECT channel FROM notices WHERE request = $1", &id).await.remove(0),
        owner: Uuid::now_v7(),
        delivered: texts("SELECT delivery FROM notices WHERE request = $1", &id).await.remove(0),
    }
}

/// A connection with the settings of ours. What is notified is thrown away.
///
/// # Panics
/// When there is none.
pub async fn connect(url: &str) -> Client {
    connect_and_hear(url, |_| ()).await
}

/// A connection with the settings of ours, and somebody who is given what is notified.
///
/// # Panics
/// When there is none.
pub async fn connect_and_hear(url: &str, hear: impl Fn(&Notification) + Send + 'static) -> Client {
    let (client, mut connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|context| connection.poll_message(context)).await {
            if let tokio_postgres::AsyncMessage::Notification(notification) = message {
                hear(&notification);
            }
        }
    });
    client
        .batch_execute(
            "SET search_path = approvals; SET jit = off; SET plan_cache_mode = force_generic_plan;
             SET enable_seqscan = off",
        )
        .await
        .expect("settings");
    client
}
