//! The stores that a command works with.

use std::{future::Future, path::Path, sync::Arc};

use approval_core::{clock::Timestamp, store::Store};
use approval_store::SqliteStore;

/// Any error, to be shown.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Whether a store may be made where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// A command that looks must not make one.
    Refuse,
    /// It is to be filled.
    Make,
}

/// The store of a URL: `sqlite:PATH`, or a path alone.
pub(crate) fn connect(url: &str, missing: Missing) -> Result<Arc<dyn Store>, BoxError> {
    open(path_of(url)?, missing)
}

fn open(path: &Path, missing: Missing) -> Result<Arc<dyn Store>, BoxError> {
    if missing == Missing::Refuse && !path.is_file() {
        return Err(format!("there is no file {}; give the file of the store", path.display()).into());
    }
    let store = SqliteStore::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Arc::new(store))
}

/// What the store of a URL is called, the same however its place is written. Never with a password.
pub(crate) fn name_of(url: &str) -> Result<String, BoxError> {
    let path = path_of(url)?;
    let whole = path.canonicalize().or_else(|_| {
        // It is not there yet: its folder is.
        let (folder, file) = (path.parent(), path.file_name().unwrap_or_default());
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folder.canonicalize().map(|folder| folder.join(file))
    });
    let whole = whole.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(format!("sqlite:{}", whole.display()))
}

fn path_of(url: &str) -> Result<&Path, BoxError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(Path::new(path));
    }
    match url.split_once(':') {
        Some((kind, _)) if url.contains("://") || kind == "memory" => {
            Err(format!("no store of the kind {kind:?} can be opened here; give sqlite:PATH, or a path")
                .into())
        }
        _ => Ok(Path::new(url)),
    }
}

/// Runs something on a store, and closes it.
pub(crate) fn on_store<T, F>(path: &Path, work: impl FnOnce(Arc<dyn Store>) -> F) -> Result<T, BoxError>
where
    F: Future<Output = Result<T, BoxError>>,
{
    let store = match path.to_str() {
        Some(url) => connect(url, Missing::Refuse)?,
        None => open(path, Missing::Refuse)?,
    };
    run_on([store], |[store]| work(store))
}

/// Runs something on stores, and closes them.
pub(crate) fn run_on<T, F, const N: usize>(
    stores: [Arc<dyn Store>; N],
    work: impl FnOnce([Arc<dyn Store>; N]) -> F,
) -> Result<T, BoxError>
where
    F: Future<Output = Result<T, BoxError>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let done = work(stores.clone()).await;
        for store in stores {
            store.close().await?;
        }
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
