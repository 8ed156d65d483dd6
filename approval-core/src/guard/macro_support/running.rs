//! From the spent grant to the recorded outcome.

use std::{future::Future, pin::Pin, sync::Arc};

use super::{Arguments, Ended, IntoOutcome};
use crate::{
    approval_error::{About, ApprovalError},
    error::Invalid,
    guard::{
        self, block_on,
        watch::{watched, watched_blocking},
    },
    manager::{ActionSpec, ApprovalManager, Grant, Provable},
    model::{CanonicalJson, canonical::EncodeError},
};

/// A call whose grant is spent, until its outcome is recorded.
#[derive(Debug)]
pub struct Running {
    inner: guard::Running,
    manager: ApprovalManager,
    spec: Arc<ActionSpec>,
    /// What may run.
    expected: CanonicalJson,
    result: Option<CanonicalJson>,
}

impl Running {
    pub(super) const fn new(
        inner: guard::Running,
        manager: ApprovalManager,
        spec: Arc<ActionSpec>,
        expected: CanonicalJson,
    ) -> Self {
        Self { inner, manager, spec, expected, result: None }
    }

    /// Compares what is about to run with what may run: a value that is shared may have changed in the meantime.
    ///
    /// # Errors
    /// When they differ. Dropped then, the call is recorded as failed and not begun.
    pub fn recheck(&self, arguments: Arguments) -> Result<(), ApprovalError> {
        let actual = arguments.into_json()?;
        if actual == self.expected {
            return Ok(());
        }
        let Some(request) = self.inner.request() else {
            let why = "changed between the policy's answer and the body";
            return Err(Invalid::new("arguments", self.spec.name().as_str(), why).into());
        };
        let key = self.manager.core.settings.redaction_key.as_ref();
        let current = self.spec.bind(actual, request.attachments().to_vec(), key)?.digest;
        Err(ApprovalError::ArgumentsChanged {
            about: About::of(request),
            seen: request.revision.digest,
            current,
        })
    }

    /// Proof of the approval, for the body: see [`super::Proof`].
    pub(super) fn grant<A: Provable + ?Sized>(&self) -> Result<Grant<A>, ApprovalError> {
        self.inner.grant()?.ok_or_else(|| {
            Invalid::new("grant", self.spec.name().as_str(), "does not exist, since no person was asked")
                .into()
        })
    }

    /// Runs the body.
    pub async fn run<F: Future + ?Sized>(&mut self, body: Pin<&mut F>) -> F::Output {
        watched(&mut self.inner, body).await
    }

    /// Runs the body of a function that is not async.
    pub fn run_blocking<R>(&mut self, body: impl FnOnce() -> R) -> R {
        watched_blocking(&mut self.inner, body)
    }

    /// Keeps what is to be given back to later calls under the same key.
    pub fn record(&mut self, result: Option<Result<CanonicalJson, EncodeError>>) {
        match result {
            Some(Ok(result)) => self.result = Some(result),
            Some(Err(error)) => {
                let action = self.spec.name();
                tracing::error!(%action, %error, "what the body returned cannot be recorded, so it cannot be replayed");
            }
            None => {}
        }
    }

    /// Records how the body ended.
    pub async fn finish(self, outcome: impl IntoOutcome) {
        let Self { inner, result, .. } = self;
        match outcome.into_outcome() {
            Ended::Succeeded => inner.succeeded(result).await,
            Ended::Failed(why) => inner.failed(&why).await,
        }
    }

    /// Records how the body of a function that is not async ended.
    pub fn finish_blocking(self, outcome: impl IntoOutcome) {
        let action = self.spec.name().clone();
        let finished = block_on(&action, async {
            self.finish(outcome).await;
            Ok(())
        });
        if let Err(error) = finished {
            tracing::error!(%action, %error, "it could not be recorded how the body ended");
        }
    }
}
