//! The address of a database.

use std::{path::PathBuf, time::Duration};

#[cfg(unix)]
use approval_core::model::address::is_plain_path;
use approval_core::{model::address::is_plain_name, store::StoreError};
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

/// How far the server is to prove who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Encrypted where the server can do it, and nothing is proved: a machine in between could pretend that it cannot.
    Nobody,
    /// A certificate for its name, from an authority that is trusted.
    Verified,
}

/// An address, taken apart. Neither it nor an error about it shows any part that may be a password.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) trust: Trust,
    /// File with the certificates of the authorities to trust.
    pub(super) roots: Option<PathBuf>,
    /// Name of the schema.
    pub(super) schema: Option<String>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Address").field(&self.name()).finish()
    }
}

/// Setting of an address that the library does not know.
const SCHEMA: &str = "schema";

/// Settings of an address that the library knows.
const KNOWN: [&str; 19] = [
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "sslmode",
    "sslnegotiation",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "load_balance_hosts",
    "channel_binding",
];

/// The schema where none is named.
pub(super) const DEFAULT_SCHEMA: &str = "approvals";

fn bad(why: impl std::fmt::Display) -> StoreError {
    StoreError::unavailable(format!(
        "the address of the database cannot be read: {why}; it should look like \
         postgres://user:password@host:5432/database?sslmode=verify-full"
    ))
}

/// Percent-decodes a value.
fn decoded(value: &str) -> Result<String, StoreError> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let (high, low) = (digit(rest.next()), digit(rest.next()));
        let (Some(high), Some(low)) = (high, low) else { return Err(bad("a % without two digits")) };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| bad("a % without two digits"))?);
    }
    String::from_utf8(bytes).map_err(|_| bad("it is no text once its %.. are decoded"))
}

impl Address {
    /// Reads `postgres://…`. Beyond what the library knows: `sslmode=verify-full`, `sslrootcert=FILE` and `schema=NAME`.
    ///
    /// # Errors
    /// When it cannot be read. The message repeats no part of the address: what is malformed may be a part of the password.
    pub(super) fn read(text: &str) -> Result<Self, StoreError> {
        let rest =
            without_scheme(text).ok_or_else(|| bad("it does not begin with postgres:// or postgresql://"))?;
        let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
        if base.matches('@').count() > 1 {
            return Err(bad("it has more than one @; write %40 for one that belongs to the password"));
        }
        if query.contains('@') {
            return Err(bad(
                "it has an @ after the question mark; write %3F for a ? and %40 for an @ that belongs to a value",
            ));
        }
        let (mut left, mut verify, mut roots, mut schema) = (Vec::new(), false, None, None);
        for (place, pair) in (1_usize..).zip(query.split('&').filter(|pair| !pair.is_empty())) {
            match pair.split_once('=') {
                Some(("sslmode", "verify-full" | "verify-ca")) => {
                    verify = true;
                    left.push("sslmode=require");
                }
                Some(("sslrootcert", file)) => roots = Some(PathBuf::from(decoded(file)?)),
                Some((SCHEMA, name)) => schema = Some(decoded(name)?),
                Some((key, value)) if KNOWN.contains(&key) => {
                    decoded(value)?;
                    left.push(pair);
                }
                _ => {
                    return Err(bad(format!(
                        "setting {place} after the question mark is unknown; the known ones are schema, sslrootcert, {}",
                        KNOWN.join(", ")
                    )));
                }
            }
        }
        let settings = if left.is_empty() { String::new() } else { format!("?{}", left.join("&")) };
        // The library's messages repeat parts of what it was given.
        let mut config: Config = format!("postgres://{base}{settings}").parse().map_err(|_: tokio_postgres::Error| {
            bad("a part of it is not valid: user:password, a host, a port between 1 and 65535, or the value of a setting")
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(bad("it names no host"));
        }
        check_shown(&config)?;
        if let Some(schema) = &schema {
            check_schema(schema).map_err(bad)?;
        }
        // A standby cannot take part: of several hosts, the one that can be written to is meant.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("approvals");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(30));
        }
        let trust = match config.get_ssl_mode() {
            _ if verify || roots.is_some() => Trust::Verified,
            SslMode::Require => Trust::Verified,
            _ => Trust::Nobody,
        };
        Ok(Self { config, trust, roots, schema })
    }

