//! Connections that only read.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use approval_core::store::StoreError;
use rusqlite::Connection;

use super::failure::failed;

/// Connections that are kept open when nobody uses them.
const KEPT: usize = 8;

type Open = dyn Fn(&std::path::Path) -> Result<Connection, StoreError> + Send + Sync;

/// Connections that only read, opened when needed.
///
/// A single row costs a few microseconds, less than handing the work to another thread; it is read where the caller is. A
/// scan is handed to a thread that may block.
pub(super) struct Readers {
    path: PathBuf,
    open: Box<Open>,
    idle: Mutex<Vec<Connection>>,
    closed: AtomicBool,
}

impl Readers {
    pub(super) fn new(
        path: PathBuf,
        open: impl Fn(&std::path::Path) -> Result<Connection, StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self { path, open: Box::new(open), idle: Mutex::default(), closed: AtomicBool::new(false) }
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => (self.open)(&self.path)?,
        };
        let result = read(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT && !self.closed.load(Ordering::Acquire) {
            idle.push(connection);
        }
        result
    }

    /// Reads a row or two, on the caller's thread.
    pub(super) fn quick<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.with(read)
    }

    /// Scans, on a thread that may block.
    pub(super) async fn slow<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(self);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                let scan = runtime.spawn_blocking(move || readers.with(read));
                scan.await.map_err(|e| {
                    StoreError::unavailable(format!("a scan of the store was broken off: {e}"))
                })?
            }
            Err(_) => self.with(read),
        }
    }

    /// Lets go of all connections.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Opens a connection that only reads.
pub(super) fn open(path: &std::path::Path, busy: std::time::Duration) -> Result<Connection, StoreError> {
    let fail = failed("the store's file cannot be opened for reading");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&fail)?;
    connection.busy_timeout(busy).map_err(&fail)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "query_only", true).map_err(&fail)?;
    Ok(connection)
}
