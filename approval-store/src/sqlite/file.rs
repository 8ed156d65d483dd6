//! The store's file: made private, and opened for writing.

use std::{
    fs::OpenOptions,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use approval_core::{
    checked_file::{self, FileChecks, FileIdentity, UnsafeFile},
    model::address::{NO_PATH, looks_like_address, shown_path},
    store::StoreError,
};
use rusqlite::{Connection, OpenFlags};

use super::{
    failure::{failed, failed_to_open},
    schema,
};

/// Pages in the log from which on a commit folds it into the file (16 MiB): often enough that reading stays fast, seldom
/// enough that pages written many times are copied once.
const CHECKPOINT: i64 = 4096;
/// What is left of the log's length after it grew beyond it, in bytes.
const LOG_LIMIT: i64 = 64 << 20;
/// What the connection that writes may cache, in KiB: the inner pages of the indexes of a few million requests.
const CACHE: i64 = 32 << 10;

/// One opening at a time in this process. POSIX drops all locks of a process on a file when it closes any handle of that
/// file, so none may be open for making it while SQLite holds another.
static OPENING: Mutex<()> = Mutex::new(());

/// The whole path, so that neither a change of the working directory nor a special name such as `:memory:` matters.
///
/// # Errors
/// When it looks like the address of a database or a credential, which is not shown, or is of no use as a path.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    if looks_like_address(&path.to_string_lossy()) {
        return Err(StoreError::unavailable(NO_PATH));
    }
    std::path::absolute(path)
        .map_err(|e| StoreError::caused_by(format!("the store's path {} is of no use", shown_path(path)), e))
}

/// Opens the connection that writes; makes the file if there is none, and brings an older one up to date. Answers also under
/// which path, without links, the file is opened from then on.
pub(super) fn open(
    path: &Path,
    busy: Duration,
    checks: FileChecks,
) -> Result<(Connection, PathBuf), StoreError> {
    let _opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    make_private(path)?;
    let real = real(path, checks)?;
    let before = check(&real, checks)?;
    let connection = connect(&real, busy).map_err(|error| match error {
        StoreError::Unavailable { message, source } => {
            StoreError::Unavailable { message: format!("{}: {message}", shown_path(path)), source }
        }
        other => other,
    })?;
    // A handle of its own on the file would be the better check, but closing it drops the locks of this process on the file.
    if check(&real, checks)? == before {
        Ok((connection, real))
    } else {
        Err(refused(&real, UnsafeFile::Replaced.into()))
    }
}

/// The path without links; that its last part is none is checked, unless allowed.
fn real(path: &Path, checks: FileChecks) -> Result<PathBuf, StoreError> {
    checked_file::check(path, checks).map_err(|error| refused(path, error))?;
    let resolved = match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if !checks.symbolic_link_allowed() => {
            folder.canonicalize().map(|folder| folder.join(name))
        }
        _ => path.canonicalize(),
    };
    resolved.map_err(|error| {
        StoreError::caused_by(format!("the store's path {} is of no use", shown_path(path)), error)
    })
}

/// Checks the file, and those that SQLite keeps beside it: what stands in a log becomes part of the store.
fn check(real: &Path, checks: FileChecks) -> Result<FileIdentity, StoreError> {
    for beside in ["-wal", "-shm", "-journal"] {
        let mut name = real.as_os_str().to_owned();
        name.push(beside);
        let path = PathBuf::from(name);
        let beside = if checks.world_writable_allowed() {
            FileChecks::new().allow_world_writable()
        } else {
            FileChecks::new()
        };
        match checked_file::check(&path, beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(refused(&path, error)),
            _ => {}
        }
    }
    checked_file::check(real, checks).map_err(|error| refused(real, error))
}

fn refused(path: &Path, error: std::io::Error) -> StoreError {
    // What is unsafe, not what cannot be found or read.
    let hint = if error.kind() == ErrorKind::InvalidInput {
        " (SqliteBuilder::file_checks and settings of sqlite: say what is accepted)"
    } else {
        ""
    };
    StoreError::caused_by(format!("the file {} is not used as a store{hint}", shown_path(path)), error)
}

/// Makes the file if there is none, so that no other user can read it. What SQLite puts beside it inherits that.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let made = options.open(path).and_then(|file| {
        file.sync_all()?;
        // The entry in the directory must survive a loss of power as well.
        match path.parent() {
            Some(directory) if cfg!(unix) => std::fs::File::open(directory)?.sync_all(),
            _ => Ok(()),
        }
    });
    match made {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            let hint = match error.kind() {
                ErrorKind::NotFound => " (its directory does not exist; make it first)",
                ErrorKind::NotADirectory => " (a part of the path is a file, not a directory)",
                ErrorKind::PermissionDenied => " (its directory may not be written by this user)",
                ErrorKind::ReadOnlyFilesystem => " (the file system is read-only)",
                ErrorKind::StorageFull => " (make room on the disk)",
                _ => "",
            };
            let what = format!("the store's file {} cannot be made{hint}", shown_path(path));
            Err(StoreError::caused_by(what, error))
        }
    }
}

fn connect(path: &Path, busy: Duration) -> Result<Connection, StoreError> {
    let fail = failed("the store's file cannot be opened");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let opened = Connection::open_with_flags(path, flags);
    let mut connection = opened.map_err(failed_to_open("the store's file cannot be opened"))?;
    connection.busy_timeout(busy).map_err(&fail)?;
    // Before anything is written: it may be another program's.
    schema::check(&connection)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(&fail)?;
    if mode != "wal" {
        return Err(StoreError::unavailable(format!(
            "the store's file cannot be used with a write-ahead log (mode {mode:?}); put it on a local disk"
        )));
    }
    // Every commit is synced before it is acknowledged, on macOS by the call that reaches the disk.
    connection.pragma_update(None, "synchronous", "FULL").map_err(&fail)?;
    connection.pragma_update(None, "fullfsync", true).map_err(&fail)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true).map_err(&fail)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT).map_err(&fail)?;
    connection.pragma_update(None, "journal_size_limit", LOG_LIMIT).map_err(&fail)?;
    connection.pragma_update(None, "cache_size", -CACHE).map_err(&fail)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(&fail)?;
    connection.set_prepared_statement_cache_capacity(64);
    schema::migrate(&mut connection)?;
    Ok(connection)
}
