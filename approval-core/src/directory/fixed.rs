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

    /// Another spelling of a person. It may be another spelling of a spelling: aliases are followed to their end.
    ///
    /// # Errors
    /// When a principal cannot be read or is no person, the alias stands for another person already, or aliases lead in a
    /// circle.
    pub fn alias(mut self, alias: &str, person: &str) -> Result<Self, Invalid> {
        let bad = |why: String| Invalid::new("alias", alias, why);
        let (spelling, person) = (Principal::new(alias)?, Principal::new(person)?);
        if !spelling.is_person() || !person.is_person() {
            return Err(bad(format!("and `{person}` are not both people")).hint("write two names user:…"));
        }
        if spelling == person {
            return Err(bad("leads in a circle: it stands for itself".to_owned()).hint("leave it out"));
        }
        let people = Arc::make_mut(&mut self.people);
        match people.aliases.get(&spelling) {
            Some(other) if *other != person => {
                return Err(bad(format!("stands for `{other}` already")).hint("keep one of the two"));
            }
            Some(_) | None => {}
        }
        people.aliases.insert(spelling, person.clone());
        if people.alias_circle().is_some() {
            return Err(bad(format!("leads in a circle: `{person}` stands for it in turn"))
                .hint("let every alias lead to one person who is no alias"));
        }
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

    /// The people that exist, under their canonical names: no other person may vote, whatever a gate names.
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
        let person = self.people.canonical(person);
        let named = |(spelled, _): &(&Principal, &Vec<Text>)| self.people.canonical(spelled) == person;
        let channels =
            self.channels.get(person).or_else(|| self.channels.iter().find(named).map(|one| one.1));
        Ok(Reach { channels: channels.cloned(), ..Reach::default() })
    }

    async fn identify(&self, channel: &str, identity: &str) -> Result<Option<Principal>, DirectoryError> {
        Ok(self.identities.get(&(channel.into(), identity.into())).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn p(text: &str) -> Principal {
        Principal::new(text).unwrap()
    }

    #[tokio::test]
    async fn aliases_of_aliases_lead_to_one_person() {
        let directory = StaticDirectory::new()
            .alias("user:ann+w", "user:ann")
            .and_then(|one| one.alias("user:ann", "user:ann@corp"))
            .and_then(|one| one.alias("user:ann", "user:ann@corp"))
            .and_then(|one| one.group("group:finance", ["user:ann+w", "user:bob"]))
            .and_then(|one| one.may_delegate("user:ann+w", ["user:bob"]))
            .and_then(|one| one.reach("user:ann", ["mail"]))
            .unwrap();
        let people = directory.people(&[], NOW).await.unwrap();
        assert_eq!(people.person(&p("user:ann+w")), Some(&p("user:ann@corp")));
        assert!(people.includes(&p("group:finance"), &p("user:ann@corp")));
        for spelled in ["user:ann@corp", "user:ann", "user:ann+w"] {
            let reach = Directory::reach(&directory, &p(spelled), Priority::High, NOW).await.unwrap();
            assert_eq!(reach.channels, Some(vec!["mail".into()]), "{spelled}");
        }
        let bob = Directory::reach(&directory, &p("user:bob"), Priority::High, NOW).await.unwrap();
        assert_eq!(bob.channels, None);
    }

    #[test]
    fn aliases_in_a_circle_are_refused() {
        for circle in [&["a", "b"][..], &["a", "b", "c"], &["a"]] {
            let mut built = Ok(StaticDirectory::new());
            for (place, name) in circle.iter().enumerate() {
                let next = circle[(place + 1) % circle.len()];
                built = built.and_then(|one| one.alias(&format!("user:{name}"), &format!("user:{next}")));
            }
            let error = built.unwrap_err().to_string();
            assert!(error.contains("circle"), "{circle:?}: {error}");
        }
    }

    #[test]
    fn an_alias_stands_for_one_person() {
        let one = || StaticDirectory::new().alias("user:x", "user:ann").unwrap();
        assert!(one().alias("user:x", "user:bob").unwrap_err().to_string().contains("already"));
        for (alias, person) in [("group:x", "user:ann"), ("agent:x", "user:ann"), ("user:y", "group:finance")]
        {
            let error = one().alias(alias, person).unwrap_err().to_string();
            assert!(error.contains("not both people"), "{error}");
        }
    }
}
