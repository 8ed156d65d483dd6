//! Who people are: groups, other spellings, who may stand in for whom, and how to reach them.

pub mod calendar;
#[cfg(feature = "file")]
pub mod file;
mod fixed;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Weak},
};

use async_trait::async_trait;
use jiff::tz::TimeZone;

pub use fixed::StaticDirectory;

use crate::{
    clock::Timestamp,
    model::{People, Principal, Priority, Source, Text},
    policy::ReloadListener,
};

/// A directory that could not answer. Nothing is decided then.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct DirectoryError(pub String);

/// How a person wants to be notified of something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reach {
    /// Through these channels, best first. `None`: through every channel that reaches the person.
    pub channels: Option<Vec<Text>>,
    /// Not before this moment, when quiet hours end.
    pub quiet_until: Option<Timestamp>,
    /// When the next daily digest comes, if there is one.
    pub next_digest: Option<Timestamp>,
    /// Whether what has this priority comes with the digest, if there is one.
    pub in_digest: bool,
}

/// What is known of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// The one canonical id.
    pub id: Principal,
    /// The name, as people write it.
    pub name: Option<Text>,
    /// What channels (`email`, `slack`, …) reach the person under.
    pub addresses: BTreeMap<Text, Text>,
    /// Where the person lives.
    pub time_zone: TimeZone,
}

impl Profile {
    /// A person of whom nothing is known but where the clock stands.
    #[must_use]
    pub const fn new(id: Principal, time_zone: TimeZone) -> Self {
        Self { id, name: None, addresses: BTreeMap::new(), time_zone }
    }
}

/// Knows the people of an organisation.
#[async_trait]
pub trait Directory: fmt::Debug + Send + Sync + 'static {
    /// What is known about these principals at this moment: at least their groups' members, who is on call, aliases to their
    /// end, permitted delegates, who does not work, and who stands in for whom.
    ///
    /// # Errors
    /// When it cannot say; nothing is decided then.
    async fn people(&self, principals: &[&Principal], now: Timestamp) -> Result<Arc<People>, DirectoryError>;

    /// How a person wants to be notified at a moment of something of this priority.
    ///
    /// # Errors
    /// When it cannot say; the notice then goes at once through every channel that reaches the person.
    async fn reach(
        &self,
        person: &Principal,
        priority: Priority,
        at: Timestamp,
    ) -> Result<Reach, DirectoryError> {
        let _ = (person, priority, at);
        Ok(Reach::default())
    }

    /// What is known of a person: name, addresses, time zone. `None`: nothing, or no person of that name is known.
    ///
    /// # Errors
    /// When it cannot say.
    async fn profile(&self, person: &Principal) -> Result<Option<Profile>, DirectoryError> {
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

    /// The text of the list of people in force, as [`Policy::source`](crate::policy::Policy::source) gives that of the rules, and
    /// within the same bounds.
    fn source(&self) -> Option<Arc<Source>> {
        None
    }

    /// Calls `listener` from now on when [`Directory::source`] gives another text. A dropped listener is removed.
    fn subscribe(&self, listener: Weak<dyn ReloadListener>) {
        drop(listener);
    }
}
