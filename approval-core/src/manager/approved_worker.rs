//! Running what was approved while nobody waited for it.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;

use super::{ApprovalManager, Approved, Core, Grant, Unwound, bell::Bell};
use crate::{
    approval_error::ApprovalError,
    clock::{Span, after},
    error::Invalid,
    model::{ActionName, ExecutionState, Status},
    store::Query,
    sync::lock,
};

/// The worker looks at least so often, for what was approved in other processes.
const LONGEST_NAP: Span = Span::from_secs(5);

/// A running worker: see [`ApprovalManager::on_approved`]. Dropping it stops the worker after what it has begun.
#[derive(Debug)]
#[must_use = "the worker stops when this is dropped"]
pub struct ApprovedWorker {
    stop: tokio::sync::watch::Sender<bool>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl ApprovedWorker {
    /// Stops the worker and waits until what it has begun is done.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take()
            && task.await.is_err()
        {
            tracing::error!("the worker of approved requests panicked");
        }
    }
}

impl Drop for ApprovedWorker {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl ApprovalManager {
    /// Runs `handle` for every approved request of the action `name` that nobody has begun: those there are, and those to
    /// come, of this and other processes. Each is claimed by spending its grant, so that one worker alone runs it; if that
    /// process is lost meanwhile, the request becomes unknown and a person settles it.
    ///
    /// `handle` gets the approved arguments as a type of its own, and the grant. One request is handled after the other:
    /// let `handle` spawn what takes long, or start several workers. An error or a panic is recorded, and the worker goes on.
    ///
    /// # Errors
    /// When `name` is no name of an action.
    pub fn on_approved<T, F, R, E>(&self, name: &str, handle: F) -> Result<ApprovedWorker, ApprovalError>
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(T, Grant) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display,
    {
        let action = ActionName::new(name).map_err(|invalid| ApprovalError::Invalid(Box::new(invalid)))?;
        let bell = Arc::new(Bell::new());
        lock(&self.core.approved_bells).push(Arc::downgrade(&bell));
        let (stop, mut stopped) = tokio::sync::watch::channel(false);
        let core = Arc::clone(&self.core);
        let manager = self.clone();
        let task = self.core.runtime.spawn(async move {
            while !*stopped.borrow() && !core.stop.is_stopped() {
                bell.disarm();
                if let Err(error) = turn(&manager, &action, &handle).await {
                    tracing::error!(%error, action = action.as_str(), "approved requests could not be looked for; it is tried again");
                }
                let wake = after(core.clock.now(), LONGEST_NAP);
                tokio::select! {
                    () = bell.rung() => {}
                    () = core.clock.sleep_until(wake) => {}
                    _ = stopped.changed() => {}
                    () = core.stop.stopped() => {}
                }
            }
        });
        Ok(ApprovedWorker { stop, task: Some(task) })
    }
}

async fn turn<T, F, R, E>(
    manager: &ApprovalManager,
    action: &ActionName,
    handle: &F,
) -> Result<(), ApprovalError>
where
    T: DeserializeOwned,
    F: Fn(T, Grant) -> R,
    R: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    let mut query = Query {
        status: vec![Status::Approved],
        execution: vec![ExecutionState::NotStarted],
        namespace: Some(Arc::clone(&manager.core.settings.namespace)),
        action: Some(action.as_str().into()),
        ..Query::default()
    };
    loop {
        let page = manager.core.store.list(&query).await?;
        for stored in page.items {
            let approved = Approved::new(manager.clone(), stored.request);
            if let Err(error) = run_one(&approved, handle).await {
                // Somebody else was faster, or it ran out or was revoked meanwhile.
                tracing::debug!(request = %approved.request().id, %error, "an approved request was not run");
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(()),
        }
    }
}

async fn run_one<T, F, R, E>(approved: &Approved, handle: &F) -> Result<(), ApprovalError>
where
    T: DeserializeOwned,
    F: Fn(T, Grant) -> R,
    R: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    // Read before the grant is spent: arguments of another type must not use it up.
    let arguments: T = approved.arguments().deserialize().map_err(|e| {
        let id = approved.request().id.to_string();
        tracing::error!(request = %id, error = %e, "the arguments of an approved request do not have the type of its handler");
        Invalid::new("arguments of the request", id, format!("do not have the type of the handler: {e}"))
    })?;
    let mut execution = approved.begin().await?;
    let grant = execution.grant();
    execution.start();
    let handling =
        AssertUnwindSafe(async { handle(arguments, grant).await.map_err(|error| error.to_string()) });
    match handling.catch_unwind().await {
        Ok(Ok(())) => execution.succeeded(None).await,
        Ok(Err(why)) => execution.failed(&why).await,
        // The others that were approved must not suffer for it.
        Err(payload) => {
            let request = execution.request().id;
            tracing::error!(%request, "the handler of approved requests panicked; that is recorded, and the worker goes on");
            execution.watch(Unwound::by(&*payload));
        }
    }
    Ok(())
}

impl Core {
    /// Something was approved that nobody may be waiting for.
    pub(crate) fn ring_approved(&self) {
        let mut bells = lock(&self.approved_bells);
        if bells.is_empty() {
            return;
        }
        bells.retain(|bell| bell.upgrade().inspect(|bell| bell.ring()).is_some());
    }
}
