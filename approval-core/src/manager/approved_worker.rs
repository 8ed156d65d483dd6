//! Running what was approved while no caller waited for it.

use std::{collections::BTreeSet, future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;

use super::{ApprovalManager, Approved, Core, Grant, Provable, Runner, Unwound, bell::Bell, runner::Caller};
use crate::{
    approval_error::ApprovalError,
    clock::{Span, after},
    error::Invalid,
    id::RequestId,
    lifecycle,
    model::{ExecutionState, Request, Status},
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
    /// Runs `handle` for every approved request of an action that no process has begun: those there are, and those to come, of
    /// this and other processes. Each is claimed by spending its grant, so that one worker alone runs it; if that process is
    /// lost meanwhile, the request becomes unknown and a person settles it.
    ///
    /// `runner` is the action as this code declares it (an [`ActionSpec`](crate::ActionSpec) will do), and the agents that it
    /// runs for: the own agent, unless [`Runner::for_agents`] or [`Runner::for_any_agent`] names others. Approved requests of
    /// the action that do not fit (another agent, another version, other arguments than those approved, redacted arguments)
    /// stay as they are; a warning names each of them once.
    ///
    /// A call that the policy lets run without asking is run by its caller, and not handed to a worker.
    ///
    /// `handle` gets the approved arguments as a type of its own, and the grant: one of an action if the runner is
    /// [proving](Runner::proving) it. One request is handled after the other:
    /// let `handle` spawn what takes long, or start several workers. An error or a panic is recorded, and the worker goes on.
    pub fn on_approved<T, A, F, R, E>(&self, runner: impl Into<Runner<A>>, handle: F) -> ApprovedWorker
    where
        T: DeserializeOwned + Send + 'static,
        A: Provable + ?Sized + 'static,
        F: Fn(T, Grant<A>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display,
    {
        let mut worker = Worker {
            manager: self.clone(),
            caller: Caller::worker(runner.into(), &self.core),
            handle,
            passed_over: BTreeSet::new(),
        };
        let bell = Arc::new(Bell::new());
        lock(&self.core.approved_bells).push(Arc::downgrade(&bell));
        let (stop, mut stopped) = tokio::sync::watch::channel(false);
        let core = Arc::clone(&self.core);
        let task = self.core.runtime.spawn(async move {
            while !*stopped.borrow() && !core.stop.is_stopped() {
                bell.disarm();
                if let Err(error) = worker.turn().await {
                    tracing::error!(%error, action = %worker.caller.spec.name(), "failed to look for approved requests; trying again");
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
        ApprovedWorker { stop, task: Some(task) }
    }
}

/// Looks for approved requests, and runs them.
struct Worker<F> {
    manager: ApprovalManager,
    caller: Caller,
    handle: F,
    /// The requests that were left unclaimed at the last look, of which a warning was written.
    passed_over: BTreeSet<RequestId>,
}

impl<F> Worker<F> {
    async fn turn<T, A, R, E>(&mut self) -> Result<(), ApprovalError>
    where
        T: DeserializeOwned,
        A: Provable + ?Sized,
        F: Fn(T, Grant<A>) -> R,
        R: Future<Output = Result<(), E>>,
        E: std::fmt::Display,
    {
        let core = &self.manager.core;
        let mut query = Query {
            status: vec![Status::Approved],
            execution: vec![ExecutionState::NotStarted],
            namespace: Some(Arc::clone(&core.settings.namespace)),
            action: Some(self.caller.spec.name().as_str().into()),
            ..Query::default()
        };
        let mut passed_over = BTreeSet::new();
        loop {
            let page = core.store.list(&query).await?;
            for stored in page.items {
                let request = stored.request;
                // Its caller, who was not kept waiting, runs it.
                if lifecycle::is_by_policy(&request) {
                    continue;
                }
                if let Some(why) = self.misfit(&request) {
                    if !self.passed_over.contains(&request.id) {
                        self.warn(&request, why);
                    }
                    passed_over.insert(request.id);
                    continue;
                }
                let approved = Approved::new(self.manager.clone(), request, None);
                if let Err(error) = self.run_one(&approved).await {
                    // Another worker was faster, or it ran out or was revoked meanwhile.
                    tracing::debug!(request = %approved.request().id, %error, "an approved request was not run");
                }
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        // Those that are not there any more are forgotten, so that this does not grow.
        self.passed_over = passed_over;
        Ok(())
    }

    /// Why an approved request is not for this worker.
    fn misfit(&self, request: &Request) -> Option<&'static str> {
        let digest = self.caller.digest_of_stored(request);
        let claim = self.caller.claim(&self.manager.core, digest);
        claim.misfit(request).or_else(|| {
            if request.revision.arguments.is_redacted() {
                Some("its arguments are redacted, and not in the store in the clear")
            } else if request.grant.as_ref().is_none_or(|grant| grant.digest != digest) {
                Some("its stored arguments are not those that were approved")
            } else {
                None
            }
        })
    }

    fn warn(&self, request: &Request, why: &'static str) {
        let info = &self.caller.spec.info;
        tracing::warn!(
            request = %request.id,
            action = %request.action.name,
            version = request.action.version,
            agent = %request.requester,
            runs_version = info.version,
            runs_for = ?self.caller.agents,
            why,
            "left an approved request unclaimed"
        );
    }

    async fn run_one<T, A, R, E>(&self, approved: &Approved) -> Result<(), ApprovalError>
    where
        T: DeserializeOwned,
        A: Provable + ?Sized,
        F: Fn(T, Grant<A>) -> R,
        R: Future<Output = Result<(), E>>,
        E: std::fmt::Display,
    {
        // Read before the grant is spent: arguments of another type must not use it up.
        let arguments: T = approved.arguments().deserialize().map_err(|e| {
            let id = approved.request().id.to_string();
            tracing::error!(request = %id, error = %e, "the arguments of an approved request do not have the type of its handler");
            Invalid::new("arguments of the request", id, format!("do not have the type of the handler: {e}"))
        })?;
        // Over the very text that was read.
        let digest = self.caller.digest_of_stored(approved.request());
        let claim = self.caller.claim(&self.manager.core, digest);
        let mut execution = approved.begin_claiming(claim).await?;
        // The runner was checked when it was made, and the request when it was claimed.
        let grant = execution.grant::<A>()?;
        execution.start();
        let handling = AssertUnwindSafe(async {
            (self.handle)(arguments, grant).await.map_err(|error| error.to_string())
        });
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
}

impl Core {
    /// Something was approved for which no caller may be waiting.
    pub(crate) fn ring_approved(&self) {
        let mut bells = lock(&self.approved_bells);
        if bells.is_empty() {
            return;
        }
        bells.retain(|bell| bell.upgrade().inspect(|bell| bell.ring()).is_some());
    }
}