    /// The address of the same tables for people to read: without user and password, and with what goes without saying.
    pub(super) fn name(&self) -> String {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate().map(|(index, host)| {
            // One port may stand for all hosts.
            let port = ports.get(index).or(ports.first()).unwrap_or(&5432);
            match host {
                Host::Tcp(name) if name.contains(':') => format!("[{name}]:{port}"),
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(folder) => format!("{}:{port}", folder.display().to_string().replace('/', "%2F")),
            }
        });
        let mut hosts: Vec<_> = hosts.collect();
        if hosts.is_empty() {
            hosts.extend(self.config.get_hostaddrs().iter().map(ToString::to_string));
        }
        // One without a name was refused.
        let database = self.config.get_dbname().unwrap_or("?");
        let schema = self.schema.as_deref().unwrap_or(DEFAULT_SCHEMA);
        format!("postgres://{}/{database}?schema={schema}", hosts.join(","))
    }
}

/// What follows `postgres://` or `postgresql://`, in upper or lower case.
fn without_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    ["postgres", "postgresql"].iter().any(|known| scheme.eq_ignore_ascii_case(known)).then_some(rest)
}

/// Checks what is shown of an address, and what the server repeats of it: it consists of characters that are known to be
/// harmless, so that a password that was written in the wrong place does not come out that way.
fn check_shown(config: &Config) -> Result<(), StoreError> {
    for place in config.get_hosts() {
        let good = match place {
            Host::Tcp(name) => is_plain_name(name) || name.parse::<std::net::Ipv6Addr>().is_ok(),
            #[cfg(unix)]
            Host::Unix(folder) => folder.to_str().is_some_and(is_plain_path),
        };
        if !good {
            return Err(bad(
                "the name of a host has another character than letters, digits, - _ and ., or a word that names a credential; write %40, \
                 %2F, %3A or %3F for an @, /, : or ? that belongs to the password",
            ));
        }
    }
    let user = |c: char| c.is_alphanumeric() || "-_.@+$~".contains(c);
    if config.get_user().is_some_and(|name| !name.chars().all(user)) {
        return Err(bad(
            "the name of the user has another character than letters, digits and - _ . @ + $ ~; separate user and password by a \
             plain colon",
        ));
    }
    match config.get_dbname() {
        Some(name) if is_plain_name(name) => Ok(()),
        Some(_) => Err(bad("the name of the database has another character than letters, digits, - _ and .")),
        // The server would take the name of the user, which may be a password without a user, and repeat it.
        None => Err(bad("it names no database; write its name after the host and a /")),
    }
}

/// Checks the name of a schema, which goes into statements as it is.
fn check_schema(schema: &str) -> Result<(), &'static str> {
    let word = |c: char| c.is_ascii_lowercase() || c == '_';
    let plain = schema.starts_with(word) && schema.chars().all(|c| word(c) || c.is_ascii_digit());
    if plain && schema.len() <= 48 && !schema.starts_with("pg_") {
        return Ok(());
    }
    Err("the name of the schema must be up to 48 of a-z, 0-9 and _, not beginning with a digit or pg_")
}

