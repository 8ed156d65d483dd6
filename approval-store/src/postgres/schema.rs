//! Tables, and how older schemas become newer.

use approval_core::store::StoreError;
use tokio_postgres::Client;

use super::{failure::failed, locks};

/// Each step makes the tables of the version before into those of its own; the first makes an empty schema into version 1. A
/// step that was released is never changed again.
const MIGRATIONS: &[&[&str]] =
    &[&[include_str!("schema/1.sql"), include_str!("schema/archive.sql")], &[include_str!("schema/2.sql")]];

/// What runs in the server, made anew after the steps. A step drops those whose parameters or results change.
const FUNCTIONS: &str = include_str!("schema/functions.sql");

/// The oldest server that will do, as it numbers itself.
const OLDEST_SERVER: i32 = 150_000;

const THERE: &str = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = 'store_version')";
const VERSION_TABLE: &str =
    "CREATE TABLE store_version (version int NOT NULL); INSERT INTO store_version VALUES (0)";

/// Brings the schema up to date; makes it if there is none. Where it is up to date, nothing is written, and the right to
/// change tables is not needed.
///
/// # Errors
/// [`StoreError::TooNew`] when a newer program made it; when the server is too old, or the role may not make tables.
pub(super) async fn migrate(client: &Client, schema: &str) -> Result<(), StoreError> {
    check_server(client).await?;
    if found(client, schema).await? == Some(known()) {
        return Ok(());
    }
    let fail = failed("the tables of the store cannot be made or changed");
    client.batch_execute("BEGIN").await.map_err(fail)?;
    let done = make(client, schema).await;
    let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = client.batch_execute(end).await.map_err(fail);
    done.and(ended)
}

/// Looks whether the schema holds a store.
///
/// # Errors
/// When it does not, or holds one of a newer program.
pub(super) async fn must_exist(client: &Client, schema: &str) -> Result<(), StoreError> {
    match found(client, schema).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::unavailable(format!(
            "there is no store in the schema {schema} of the database; check the address, and the schema if it is another one \
             (schema=NAME in the address)"
        ))),
    }
}

fn known() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

async fn check_server(client: &Client) -> Result<(), StoreError> {
    let fail = failed("the version of the server cannot be read");
    let row = client
        .query_one(
            "SELECT current_setting('server_version_num')::int, version(), current_setting('fsync')",
            &[],
        )
        .await
        .map_err(fail)?;
    let (number, text): (i32, &str) = (row.try_get(0).map_err(fail)?, row.try_get(1).map_err(fail)?);
    if number < OLDEST_SERVER {
        return Err(StoreError::unavailable(format!(
            "the server is too old: PostgreSQL 15 or newer is needed, this is {text}"
        )));
    }
    if row.try_get::<_, &str>(2).map_err(fail)? == "off" {
        tracing::warn!("the server runs with fsync = off: approvals can be lost when its machine fails");
    }
    Ok(())
}

/// The version of the schema; `None` if there is none, or none of ours.
///
/// # Errors
/// When it is newer than this program.
async fn found(client: &Client, schema: &str) -> Result<Option<u32>, StoreError> {
    let fail = failed("the version of the schema cannot be read");
    // A look into the tables of the catalogue: what `to_regclass` knows may be older than the lock that was waited for.
    let there =
        client.query_one(THERE, &[&schema]).await.and_then(|row| row.try_get::<_, bool>(0)).map_err(fail)?;
    if !there {
        return Ok(None);
    }
    let table = format!("SELECT max(version) FROM \"{schema}\".store_version");
    let row = client.query_one(&table, &[]).await.map_err(fail)?;
    let version: i32 = row.try_get(0).map_err(fail)?;
    let found = u32::try_from(version)
        .map_err(|_| StoreError::unreadable(format!("the version of the schema is {version}")))?;
    let known = known();
    if found > known { Err(StoreError::TooNew { found, known }) } else { Ok(Some(found)) }
}

/// Whether the role of this session may write, or has the rights of an auditor alone.
pub(super) async fn may_write(client: &Client) -> Result<bool, tokio_postgres::Error> {
    client.query_one("SELECT has_table_privilege('writers', 'INSERT')", &[]).await?.try_get(0)
}

/// Makes or changes the tables in the transaction that is open.
async fn make(client: &Client, schema: &str) -> Result<(), StoreError> {
    let fail = failed("the tables of the store cannot be made or changed");
    // Another process may be doing the same: it is waited for, and then it is looked at again.
    let lock = locks::migration(schema);
    client.execute("SELECT pg_advisory_xact_lock($1)", &[&lock]).await.map_err(fail)?;
    let before = found(client, schema).await?;
    if before.is_none() {
        let made = format!(
            "CREATE SCHEMA IF NOT EXISTS \"{schema}\"; SET LOCAL search_path = \"{schema}\"; {VERSION_TABLE}"
        );
        client.batch_execute(&made).await.map_err(fail)?;
    }
    client.batch_execute(&format!("SET LOCAL search_path = \"{schema}\"")).await.map_err(fail)?;
    let done = before.map_or(0, |version| version as usize);
    for text in MIGRATIONS.iter().skip(done).copied().flatten() {
        client.batch_execute(text).await.map_err(fail)?;
    }
    client.batch_execute(FUNCTIONS).await.map_err(fail)?;
    client.batch_execute(&format!("UPDATE store_version SET version = {}", known())).await.map_err(fail)
}
