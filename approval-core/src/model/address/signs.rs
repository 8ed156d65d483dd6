//! The signs by which the address of a database is known, or what is left of one, or a credential.

use super::{
    credentials,
    form::{flat, folded, is_decoration},
};

/// Keys after which a secret stands, in any notation.
const SECRET_KEYS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "passfile",
    "passcode",
    "pass",
    "pwd",
    "pw",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "credentials",
];

/// Keys of connection settings, as libpq, ODBC, ADO and environment files write them.
const CONNECTION_KEYS: [&str; 24] = [
    "host",
    "hostname",
    "hostaddr",
    "dbname",
    "database",
    "user",
    "username",
    "userid",
    "user id",
    "uid",
    "login",
    "service",
    "sslmode",
    "server",
    "data source",
    "datasource",
    "initial catalog",
    "addr",
    "address",
    "port",
    "url",
    "uri",
    "dsn",
    "database_url",
];

/// What the URL of a store, a database or a driver begins with, in front of a colon.
pub(super) const SCHEMES: [&str; 17] = [
    "mysql",
    "mariadb",
    "mssql",
    "sqlserver",
    "oracle",
    "cockroachdb",
    "mongodb",
    "redis",
    "rediss",
    "amqp",
    "ldap",
    "odbc",
    "jdbc",
    "http",
    "https",
    "ftp",
    "localhost",
];

/// From so many colons on it is a line of a password file: `host:port:database:user:password`.
const PASSWORD_FILE_COLONS: usize = 4;

/// Whether a text has a sign of an address. Nothing in it is decoded.
pub(super) fn has_sign(text: &str) -> bool {
    let folded = folded(text);
    let flat = flat(&folded);
    let rest = without_drive(&flat);
    rest.contains("://")
        || names_postgres(rest)
        || SCHEMES.iter().any(|scheme| rest.strip_prefix(scheme).is_some_and(|rest| rest.starts_with(':')))
        || has_credentials(rest)
        || SECRET_KEYS.iter().any(|key| is_followed_by(rest, key, |c| matches!(c, '=' | ':')))
        || CONNECTION_KEYS.iter().any(|key| has_setting(&folded, key))
        || begins_as_setting(&folded)
        || has_secret_option(&folded)
        || rest.matches(':').count() >= PASSWORD_FILE_COLONS
        || rest.starts_with(['{', '[']) && rest.contains(':')
        || rest.split_once('(').is_some_and(|(_, inside)| inside.contains([':', '@']))
        || credentials::stand_apart(text) && !credentials::is_meant_as_path(text)
}

/// Whether an option of a command line is followed by a secret, by its name.
pub(super) fn is_secret_option(text: &str) -> bool {
    let folded = folded(text);
    let name = folded.trim_start_matches(is_decoration).trim_end_matches(is_decoration);
    name.starts_with('-')
        && (SECRET_KEYS.iter().any(|key| name.contains(key)) || credentials::is_named_by(name))
}

/// Without the colon of a drive, which is no sign.
pub(super) fn without_drive(flat: &str) -> &str {
    let mut characters = flat.chars();
    let drive = characters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && characters.next() == Some(':')
        && characters.next().is_some_and(|c| matches!(c, '\\' | '/'));
    if drive { flat.get(2..).unwrap_or(flat) } else { flat }
}

/// `postgres:`, `postgres//` at the beginning, or with other signs in between.
fn names_postgres(flat: &str) -> bool {
    flat.match_indices("postgres").any(|(at, name)| {
        let rest = flat.get(at + name.len()..).unwrap_or("");
        let rest = rest.strip_prefix("ql").unwrap_or(rest);
        let signs = rest.split(char::is_alphanumeric).next().unwrap_or(rest);
        let plain_slashes = signs.chars().all(|c| c == '/');
        signs.contains(':') || signs.contains("//") && (at == 0 || !plain_slashes)
    })
}

/// `user:password@…`, or `…@host:5432`.
fn has_credentials(flat: &str) -> bool {
    let Some((before, after)) = flat.split_once('@') else { return false };
    let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | '@');
    before.contains([':', ';', '|'])
        || after
            .trim_start_matches(is_host)
            .strip_prefix(':')
            .is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()))
}

fn is_followed_by(text: &str, key: &str, by: impl Fn(char) -> bool) -> bool {
    text.match_indices(key).any(|(at, _)| {
        text.get(at..).and_then(|rest| rest.strip_prefix(key)).is_some_and(|rest| rest.starts_with(&by))
    })
}

/// `key = value`, where the key is a word of its own.
fn has_setting(folded: &str, key: &str) -> bool {
    folded.match_indices(key).any(|(at, _)| {
        let (before, rest) = folded.split_at_checked(at).unwrap_or(("", folded));
        let first = before
            .chars()
            .next_back()
            .is_none_or(|c| is_decoration(c) || matches!(c, '?' | '&' | ';' | ',' | '{' | '('));
        let after = rest.strip_prefix(key).unwrap_or("");
        first && after.trim_start_matches(is_decoration).starts_with('=')
    })
}

/// `NAME=value` or `export NAME=value`: what is in front of the first `=` are words, and no path.
fn begins_as_setting(folded: &str) -> bool {
    folded.split_once('=').is_some_and(|(name, _)| {
        let word = |c: char| c.is_alphanumeric() || is_decoration(c) || matches!(c, '_' | '-' | '$' | ':');
        name.chars().any(char::is_alphanumeric) && name.chars().all(word)
    })
}

/// `--password x` anywhere.
fn has_secret_option(folded: &str) -> bool {
    folded.split(is_decoration).any(is_secret_option)
}
