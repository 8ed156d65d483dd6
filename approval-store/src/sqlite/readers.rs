//! Connections that only read.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use approval_core::store::StoreError;
use rusqlite::{Connection, OpenFlags};

use super::failure::{failed, failed_to_open};

/// What a read connection may cache, in KiB. The system caches the file as well.
const CACHE: i64 = 2048;

/// Connections that only read: a few for single rows and as many for scans, opened when first needed.
///
/// A single row costs a few microseconds, less than handing the work to another thread; it is read where the caller is. A
/// scan is handed to a thread that may block. Each kind has connections of its own, so that no row waits for a scan.
#[derive(Debug)]
pub(super) struct Readers {
    single: Pool,
    scans: Pool,
    closed: AtomicBool,
}

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    busy: Duration,
    places: Box<[Mutex<Option<Connection>>]>,
    /// Whose turn it is to be waited for when all are in use.
    turn: AtomicUsize,
}

impl Readers {
    /// Up to `count` connections of each kind.
    pub(super) fn new(path: &Path, busy: Duration, count: usize) -> Self {
        Self {
            single: Pool::new(path, busy, count),
            scans: Pool::new(path, busy, count),
            closed: AtomicBool::new(false),
        }
    }

    /// Reads a row or two, on the caller's thread.
    pub(super) fn single<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.single.read(&self.closed, read)
    }

    /// Scans, on a thread that may block; where there is no runtime, on the caller's.
    pub(super) async fn scan<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(self);
        let scan = move || readers.scans.read(&readers.closed, read);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime.spawn_blocking(scan).await.map_err(|e| {
                StoreError::unavailable(format!("the runtime broke off a scan of the store: {e}"))
            })?,
            Err(_) => scan(),
        }
    }

    /// Lets go of all connections, once they are not used any more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        for place in self.single.places.iter().chain(&self.scans.places) {
            lock(place).take();
        }
    }
}

impl Pool {
    fn new(path: &Path, busy: Duration, count: usize) -> Self {
        let places = (0..count.max(1)).map(|_| Mutex::default()).collect();
        Self { path: path.to_owned(), busy, places, turn: AtomicUsize::new(0) }
    }

    fn read<T>(
        &self,
        closed: &AtomicBool,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut place = self.place()?;
        // Looked at under the lock, or a connection could be opened behind `close`.
        if closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        let connection = match place.take() {
            Some(connection) => connection,
            None => open(&self.path, self.busy)?,
        };
        read(place.insert(connection))
    }

    /// The first place that is free; all in use, one in turn.
    fn place(&self) -> Result<MutexGuard<'_, Option<Connection>>, StoreError> {
        let free = |place| match Mutex::try_lock(place) {
            Ok(place) => Some(place),
            Err(TryLockError::Poisoned(place)) => Some(place.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        if let Some(place) = self.places.iter().find_map(free) {
            return Ok(place);
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(self.places.len());
        turn.and_then(|turn| self.places.get(turn))
            .map(lock)
            .ok_or_else(|| StoreError::unavailable("the store has no connection for reading"))
    }
}

fn lock(place: &Mutex<Option<Connection>>) -> MutexGuard<'_, Option<Connection>> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a connection that only reads.
pub(super) fn open(path: &Path, busy: Duration) -> Result<Connection, StoreError> {
    const WHAT: &str = "the store's file cannot be opened for reading";
    let fail = failed(WHAT);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags).map_err(failed_to_open(WHAT))?;
    connection.busy_timeout(busy).map_err(&fail)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.pragma_update(None, "query_only", true).map_err(&fail)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(&fail)?;
    connection.pragma_update(None, "cache_size", -CACHE).map_err(&fail)?;
    Ok(connection)
}
