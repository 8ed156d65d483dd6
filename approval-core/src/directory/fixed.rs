//! A directory written down in code.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;

use super::{Directory, DirectoryError, Reach};
use crate::{
    clock::Timestamp,
    error::Invalid,
    model::{People, Principal, Priority, Text},
};

/// A directory written down in code. Without any entry it takes every `user:` at its word and knows no group.
///
/// ```
/// use approval_core::directory::StaticDirectory;
/// let directory = StaticDirectory::new()
///     .group("group:finance", ["user:ann@example.com", "user:bob@example.com"])?
///     .alias("user:ann+work@example.com", "user:ann@example.com")?
///     .may_delegate("user:ann@example.com", ["user:cfo@example.com"])?;
/// # Ok::<(), approval_core::Invalid>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct StaticDirectory {
    people: Arc<People>,
    channels: BTreeMap<Principal, Vec<Text>>,
    identities: BTreeMap<(Text, Text), Principal>,
}

fn principals<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<Principal>, Invalid> {
    texts.into_iter().map(Principal::new).collect()
}

impl StaticDirectory {
    /// An empty directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A group and the people in it. Groups named before may be among them; their people are taken over.
    ///
    /// # Errors
    /// When a principal cannot be read, or a member is a group that was not named before.
    pub fn group<'a>(
        mut self,
        group: &str,
        members: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Invalid> {
        let group = Principal::new(group)?;
        let people = Arc::make_mut(&mut self.people);
        let mut all = std::collections::BTreeSet::new();
        for member in principals(members)? {
            if member.is_person() {
                all.insert(member);
            } else if let Some(nested) = people.groups.get(&member) {
                all.extend(nested.iter().cloned());
            } else {
                return Err(Invalid::new(
                    "member of a group",
                    member.as_str(),
                    "is neither a person nor a group named before",
                )
                .hint("name the inner group first"));
            }
        }
        people.groups.insert(group, all);
        people.version += 1;
        Ok(self)
    }

    /// Another spelling of a person.
    ///
    /// # Errors
    /// When a principal cannot be read.
    pub fn alias(mut self, alias: &str, person: &str) -> Result<Self, Invalid> {
        let people = Arc::make_mut(&mut self.people);
        people.aliases.insert(Principal::new(alias)?, Principal::new(person)?);
        people.version += 1;
        Ok(self)
    }

    /// People to whom a person may hand a seat on.
    ///
    /// # Errors
    /// When a principal cannot be read.
    pub fn may_delegate<'a>(
        mut self,
        from: &str,
        to: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Invalid> {
        let people = Arc::make_mut(&mut self.people);
        people.delegates.entry(Principal::new(from)?).or_default().extend(principals(to)?);
        people.version += 1;
        Ok(self)
    }

    /// The people that exist: nobody else may vote, whatever a gate names.
    ///
    /// # Errors
    /// When a principal cannot be read.
    pub fn only<'a>(mut self, known: impl IntoIterator<Item = &'a str>) -> Result<Self, Invalid> {
        let people = Arc::make_mut(&mut self.people);
        people.known.get_or_insert_default().extend(principals(known)?);
        people.version += 1;
        Ok(self)
    }

    /// The channels through which a person wants to be reached, best first.
    ///
    /// # Errors
    /// When the principal cannot be read.
    pub fn reach<'a>(
        mut self,
        person: &str,
        channels: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Invalid> {
        self.channels.insert(Principal::new(person)?, channels.into_iter().map(Text::from).collect());
        Ok(self)
    }

    /// What a channel calls a person, such as a Slack user id.
    ///
    /// # Errors
    /// When the principal cannot be read.
    pub fn identity(mut self, channel: &str, identity: &str, person: &str) -> Result<Self, Invalid> {
        self.identities.insert((channel.into(), identity.into()), Principal::new(person)?);
        Ok(self)
    }
}

#[async_trait]
impl Directory for StaticDirectory {
    async fn people(&self, _: &[&Principal], _: Timestamp) -> Result<Arc<People>, DirectoryError> {
        Ok(Arc::clone(&self.people))
    }

    async fn reach(&self, person: &Principal, _: Priority, _: Timestamp) -> Result<Reach, DirectoryError> {
        Ok(Reach { channels: self.channels.get(person).cloned(), ..Reach::default() })
    }

    async fn identify(&self, channel: &str, identity: &str) -> Result<Option<Principal>, DirectoryError> {
        Ok(self.identities.get(&(channel.into(), identity.into())).cloned())
    }
}
