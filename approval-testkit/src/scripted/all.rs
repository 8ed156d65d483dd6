//! The two shortest scripts.

use approval_core::notify::{Capabilities, Decider, Delivered, Notice, Notifier, NotifyError};
use async_trait::async_trait;

use super::{RefusedStep, Scripted};

/// Everybody who is asked approves: real votes by eligible people, under the channel name `scripted`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = approval_testkit::TestManager::new(approval_testkit::ApproveAll::new())?;
/// # drop(manager); Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ApproveAll(Scripted);

/// Everybody who is asked rejects, for this reason.
#[derive(Clone, Debug)]
pub struct RejectAll(Scripted);

impl ApproveAll {
    /// Everybody who is asked approves.
    #[must_use]
    pub fn new() -> Self {
        Self(Scripted::new().then_approve_all())
    }

    /// Votes that were refused, and why: no person can approve a question, for instance.
    #[must_use]
    pub fn refusals(&self) -> Vec<RefusedStep> {
        self.0.refusals()
    }
}

impl Default for ApproveAll {
    fn default() -> Self {
        Self::new()
    }
}

impl RejectAll {
    /// Everybody who is asked rejects, for this reason.
    #[must_use]
    pub fn new(reason: &str) -> Self {
        Self(Scripted::new().then_reject_all(reason))
    }

    /// Votes that were refused, and why.
    #[must_use]
    pub fn refusals(&self) -> Vec<RefusedStep> {
        self.0.refusals()
    }
}

macro_rules! a_script {
    ($name:ident) => {
        #[async_trait]
        impl Notifier for $name {
            fn name(&self) -> &str {
                self.0.name()
            }

            fn capabilities(&self) -> Capabilities {
                self.0.capabilities()
            }

            async fn deliver(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
                self.0.deliver(notice).await
            }

            async fn start(&self, decider: Decider) -> Result<(), NotifyError> {
                self.0.start(decider).await
            }

            async fn stop(&self) {
                self.0.stop().await;
            }
        }
    };
}

a_script!(ApproveAll);
a_script!(RejectAll);
