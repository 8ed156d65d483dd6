//! Errors of PostgreSQL as errors of the store.

use std::error::Error;

use approval_core::store::StoreError;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// Says what could not be done, for `map_err`.
pub(super) fn failed(what: &'static str) -> impl Fn(tokio_postgres::Error) -> StoreError + Copy {
    move |error| {
        let message = format!("{what}: {}", told(&error));
        if error.as_db_error().is_some_and(repeats_address) {
            return StoreError::unavailable(message);
        }
        StoreError::caused_by(message, Told(error))
    }
}

/// What may be wrong with an address.
const ADDRESS: &str = "the user, the password, pg_hba.conf, or a setting in the address";

/// Whether the server refused the connection in words that may repeat the user or a setting, where a password may stand by
/// mistake: a connection ended (FATAL) for another reason than that it stops, is full, or lacks the database.
fn repeats_address(said: &DbError) -> bool {
    let class = said.code().code().get(..2);
    said.parsed_severity() == Some(Severity::Fatal)
        && !matches!(class, Some("08" | "25" | "3D" | "53" | "57"))
}

/// The words of a refusal without what stands in quotes, which is where names are, and no name has a quote in it. `None` where
/// there are none: then a server of another language may use other quotes.
fn without_names(message: &str) -> Option<String> {
    let parts: Vec<&str> = message.split('"').collect();
    let quoted = parts.len() > 1 && parts.len() % 2 == 1;
    quoted.then(|| parts.into_iter().step_by(2).collect::<Vec<_>>().join("\"…\""))
}

/// What to do about a right that is missing.
const RIGHTS: &str = "; docs/postgres.md tells which rights a role needs, and who makes the tables";

/// What the server or the connection said; `tokio_postgres` itself says little more than "db error".
pub(super) fn told(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        if repeats_address(said) {
            let code = said.code().code();
            let why = if code.starts_with("28") { without_names(said.message()) } else { None };
            let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
            return format!(
                "{} {code}: the server does not let this address in{why}, and its log says more: {ADDRESS}",
                said.severity()
            );
        }
        let detail = said.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
        let hint = said.hint().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
        let rights = if *said.code() == SqlState::INSUFFICIENT_PRIVILEGE { RIGHTS } else { "" };
        return format!(
            "{} {}: {}{detail}{hint}{rights}",
            said.severity(),
            said.code().code(),
            said.message()
        );
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

/// Keeps the message of the error beneath from being said twice.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL")]
struct Told(#[source] tokio_postgres::Error);

/// Whether the connection is of no more use, so that another one may do better.
pub(super) fn is_of_connection(error: &tokio_postgres::Error) -> bool {
    error.is_closed()
        || error.as_db_error().is_none_or(|said| {
            let class = said.code().code().get(..2).unwrap_or_default();
            // Connection failures, shutdown, too many connections, a standby that cannot be written to.
            matches!(class, "08" | "57" | "53") || *said.code() == SqlState::READ_ONLY_SQL_TRANSACTION
        })
}

/// Whether the same transaction may well succeed when it is tried again.
pub(super) fn is_passing(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE, SqlState::LOCK_NOT_AVAILABLE]
            .contains(code)
    })
}

/// Whether the row of this process is gone, or another connection of it has taken over.
pub(super) fn is_fenced(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| code.code() == "APFEN")
}

/// Whether the group has a change that is outside its time: what was written is undone, and nothing is to be written before
/// the clock is read.
pub(super) fn asks_for_care(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| code.code() == "APTIM")
}

/// What the errors of the pool say.
pub(super) fn from_pool(error: deadpool_postgres::PoolError) -> StoreError {
    use deadpool_postgres::{PoolError, TimeoutType};
    match error {
        PoolError::Backend(error) => failed("the database cannot be reached")(error),
        PoolError::Timeout(TimeoutType::Wait) => StoreError::unavailable(
            "all connections to the database were in use for too long; allow more (PostgresBuilder::pool_size)",
        ),
        PoolError::Timeout(_) => StoreError::unavailable("the database did not answer in time"),
        PoolError::Closed => StoreError::Closed,
        other => StoreError::caused_by("no connection to the database", other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_shown_without_names() {
        let why = r#"no pg_hba.conf entry for host "10.0.0.1", user "s3cret", database "d", no encryption"#;
        let shown = r#"no pg_hba.conf entry for host "…", user "…", database "…", no encryption"#;
        assert_eq!(without_names(why).as_deref(), Some(shown));
        assert_eq!(
            without_names(r#"role "s3cret" does not exist"#).as_deref(),
            Some(r#"role "…" does not exist"#)
        );
        for other in ["Rolle »s3cret« existiert nicht", "", r#"a "s3cret"#] {
            assert_eq!(without_names(other), None);
        }
    }
}
