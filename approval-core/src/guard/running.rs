//! A call whose body may run, until it is known how that ended.

use std::sync::Arc;

use super::allowed::Allowed;
use crate::{
    approval_error::ApprovalError,
    manager::{Execution, Grant, Provable, Unwound},
    model::{CanonicalJson, Request},
};

/// A call that may run now. Say how it ended; dropped before that, nobody knows.
#[must_use = "say how the body ended: succeeded(..) or failed(..)"]
pub struct Running(Kind);

enum Kind {
    Asked(Execution),
    /// It has a request, about which nobody was asked or told.
    Unasked(Execution),
    Allowed(Box<Allowed>),
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::Asked(execution) | Kind::Unasked(execution) => {
                f.debug_tuple("Running").field(execution).finish()
            }
            Kind::Allowed(_) => f.write_str("Running(allowed)"),
        }
    }
}

impl Running {
    /// What people approved.
    pub(super) const fn asked(execution: Execution) -> Self {
        Self(Kind::Asked(execution))
    }

    /// What the policy allowed, and what leaves a request.
    pub(super) const fn unasked(execution: Execution) -> Self {
        Self(Kind::Unasked(execution))
    }

    /// What the policy allowed.
    pub(super) fn allowed(allowed: Allowed) -> Self {
        Self(Kind::Allowed(Box::new(allowed)))
    }

    /// The body begins.
    pub const fn start(&mut self) {
        match &mut self.0 {
            Kind::Asked(execution) | Kind::Unasked(execution) => execution.start(),
            Kind::Allowed(allowed) => allowed.start(),
        }
    }

    /// The body begins, and whoever runs it tells of a panic: a drop without one is a drop.
    pub(super) fn watch(&mut self) {
        self.unwound(Unwound::No);
    }

    /// What is known of a panic of the body.
    pub(super) fn unwound(&mut self, unwound: Unwound) {
        match &mut self.0 {
            Kind::Asked(execution) | Kind::Unasked(execution) => execution.watch(unwound),
            Kind::Allowed(allowed) => allowed.watch(unwound),
        }
    }

    /// The request that was approved; `None` for a call that the policy allowed without asking, unless it has a key or a run
    /// window: then the request says that the policy allowed it.
    #[must_use]
    pub fn request(&self) -> Option<&Arc<Request>> {
        match &self.0 {
            Kind::Asked(execution) | Kind::Unasked(execution) => Some(execution.request()),
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
            Kind::Asked(execution) => execution.grant().map(Some),
            Kind::Unasked(_) | Kind::Allowed(_) => Ok(None),
        }
    }

    /// The body returned. `result` is kept for the same call later.
    pub async fn succeeded(self, result: Option<CanonicalJson>) {
        match self.0 {
            Kind::Asked(execution) | Kind::Unasked(execution) => execution.succeeded(result).await,
            Kind::Allowed(allowed) => allowed.end("succeeded", None).await,
        }
    }

    /// The body returned an error.
    pub async fn failed(self, why: &str) {
        match self.0 {
            Kind::Asked(execution) | Kind::Unasked(execution) => execution.failed(why).await,
            Kind::Allowed(allowed) => allowed.end("failed", Some(why)).await,
        }
    }
}
