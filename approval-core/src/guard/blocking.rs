//! Waiting in code that is not asynchronous.

use std::{cell::RefCell, future::Future};

use tokio::runtime::{Handle, Runtime, RuntimeFlavor};

use crate::{approval_error::ApprovalError, model::ActionName, store::StoreError};

thread_local! {
    /// Drives the timers of a thread that has no runtime. Made when first needed.
    static OWN: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

/// Waits for `work` in a thread that may block: outside of a runtime, or in a multi-thread one.
///
/// # Errors
/// [`ApprovalError::WouldBlock`] on the thread of a single-thread runtime, which would then stand still; what `work` says.
pub(crate) fn block_on<T>(
    action: &ActionName,
    work: impl Future<Output = Result<T, ApprovalError>>,
) -> Result<T, ApprovalError> {
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(|| handle.block_on(work))
        }
        Ok(_) => Err(ApprovalError::WouldBlock { action: action.clone() }),
        Err(_) => {
            let runtime = OWN
                .with_borrow_mut(Option::take)
                .map_or_else(|| tokio::runtime::Builder::new_current_thread().enable_time().build(), Ok);
            let runtime = runtime
                .map_err(|e| StoreError::unavailable(format!("no timer for a waiting thread: {e}")))?;
            let result = runtime.block_on(work);
            OWN.set(Some(runtime));
            result
        }
    }
}
