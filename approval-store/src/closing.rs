//! Waiting for the end of a store's own thread.

use approval_core::store::StoreError;

/// Waits on a thread that may block; where there is no runtime, on the caller's.
pub(crate) async fn end_of_thread(
    end: impl FnOnce() -> Result<(), StoreError> + Send + 'static,
) -> Result<(), StoreError> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime
            .spawn_blocking(end)
            .await
            .map_err(|e| StoreError::unavailable(format!("the runtime broke off the closing: {e}")))?,
        Err(_) => end(),
    }
}
