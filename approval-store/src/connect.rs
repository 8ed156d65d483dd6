//! A store by its URL.

use std::{fmt, str::FromStr, sync::Arc};

use approval_core::{
    checked_file::FileChecks,
    model::address::{NO_PATH, known_scheme, looks_like_address, shown_path},
    store::{MemoryStore, Store, StoreError},
};

#[cfg(feature = "postgres")]
use crate::PostgresStore;
#[cfg(feature = "sqlite")]
use crate::SqliteStore;

/// The environment variable that [`from_env`] reads.
pub const STORE_VARIABLE: &str = "APPROVALS_STORE";

/// Opens the store at `url`, so that a setting decides which one a program works with:
///
/// | URL | store |
/// |---|---|
/// | `memory:` | [`MemoryStore`]: nothing is kept when the process ends |
/// | `sqlite:PATH`, `sqlite:///ABSOLUTE/PATH`, or a path alone | `SqliteStore` (feature `sqlite`): one file, for the processes of one machine; made if it is not there. A relative path starts at the working directory, and nothing in it is decoded. `sqlite:PATH?allow_world_writable=true&allow_symbolic_link=true` accepts files that are [refused](approval_core::checked_file) otherwise |
/// | `postgres://…`, `postgresql://…` | `PostgresStore` (feature `postgres`): one database, for any number of machines; its tables are made if they are not there. `schema=NAME` names the schema |
///
/// A text that looks like the address of a database is never taken for a path, however malformed it is: with quotes or a
/// space around it, behind `sqlite:`, in the form `host=… password=…`, or percent-encoded; nor is one with a credential in it (`pgpassword s3cret`). It is refused, and not shown. Errors show
/// paths only if [they are plain](crate::is_plain_path).
///
/// Settings beyond these have the builders of the stores.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use approval_core::ApprovalManager;
///
/// let store = approval_store::connect("memory:").await?;
/// let manager = ApprovalManager::builder().shared_store(store).unattended().build()?;
/// # Ok(()) }) }
/// ```
///
/// # Errors
/// When the URL cannot be read, names a store that this program was built without, or the store cannot be opened. No error
/// holds a password.
pub async fn connect(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    url.parse::<StoreUrl>()?.connect().await
}

/// Opens the store that the environment variable `APPROVALS_STORE` names, or the one at `otherwise` where it is not set or
/// empty. This variable is all that is read of the environment.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let store = approval_store::from_env("sqlite:approvals.db").await?;
/// # drop(store); Ok(()) }
/// ```
///
/// # Errors
/// As [`connect`].
pub async fn from_env(otherwise: &str) -> Result<Arc<dyn Store>, StoreError> {
    match std::env::var_os(STORE_VARIABLE) {
        Some(url) if !url.is_empty() => match url.to_str() {
            Some(url) => connect(url).await,
            None => Err(StoreError::unavailable(format!("what {STORE_VARIABLE} holds is no UTF-8 text"))),
        },
        _ => connect(otherwise).await,
    }
}

/// Where a store is, read and checked, but not opened yet.
///
/// As text it is the same however the address was written, and has neither user nor password:
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use approval_store::StoreUrl;
///
/// let url: StoreUrl = "memory:".parse()?;
/// assert_eq!(url.to_string(), "memory:");
/// # #[cfg(feature = "postgres")] {
/// let url: StoreUrl = "postgresql://ann:secret@db.example.com/app".parse()?;
/// assert_eq!(url.to_string(), "postgres://db.example.com:5432/app?schema=approvals");
/// # }
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(Place);

#[derive(Clone, PartialEq, Eq)]
enum Place {
    Memory,
    #[cfg(feature = "sqlite")]
    Sqlite {
        path: std::path::PathBuf,
        checks: FileChecks,
    },
    /// The address, which may hold a password, and what to call it.
    #[cfg(feature = "postgres")]
    Postgres {
        url: String,
        name: String,
    },
}

