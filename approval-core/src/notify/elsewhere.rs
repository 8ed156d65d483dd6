//! Channels that another process serves.

use async_trait::async_trait;

use super::{Capabilities, Delivered, Notice, Notifier, NotifyError};
use crate::model::Text;

/// Stands for a channel of another process on the same store: notices are written for it, and wait until that process takes
/// them.
#[derive(Debug)]
pub(crate) struct Elsewhere(Text);

impl Elsewhere {
    /// The channel of this name.
    pub(crate) const fn new(name: Text) -> Self {
        Self(name)
    }
}

#[async_trait]
impl Notifier for Elsewhere {
    fn name(&self) -> &str {
        &self.0
    }

    /// Whatever it can do is for that process to judge when it has the notice in its hands.
    fn capabilities(&self) -> Capabilities {
        Capabilities::decides().with_updates()
    }

    /// Nothing reaches this one: the outbox claims for the channels of its own process alone.
    async fn deliver(&self, _: &Notice) -> Result<Delivered, NotifyError> {
        Err(NotifyError::retry("another process serves this channel"))
    }
}
