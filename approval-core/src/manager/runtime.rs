//! Where the workers run: on the runtime in which the manager was built, or on a thread of their own.

use std::{future::Future, io};

use tokio::{runtime::Handle, sync::watch, task::JoinHandle};

use crate::{
    clock::Span,
    sync::{Mutex, lock},
};

/// The workers of one manager.
#[derive(Debug)]
pub(crate) struct Workers {
    handle: Handle,
    running: Mutex<Vec<JoinHandle<()>>>,
    /// Keeps the thread of our own runtime going until the manager is gone.
    _thread: Option<watch::Sender<()>>,
}

impl Workers {
    /// Workers on the current runtime; where there is none, on a new thread.
    pub(crate) fn new() -> io::Result<Self> {
        if let Ok(handle) = Handle::try_current() {
            return Ok(Self { handle, running: Mutex::default(), _thread: None });
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let handle = runtime.handle().clone();
        let (sender, mut receiver) = watch::channel(());
        std::thread::Builder::new().name("approvals".to_owned()).spawn(move || {
            runtime.block_on(async move { while receiver.changed().await.is_ok() {} });
        })?;
        Ok(Self { handle, running: Mutex::default(), _thread: Some(sender) })
    }

    /// Starts a worker.
    pub(crate) fn start(&self, worker: impl Future<Output = ()> + Send + 'static) {
        lock(&self.running).push(self.handle.spawn(worker));
    }

    /// Runs something to its end, whatever becomes of the caller.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.handle.spawn(work)
    }

    /// Returns once every worker has ended.
    pub(crate) async fn finished(&self) {
        loop {
            let Some(worker) = lock(&self.running).pop() else { return };
            if let Err(error) = worker.await
                && error.is_panic()
            {
                tracing::error!(%error, "a worker of the approval manager panicked");
            }
        }
    }
}

/// The longest back-off.
pub(crate) const LONGEST: Span = Span::from_secs(60);

/// `first`, doubled for each failure, at most a minute.
pub(crate) fn back_off(first: Span, failures: u32) -> Span {
    first
        .checked_mul(2_i32.saturating_pow(failures.min(16)))
        .map_or(LONGEST, |span| if failures == 0 { first } else { span.min(LONGEST) })
}
