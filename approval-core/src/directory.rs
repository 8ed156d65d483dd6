//! Who people are: groups, other spellings, who may stand in for whom, and how to reach them.

pub mod calendar;
mod fixed;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

pub use fixed::StaticDirectory;

use crate::model::{People, Principal, Text};

/// A directory that could not answer. Nothing is decided then.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct DirectoryError(pub String);

/// Knows the people of an organisation.
#[async_trait]
pub trait Directory: fmt::Debug + Send + Sync + 'static {
    /// What is known about these principals: at least their groups' members, aliases and permitted delegates.
    ///
    /// # Errors
    /// When it cannot say; nothing is decided then.
    async fn people(&self, principals: &[&Principal]) -> Result<Arc<People>, DirectoryError>;

    /// The channels through which a person wants to be reached, best first. `None`: through every channel that reaches them.
    ///
    /// # Errors
    /// When it cannot say; the notice then goes through every channel that reaches the person.
    async fn channels(&self, person: &Principal) -> Result<Option<Vec<Text>>, DirectoryError> {
        let _ = person;
        Ok(None)
    }

    /// The person whom a channel knows under an identity of its own, such as a Slack user id. The channel has
    /// authenticated it.
    ///
    /// # Errors
    /// When it cannot say; the identity is then refused.
    async fn identify(&self, channel: &str, identity: &str) -> Result<Option<Principal>, DirectoryError> {
        let _ = (channel, identity);
        Ok(None)
    }
}
