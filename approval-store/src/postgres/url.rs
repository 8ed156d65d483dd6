//! The address of a database.

use std::{path::PathBuf, time::Duration};

use approval_core::store::StoreError;
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

/// How far the server is to prove who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Encrypted where the server can do it, and nothing is proved: whoever sits in between could pretend that it cannot.
    Nobody,
    /// A certificate for its name, from an authority that is trusted.
    Verified,
}

/// An address, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) trust: Trust,
    /// File with the certificates of the authorities to trust.
    pub(super) roots: Option<PathBuf>,
    /// Name of the schema.
    pub(super) schema: Option<String>,
}

/// What is ours in an address, and not known to the library.
const SCHEMA: &str = "schema";

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
        bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
    }
    String::from_utf8(bytes).map_err(|_| bad("it is no text once its %.. are decoded"))
}

impl Address {
    /// Reads `postgres://…`. Beyond what the library knows: `sslmode=verify-full`, `sslrootcert=FILE` and `schema=NAME`.
    ///
    /// # Errors
    /// When it cannot be read. The message does not hold the password.
    pub(super) fn read(text: &str) -> Result<Self, StoreError> {
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut left, mut verify, mut roots, mut schema) = (Vec::new(), false, None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", "verify-full" | "verify-ca")) => {
                    verify = true;
                    left.push("sslmode=require");
                }
                Some(("sslrootcert", file)) => roots = Some(PathBuf::from(decoded(file)?)),
                Some((SCHEMA, name)) => schema = Some(decoded(name)?),
                _ => left.push(pair),
            }
        }
        let address = if left.is_empty() { base.to_owned() } else { format!("{base}?{}", left.join("&")) };
        let mut config: Config =
            address.parse().map_err(|error: tokio_postgres::Error| bad(super::failure::told(&error)))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(bad("it names no host"));
        }
        // What follows the first @ is taken for the host, and hosts are shown.
        if config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(name) if name.contains('@'))) {
            return Err(bad("it has more than one @; write %40 for one that belongs to the password"));
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
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        let schema = self.schema.as_deref().unwrap_or(DEFAULT_SCHEMA);
        format!("postgres://{}/{database}?schema={schema}", hosts.join(","))
    }
}

/// Checks the name of a schema, which goes into statements as it is.
///
/// # Errors
/// When it is more than a plain lower-case name.
pub(super) fn plain(schema: &str) -> Result<(), StoreError> {
    let word = |c: char| c.is_ascii_lowercase() || c == '_';
    let plain = schema.starts_with(word) && schema.chars().all(|c| word(c) || c.is_ascii_digit());
    if plain && schema.len() <= 48 && !schema.starts_with("pg_") {
        return Ok(());
    }
    Err(StoreError::unavailable(format!(
        "{schema:?} cannot be the name of the schema: use up to 48 of a-z, 0-9 and _, not beginning with a digit or pg_"
    )))
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
        assert_eq!(name("postgres://ann@[::1]"), "postgres://[::1]:5432/ann?schema=approvals");
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
            "nonsense",
        ] {
            let message = Address::read(text).unwrap_err().to_string();
            assert!(message.contains("postgres://user:password@host"), "{message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn a_schema_has_a_plain_name() {
        for good in ["approvals", "a", "_x1"] {
            plain(good).unwrap();
        }
        for bad in ["", "1a", "Approvals", "a-b", "a\"; DROP", "pg_own", &"a".repeat(49)] {
            plain(bad).unwrap_err();
        }
    }
}
