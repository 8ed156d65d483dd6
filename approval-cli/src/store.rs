//! The stores that a command works with.

use std::{ffi::OsStr, future::Future, path::Path, sync::Arc};

use approval_core::{Invalid, Principal, checked_file::FileChecks, clock::Timestamp, store::Store};
use approval_store::StoreUrl;

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

/// Opens the store at a URL.
async fn open(url: &StoreUrl, missing: Missing) -> Result<Arc<dyn Store>, BoxError> {
    let opened = match missing {
        Missing::Refuse => url.connect_existing().await,
        Missing::Make => url.connect().await,
    };
    let store = opened.map_err(|error| format!("{url}: {error}"))?;
    if store.info().durable {
        return Ok(store);
    }
    Err(format!(
        "{url} is gone when this command ends; give sqlite:PATH, a path, or postgres://user@host/database"
    )
    .into())
}

/// What the store of a URL is called, the same however its place is written. Never with a password.
pub(crate) fn name_of(url: &StoreUrl) -> Result<String, BoxError> {
    let Some(path) = url.path() else { return Ok(url.to_string()) };
    let whole = path.canonicalize().or_else(|_| {
        // It is not there yet: its folder is.
        let (folder, file) = (path.parent(), path.file_name());
        let file = file.ok_or_else(|| std::io::Error::other("it names no file"))?;
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folder.canonicalize().map(|folder| folder.join(file))
    });
    let whole = whole.map_err(|error| format!("{url}: {error}"))?;
    Ok(format!("sqlite:{}", whole.display()))
}

/// The store that an argument names: a URL, or a path, which need not be text.
pub(crate) fn named(argument: &OsStr, checks: FileChecks) -> Result<StoreUrl, BoxError> {
    let url = match argument.to_str() {
        Some(text) => text.parse()?,
        None => StoreUrl::file(argument),
    };
    Ok(url.file_checks(checks))
}

/// Runs something on the store that an argument names, and closes it. None is made.
pub(crate) fn on_store<T, F>(
    argument: impl AsRef<OsStr>,
    checks: FileChecks,
    work: impl FnOnce(Arc<dyn Store>) -> F,
) -> Result<T, BoxError>
where
    F: Future<Output = Result<T, BoxError>>,
{
    run_on([(&named(argument.as_ref(), checks)?, Missing::Refuse)], |[store]| work(store))
}

/// Runs something on stores, and closes them.
pub(crate) fn run_on<T, F, const N: usize>(
    urls: [(&StoreUrl, Missing); N],
    work: impl FnOnce([Arc<dyn Store>; N]) -> F,
) -> Result<T, BoxError>
where
    F: Future<Output = Result<T, BoxError>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let mut stores = Vec::with_capacity(N);
        let opened = async {
            for (url, missing) in urls {
                stores.push(open(url, missing).await?);
            }
            <[_; N]>::try_from(stores.clone()).map_err(|_| "a store is missing".into())
        };
        let done = match opened.await {
            Ok(stores) => work(stores).await,
            Err(error) => Err(error),
        };
        for store in stores {
            store.close().await?;
        }
        done
    })
}

/// An agent, with or without what says that it is one.
pub(crate) fn named_agent(text: &str) -> Result<Principal, Invalid> {
    if text.contains(':') { Principal::new(text) } else { Principal::agent(text) }
}

/// A day or a moment of the command line.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let day = format!("{text}T00:00:00Z");
    day.parse()
        .or_else(|_| text.parse())
        .map_err(|_| format!("{text:?} is neither a day (2026-01-31) nor a moment (2026-01-31T18:00:00Z)"))
}
