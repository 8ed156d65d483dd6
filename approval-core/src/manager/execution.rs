//! A grant that was spent, until it is known what became of it.

use std::{any::Any, sync::Arc};

use super::{ApprovalManager, Core, Grant, Provable, runtime::back_off};
use crate::{
    approval_error::ApprovalError,
    clock::{Span, after},
    error::Internal,
    id::{ExecutorId, GrantId, RequestId},
    lifecycle::{Act, Command, Ending},
    model::{CanonicalJson, Execution as ExecutionRecord, Request},
};

/// A grant that was spent. Says how the body ended, or, dropped before that, that it is not known.
#[must_use = "say how the body ended: succeeded(..) or failed(..)"]
pub struct Execution {
    manager: ApprovalManager,
    request: Arc<Request>,
    grant: GrantId,
    executor: ExecutorId,
    started: bool,
    unwound: Unwound,
    done: bool,
}

/// Whether a body panicked, as far as is known.
#[derive(Debug, Default)]
pub(crate) enum Unwound {
    /// The body is not watched: if the thread unwinds, it is taken to be the body that panicked.
    #[default]
    Unwatched,
    /// The body is watched, and has not panicked.
    No,
    /// The body panicked with this message.
    Yes(String),
}

impl Unwound {
    /// By a panic with this payload.
    pub(crate) fn by(payload: &(dyn Any + Send)) -> Self {
        let message = payload.downcast_ref::<&str>().copied();
        let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::Yes(message.unwrap_or("without a message").to_owned())
    }

    /// What is recorded about a panic, if there was one.
    pub(crate) fn why(&self) -> Option<String> {
        match self {
            Self::Unwatched => std::thread::panicking().then(|| "the body panicked".to_owned()),
            Self::No => None,
            Self::Yes(message) => Some(format!("the body panicked: {message}")),
        }
    }
}

impl std::fmt::Debug for Execution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Execution")
            .field("request", &self.request.id)
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

impl Execution {
    /// What is known to be executed in this process.
    ///
    /// # Errors
    /// When the request says otherwise, or has no grant.
    pub(crate) fn new(manager: ApprovalManager, request: Arc<Request>) -> Result<Self, Internal> {
        let Some(ExecutionRecord::Executing { executor, .. }) = request.execution.as_deref() else {
            return Err(Internal::new("a grant was spent, but nothing executes the request"));
        };
        let executor = *executor;
        let grant = request.grant.as_ref().map(|grant| grant.id);
        let grant = grant.ok_or(Internal::new("a request is executed without a grant"))?;
        let unwound = Unwound::Unwatched;
        Ok(Self { manager, request, grant, executor, started: false, unwound, done: false })
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> &Arc<Request> {
        &self.request
    }

    /// The arguments that were approved.
    #[must_use]
    pub fn arguments(&self) -> &CanonicalJson {
        &self.request.revision.arguments
    }

    /// The proof for inner functions: a [`Grant`] of the action that runs, or a `Grant<()>`.
    ///
    /// # Errors
    /// When `A` names another action, or another version of it, or the policy let the call run without asking. Nothing was
    /// run; [`super::Approved::proves`] tells it before the grant is spent.
    pub fn grant<A: Provable + ?Sized>(&self) -> Result<Grant<A>, ApprovalError> {
        Grant::of(Arc::clone(&self.request), self.grant)
    }

    /// The body begins. From now on a drop means "unknown", before it "not started".
    pub const fn start(&mut self) {
        self.started = true;
    }

    /// The body begins, or went on to panic, while it is watched.
    pub(crate) fn watch(&mut self, unwound: Unwound) {
        self.started = true;
        self.unwound = unwound;
    }

    /// The body returned. `result` is kept for later calls with the same key, if given.
    pub async fn succeeded(mut self, result: Option<CanonicalJson>) {
        self.report(Ending::Succeeded { result }).await;
    }

    /// The body returned an error.
    pub async fn failed(mut self, why: &str) {
        let started = self.started;
        self.report(Ending::Failed { why: capped(why).into(), started }).await;
    }

    async fn report(&mut self, ending: Ending) {
        if self.record(ending).await.is_err() {
            tracing::error!(request = %self.request.id, "the runtime ended before it was recorded how the body ended");
        }
    }

    /// On a task of its own: a caller that goes away meanwhile must not keep the end from being recorded.
    fn record(&mut self, ending: Ending) -> tokio::task::JoinHandle<()> {
        self.done = true;
        let manager = self.manager.clone();
        let request = self.request.id;
        let act = Act::Finish { executor: self.executor, grant: self.grant, ending };
        self.manager.core.runtime.spawn(async move {
            let core = &manager.core;
            if let Err(error) = core.report(request, act.clone()).await {
                keep_reporting(core, request, act, &error);
            }
        })
    }
}

/// Longest error of a body that is recorded, in bytes.
const WHY_LIMIT: usize = 2000;

fn capped(why: &str) -> &str {
    // The boundary lies within the text, so there is always a part before it.
    why.get(..why.floor_char_boundary(WHY_LIMIT)).unwrap_or_default()
}

impl Drop for Execution {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let ending = match (self.unwound.why(), self.started) {
            (Some(why), started) => Ending::Failed { why: capped(&why).into(), started },
            (None, true) => {
                Ending::Unknown { why: "the future of the body was dropped before it ended".into() }
            }
            (None, false) => Ending::Failed { why: "dropped before the body began".into(), started: false },
        };
        drop(self.record(ending));
    }
}

/// Goes on trying to record an ending that the store did not take. The caller has its value already; if all fails, the
/// lost lease makes the request unknown.
fn keep_reporting(core: &Arc<Core>, request: RequestId, act: Act, error: &ApprovalError) {
    tracing::error!(%request, %error, "it could not be recorded how the body ended; it is tried again");
    let spawned = Arc::clone(core);
    drop(core.runtime.spawn(async move {
        let core = spawned;
        for failures in 1..=20 {
            let wake = after(core.clock.now(), back_off(Span::from_millis(100), failures));
            tokio::select! {
                () = core.clock.sleep_until(wake) => {}
                () = core.stop.stopped() => {}
            }
            match core.report(request, act.clone()).await {
                Ok(()) => return,
                Err(error) => tracing::error!(%request, %error, failures, "it could not be recorded how the body ended"),
            }
            if core.stop.is_stopped() {
                break;
            }
        }
        tracing::error!(%request, "it was given up to record how the body ended; the request will become unknown");
    }));
}

impl Core {
    async fn report(&self, request: RequestId, act: Act) -> Result<(), ApprovalError> {
        let command = Command { actor: self.settings.agent.clone(), via: None, operator: false, act };
        match self.execute(request, command).await {
            Ok(_) => Ok(()),
            Err(refused @ (ApprovalError::Refused { .. } | ApprovalError::NotFound(_))) => {
                tracing::warn!(%request, %refused, "how the body ended was not taken");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
