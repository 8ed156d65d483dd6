//! A call whose body may run, until it is known how that ended.

use std::sync::Arc;

use super::allowed::Allowed;
use crate::{
    approval_error::ApprovalError,
    lifecycle,
    manager::{Execution, Grant, Provable, Unwound},
    model::{CanonicalJson, Request},
};

/// A call that may run now. Say how it ended; dropped before that, it is not known.
#[must_use = "say how the body ended: succeeded(..) or failed(..)"]
pub struct Running(Kind);

enum Kind {
    /// It has a request: people approved it, or the policy let it run.
    Requested(Execution),
    Allowed(Box<Allowed>),
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::Requested(execution) => f.debug_tuple("Running").field(execution).finish(),
            Kind::Allowed(_) => f.write_str("Running(allowed)"),
        }
    }
}

impl Running {
    /// What has a request.
    pub(super) const fn requested(execution: Execution) -> Self {
        Self(Kind::Requested(execution))
    }

    /// What the policy allowed, and has none.
    pub(super) fn allowed(allowed: Allowed) -> Self {
        Self(Kind::Allowed(Box::new(allowed)))
    }

    /// The body begins.
    pub const fn start(&mut self) {
        match &mut self.0 {
            Kind::Requested(execution) => execution.start(),
            Kind::Allowed(allowed) => allowed.start(),
        }
    }

    /// The body begins, and the code that runs it reports a panic: a drop without one is a drop.
    pub(super) fn watch(&mut self) {
        self.unwound(Unwound::No);
    }

    /// What is known of a panic of the body.
    pub(super) fn unwound(&mut self, unwound: Unwound) {
        match &mut self.0 {
            Kind::Requested(execution) => execution.watch(unwound),
            Kind::Allowed(allowed) => allowed.watch(unwound),
        }
    }

    /// The request that was approved; `None` for a call that the policy allowed without asking, unless it has a key, a run
    /// window, or people to tell: then the request says that the policy allowed it.
    #[must_use]
    pub fn request(&self) -> Option<&Arc<Request>> {
        match &self.0 {
            Kind::Requested(execution) => Some(execution.request()),
            Kind::Allowed(_) => None,
        }
    }

    /// The proof for inner functions: a [`Grant`] of the action that runs, or a `Grant<()>`. `None` for a call that the policy
    /// allowed without asking.
    ///
    /// # Errors
    /// When `A` names another action, or another version of it: [`super::Authorization::proves`] tells it before the grant is spent.
    pub fn grant<A: Provable + ?Sized>(&self) -> Result<Option<Grant<A>>, ApprovalError> {
        match &self.0 {
            // What the policy alone let run proves no approval.
            Kind::Requested(execution) if lifecycle::is_by_policy(execution.request()) => Ok(None),
            Kind::Requested(execution) => execution.grant().map(Some),
            Kind::Allowed(_) => Ok(None),
        }
    }

    /// The body returned. `result` is kept for the same call later.
    pub async fn succeeded(self, result: Option<CanonicalJson>) {
        match self.0 {
            Kind::Requested(execution) => execution.succeeded(result).await,
            Kind::Allowed(allowed) => allowed.end("succeeded", None).await,
        }
    }

    /// The body returned an error.
    pub async fn failed(self, why: &str) {
        match self.0 {
            Kind::Requested(execution) => execution.failed(why).await,
            Kind::Allowed(allowed) => allowed.end("failed", Some(why)).await,
        }
    }
}