/// Checks the name of a schema that was set by the builder.
///
/// # Errors
/// When it is more than a plain lower-case name.
pub(super) fn plain(schema: &str) -> Result<(), StoreError> {
    check_schema(schema).map_err(StoreError::unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_taken_out_of_the_address() {
        let address = Address::read(
            "postgres://ann:secret@db.example.com:5433/app?sslmode=verify-full&sslrootcert=/etc/a%20b.pem&schema=tenant_1&connect_timeout=9",
        )
        .unwrap();
        assert_eq!(address.trust, Trust::Verified);
        assert_eq!(address.roots, Some(PathBuf::from("/etc/a b.pem")));
        assert_eq!(address.schema.as_deref(), Some("tenant_1"));
        assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(address.config.get_ports(), [5433]);
        assert_eq!(address.config.get_connect_timeout(), Some(&Duration::from_secs(9)));
        assert_eq!(address.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        let plain = Address::read("postgres:///app?host=/run/postgresql&user=ann").unwrap();
        assert_eq!((plain.trust, plain.roots), (Trust::Nobody, None));
        assert_eq!(Address::read("postgres://h/d?sslmode=require").unwrap().trust, Trust::Verified);
    }

    #[test]
    fn the_name_tells_the_tables_and_nothing_secret() {
        let name = |text| Address::read(text).unwrap().name();
        assert_eq!(
            name("postgres://ann:s3cret@db.example.com/app?connect_timeout=9"),
            "postgres://db.example.com:5432/app?schema=approvals"
        );
        assert_eq!(
            name("postgresql://bob@db.example.com:5432/app?schema=approvals&password=s3cret"),
            "postgres://db.example.com:5432/app?schema=approvals"
        );
        assert_eq!(name("postgres://ann@a,b:6432/app?schema=x"), "postgres://a:5432,b:6432/app?schema=x");
        assert_eq!(name("postgres://ann@[::1]/app"), "postgres://[::1]:5432/app?schema=approvals");
        #[cfg(unix)]
        assert_eq!(
            name("postgres:///app?host=/run/postgresql&user=ann"),
            "postgres://%2Frun%2Fpostgresql:5432/app?schema=approvals"
        );
    }

    #[test]
    fn a_bad_address_is_explained_without_its_password() {
        for text in [
            "postgres://ann:s3cret@",
            "postgres://ann:s3cret@h:many/d",
            "postgres://ann:first@s3cret@h/d",
            "postgres://ann:s3cret@h/d?sslrootcert=%zz",
            "postgres://ann:s3cret@h/d?s3cret",
            "postgres://ann:s3cret@h/d?s3cret=1",
            "postgres://ann:1?s3cret@h/d",
            "postgres://ann:5432?user=s3cret@h/d",
            "postgres://ann:s3cret",
            "postgres://ann:s3cret/d",
            "postgres://ann%3As3cret@h/d",
            "postgres://ann%3As3cret%40h/d",
            "postgres://h/d%3Fpassword=s3cret",
            "postgres://h/d%40s3cret",
            "postgres://h/d?dbname=x%26password%3Ds3cret",
            "postgres://h/d?host=ann%3As3cret%40h",
            "postgres://h/d?host=/run/postgresql%3Fpassword%3Ds3cret",
            "postgres://h/d?port=s3cret",
            "postgres://h/d?sslmode=s3cret",
            "postgres://h/d?schema=s3cret;",
            "postgres://h/d?connect_timeout=s3cret",
            "postgres://ann:s3cret@h/d?schema=x%26password=s3cret",
            "postgres:ann:s3cret@h/d",
            "postgres:/ann:s3cret@h/d",
            "'postgres://ann:s3cret@h/d'",
            " postgres://ann:s3cret@h/d",
            "host=h user=ann password=s3cret",
            "postgres://host=h user=ann password=s3cret",
            "nonsense",
            // No database: the server would take the user for its name.
            "postgres://s3cret@h",
            "postgres://ann;s3cret@h",
            "postgres://ann;s3cret@h/",
            "postgres://h?user=s3cret",
            // Users, hosts and databases with a part of a password in them.
            "postgres://ann;s3cret@h/d",
            "postgres://ann|s3cret@h/d",
            "postgres://ann%20s3cret@h/d",
            "postgres://ann,s3cret@h/d",
            "postgres://ann@h/d s3cret",
            "postgres://ann@h/d%20s3cret",
            "postgres://ann@h/d#s3cret",
            "postgres://ann@h/d|s3cret",
            "postgres://ann@h/d%3Bs3cret",
            "postgres://ann@h/d,s3cret",
            "postgres://ann@h/d(s3cret)",
            "postgres://ann@h/d：s3cret",
            "postgres://ann@h/ｓｓｓs3cret",
            "postgres://ann@h;s3cret/d",
            "postgres://ann@h：s3cret/d",
            "postgres://ann@h/d?host=/run/x%3Bs3cret",
            "postgres://ann@/d?host=/run/ann%40s3cret",
        ] {
            let error = Address::read(text).unwrap_err();
            let message = format!("{error} {error:?}");
            assert!(message.contains("postgres://user:password@host"), "{message}");
            assert!(!message.contains("s3cret"), "{text}: {message}");
        }
    }

    #[test]
    fn a_password_may_be_encoded_and_the_scheme_in_any_case() {
        let address =
            Address::read("PostgreSQL://ann%40corp:s3%2Fcr%3Fe%40t@h/my-app?password=s3cret").unwrap();
        assert_eq!(address.config.get_user(), Some("ann@corp"));
        assert_eq!(address.config.get_password(), Some(&b"s3cret"[..]));
        assert_eq!(format!("{address:?}"), "Address(\"postgres://h:5432/my-app?schema=approvals\")");
        let address = Address::read("postgres://ann:s3/cret@h/d").unwrap();
        assert_eq!(address.config.get_password(), Some(&b"s3/cret"[..]));
        assert_eq!(address.name(), "postgres://h:5432/d?schema=approvals");
    }

    #[test]
    fn a_schema_has_a_plain_name() {
        for good in ["approvals", "a", "_x1"] {
            plain(good).unwrap();
        }
        for bad in ["", "1a", "Approvals", "a-b", "a\"; DROP", "pg_own", &"a".repeat(49)] {
            plain(bad).unwrap_err();
        }
        let error = plain("postgres://ann:s3cret@h/d").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}