impl StoreUrl {
    /// The SQLite store in the file at `path`, which need not be text.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn file(path: impl Into<std::path::PathBuf>) -> Self {
        Self(Place::Sqlite { path: path.into(), checks: FileChecks::new() })
    }

    /// The same store, where `checks` says what is accepted of its file although it is not safe, besides what the URL itself
    /// accepts. A store without a file stays as it is.
    #[must_use]
    pub fn file_checks(self, checks: FileChecks) -> Self {
        match self.0 {
            #[cfg(feature = "sqlite")]
            Place::Sqlite { path, checks: own } => Self(Place::Sqlite { path, checks: own.or(checks) }),
            other => Self(other),
        }
    }

    /// The path of the file, if the store is one.
    #[must_use]
    pub fn path(&self) -> Option<&std::path::Path> {
        match &self.0 {
            Place::Memory => None,
            #[cfg(feature = "sqlite")]
            Place::Sqlite { path, .. } => Some(path),
            #[cfg(feature = "postgres")]
            Place::Postgres { .. } => None,
        }
    }

    /// Opens the store; makes it if there is none.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn connect(&self) -> Result<Arc<dyn Store>, StoreError> {
        self.open(false).await
    }

    /// Opens the store if there is one. For programs that only look.
    ///
    /// # Errors
    /// When there is none, or it cannot be opened.
    pub async fn connect_existing(&self) -> Result<Arc<dyn Store>, StoreError> {
        self.open(true).await
    }

    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, reason = "what can wait is left out of this build")
    )]
    async fn open(&self, existing_only: bool) -> Result<Arc<dyn Store>, StoreError> {
        match &self.0 {
            Place::Memory if existing_only => {
                Err(bad("there is no store: one in memory is empty when a program starts"))
            }
            Place::Memory => Ok(Arc::new(MemoryStore::new())),
            #[cfg(feature = "sqlite")]
            Place::Sqlite { path, checks } => {
                if existing_only && !path.exists() {
                    let message =
                        format!("there is no file {}; give the file of the store", shown_path(path));
                    return Err(bad(message));
                }
                Ok(Arc::new(SqliteStore::builder(path).file_checks(*checks).open()?))
            }
            #[cfg(feature = "postgres")]
            Place::Postgres { url, .. } => {
                let builder = PostgresStore::builder(url);
                let builder = if existing_only { builder.existing_only() } else { builder };
                Ok(Arc::new(builder.connect().await?))
            }
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Memory => f.write_str("memory:"),
            #[cfg(feature = "sqlite")]
            Place::Sqlite { path, checks } => {
                write!(f, "sqlite:{}", shown_path(path))?;
                let set = [
                    (WORLD_WRITABLE, checks.world_writable_allowed()),
                    (SYMBOLIC_LINK, checks.symbolic_link_allowed()),
                ];
                let set = set.into_iter().filter(|(_, allowed)| *allowed);
                for (sign, (setting, _)) in std::iter::once('?').chain(std::iter::repeat('&')).zip(set) {
                    write!(f, "{sign}{setting}=true")?;
                }
                Ok(())
            }
            #[cfg(feature = "postgres")]
            Place::Postgres { name, .. } => f.write_str(name),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

/// Which URLs there are.
const KINDS: &str = "give memory:, sqlite:PATH, a path alone, or postgres://user@host/database";

fn bad(why: impl Into<String>) -> StoreError {
    StoreError::unavailable(why)
}

impl FromStr for StoreUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        if text.is_empty() {
            return Err(bad(format!("no store is named: {KINDS}")));
        }
        let Some((scheme, rest)) = scheme(text) else { return sqlite(text) };
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "memory" if rest.is_empty() => Ok(Self(Place::Memory)),
            "memory" => Err(bad("a store in memory has no name: give memory: alone")),
            "sqlite" => {
                let (path, checks) = sqlite_path(rest)?;
                Ok(sqlite(path)?.file_checks(checks))
            }
            "postgres" | "postgresql" => postgres(rest),
            "file" => Err(bad("a file of SQLite is given as sqlite:PATH, or as a path alone, not as file:")),
            // Only well-known names are repeated: anything else may be a part of a password.
            other => {
                let which =
                    known_scheme(other).map_or_else(String::new, |known| format!(" called {known:?}"));
                Err(bad(format!(
                    "there is no such kind of store{which}: {KINDS} (a file whose name has a colon in it: ./NAME)"
                )))
            }
        }
    }
}

