//! The store that a command looks into.

use std::{future::Future, path::Path, sync::Arc};

use approval_core::{clock::Timestamp, store::Store};
use approval_store::SqliteStore;

/// Any error, to be shown.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Opens the store in a file that must be there: a command that looks must not make one. `sqlite:` may stand before the path.
fn open(path: &Path) -> Result<SqliteStore, BoxError> {
    let path = path.to_str().and_then(|text| text.strip_prefix("sqlite:")).map_or(path, Path::new);
    if !path.is_file() {
        return Err(format!("there is no file {}; give the file of the store", path.display()).into());
    }
    SqliteStore::open(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Runs something on a store, and closes it.
pub(crate) fn on_store<T, F>(path: &Path, work: impl FnOnce(Arc<dyn Store>) -> F) -> Result<T, BoxError>
where
    F: Future<Output = Result<T, BoxError>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let store: Arc<dyn Store> = Arc::new(open(path)?);
    runtime.block_on(async {
        let done = work(Arc::clone(&store)).await;
        store.close().await?;
        done
    })
}

/// A day or a moment of the command line.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let day = format!("{text}T00:00:00Z");
    day.parse()
        .or_else(|_| text.parse())
        .map_err(|_| format!("{text:?} is neither a day (2026-01-31) nor a moment (2026-01-31T18:00:00Z)"))
}
