//! A database that holds many pending requests: copies of one that ours wrote, each with an id of its own.

use tokio_postgres::Client;
use uuid::Uuid;

/// The ids, in the order of time, the last of them older than the one that is copied.
const IDS: &str = "
    CREATE TEMP TABLE fresh AS
        SELECT n.n, (lpad(to_hex(r.created_at / 1000 - $1::bigint + n.n), 12, '0') || '7' || substr(md5(n.n::text), 1, 3)
                || '8' || substr(md5(n.n::text), 4, 15))::uuid AS id
        FROM requests r, generate_series(1::bigint, $1::bigint) AS n (n) WHERE r.id = $2";
/// Each with its history and its notice, which is delivered. None is due within a month.
const COPY: [&str; 3] = [
    "INSERT INTO requests (id, version, namespace, status, action, requester, due_at, created_at, document)
        SELECT f.id, r.version, r.namespace, r.status, r.action, r.requester, r.due_at + 2592000000000 + f.n, r.created_at,
            convert_to(replace(convert_from(r.document, 'UTF8'), r.id::text, f.id::text), 'UTF8')
        FROM fresh f, requests r WHERE r.id = $1 ORDER BY f.n",
    "INSERT INTO events (request, seq, line)
        SELECT f.id, e.seq, convert_to(replace(convert_from(e.line, 'UTF8'), e.request::text, f.id::text), 'UTF8')
        FROM fresh f, events e WHERE e.request = $1 ORDER BY f.n",
    "INSERT INTO notices (id, request, channel, body, delivery)
        SELECT gen_random_uuid(), f.id, n.channel, replace(n.body, n.request::text, f.id::text), n.delivery
        FROM fresh f, notices n WHERE n.request = $1 ORDER BY f.n",
];
/// As autovacuum would sooner or later.
const TIDY: &str = "VACUUM ANALYZE requests; VACUUM ANALYZE events; VACUUM ANALYZE notices; CHECKPOINT";

/// Adds `count` pending requests to a database that has exactly one.
///
/// # Panics
/// When it has not, or they cannot be written.
pub async fn fill(client: &Client, count: u32) {
    client.batch_execute("SET synchronous_commit = off").await.expect("a setting");
    let one = "SELECT id FROM requests WHERE status = 'pending'";
    let id: Uuid = client.query_one(one, &[]).await.expect("exactly one").get(0);
    client.execute(IDS, &[&i64::from(count), &id]).await.expect("ids");
    for sql in COPY {
        client.execute(sql, &[&id]).await.expect("copies");
    }
    for sql in TIDY.split(';') {
        client.batch_execute(sql).await.expect("tidied");
    }
}