/// What is before the first colon and after it, if that is a scheme: one letter is a drive.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let plain = scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'));
    (plain && scheme.len() > 1 && !scheme.starts_with('.')).then_some((scheme, rest))
}

/// Setting of `sqlite:` that accepts a file that every user of the machine may write.
const WORLD_WRITABLE: &str = "allow_world_writable";
/// Setting of `sqlite:` that accepts a symbolic link.
const SYMBOLIC_LINK: &str = "allow_symbolic_link";

/// The path in what follows `sqlite:`, and what is accepted of its file.
fn sqlite_path(rest: &str) -> Result<(&str, FileChecks), StoreError> {
    if looks_like_address(rest) {
        return Err(bad(NO_PATH));
    }
    let (rest, settings) = rest.split_once('?').unwrap_or((rest, ""));
    let mut checks = FileChecks::new();
    for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
        checks = match setting.split_once('=') {
            Some((WORLD_WRITABLE, "true")) => checks.allow_world_writable(),
            Some((SYMBOLIC_LINK, "true")) => checks.allow_symbolic_link(),
            _ => {
                return Err(bad(format!(
                    "sqlite: has no settings after a question mark but {WORLD_WRITABLE}=true and {SYMBOLIC_LINK}=true; if it \
                     belongs to the name of the file, give the path alone"
                )));
            }
        };
    }
    let path = match rest.strip_prefix("//") {
        // No machine is named, and the path begins with the third slash.
        Some(path) if path.starts_with('/') => path,
        Some(_) => {
            let hint = "what follows sqlite:// would be the name of a machine: give sqlite:PATH, or sqlite:///ABSOLUTE/PATH";
            return Err(bad(hint));
        }
        None => rest,
    };
    match path {
        "" => Err(bad("sqlite: names no file: give sqlite:PATH")),
        ":memory:" => Err(bad("a store in memory is given as memory:")),
        path => Ok((path, checks)),
    }
}

/// The store in the file at `path`, unless that looks like the address of a database or a credential.
fn sqlite(path: &str) -> Result<StoreUrl, StoreError> {
    if looks_like_address(path) {
        return Err(bad(NO_PATH));
    }
    if path.chars().any(|c| c.is_control() || c == '\u{feff}') {
        return Err(bad(
            "the path of the store has a line break, a byte-order mark or another control character in it; remove it",
        ));
    }
    file(path)
}

#[cfg(feature = "sqlite")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it is an error")]
fn file(path: &str) -> Result<StoreUrl, StoreError> {
    Ok(StoreUrl::file(path))
}

#[cfg(not(feature = "sqlite"))]
fn file(_path: &str) -> Result<StoreUrl, StoreError> {
    Err(bad("this program was built without SQLite: turn on the feature `sqlite` of approval-store"))
}

#[cfg(feature = "postgres")]
fn postgres(rest: &str) -> Result<StoreUrl, StoreError> {
    let url = format!("postgres:{rest}");
    let name = PostgresStore::name_of(&url)?;
    Ok(StoreUrl(Place::Postgres { url, name }))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_rest: &str) -> Result<StoreUrl, StoreError> {
    Err(bad("this program was built without PostgreSQL: turn on the feature `postgres` of approval-store"))
}

#[cfg(test)]
mod tests;
