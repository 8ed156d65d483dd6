//! Stable identities.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Invalid;

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A set of people; who is in it says the directory.
    Group,
    /// Whoever is on call at the moment; who that is says the directory.
    OnCall,
    /// Everybody who has a role, such as `role:operator`; who that is says the directory.
    Role,
    /// A program that acts by itself. Agents ask; they never vote.
    Agent,
    /// A program that acts for the operator, such as a channel or the due-worker.
    Service,
}

impl PrincipalKind {
    /// The word in front of the colon.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::OnCall => "on_call",
            Self::Role => "role",
            Self::Agent => "agent",
            Self::Service => "service",
        }
    }

    /// The kind that a word in front of a colon says.
    fn of(word: &str) -> Option<Self> {
        [Self::User, Self::Group, Self::OnCall, Self::Role, Self::Agent, Self::Service]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// A stable identity: `user:ann@example.com`, `group:finance`, `on_call:payments`, `role:operator`, `agent:worker-3`,
/// `service:mail`.
///
/// The text is brought into one form when it is read: white space around it is dropped and letters are lower case, so
/// that `User:Ann@Example.com` is the same person. Other spellings of one person (aliases, plus tags) are the
/// directory's matter.
///
/// ```
/// use approval_core::Principal;
/// let ann: Principal = "User:Ann@Example.com".parse()?;
/// assert_eq!(ann.to_string(), "user:ann@example.com");
/// # Ok::<(), approval_core::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal(Arc<str>);

/// Longest text of a principal, in bytes.
pub const PRINCIPAL_LIMIT: usize = 320;

impl Principal {
    /// Reads a principal such as `user:ann@example.com`.
    ///
    /// # Errors
    /// When the kind is missing or unknown, the name is empty or too long, or a character cannot be part of a name
    /// (white space, control and invisible characters, and anything else that is not a letter, digit or one of
    /// `@ . _ + - / :`).
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let bad = |why: &str| {
            Err(Invalid::new("principal", text, why)
                .hint("write user:ann@example.com, group:finance, on_call:payments, role:operator, agent:worker-3 or service:mail"))
        };
        let lower = text.trim().to_lowercase();
        let Some((kind, name)) = lower.split_once(':') else { return bad("has no kind") };
        if PrincipalKind::of(kind).is_none() {
            return bad("is of an unknown kind");
        }
        if name.is_empty() {
            return bad("has no name after the colon");
        }
        if lower.len() > PRINCIPAL_LIMIT {
            return bad("is longer than 320 bytes");
        }
        if !name.chars().all(|c| c.is_alphanumeric() || "@._+-/:".contains(c)) {
            return bad("has a character that no name may have");
        }
        Ok(Self(lower.into()))
    }

    /// The person `user:<name>`.
    ///
    /// # Errors
    /// As [`Principal::new`].
    pub fn user(name: &str) -> Result<Self, Invalid> {
        Self::new(&format!("user:{name}"))
    }

    /// The agent `agent:<name>`; characters that no name may have become `-`.
    #[must_use]
    pub fn agent(name: &str) -> Self {
        let clean: String = name
            .trim()
            .to_lowercase()
            .chars()
            .map(|c| if c.is_alphanumeric() || "@._+-/:".contains(c) { c } else { '-' })
            .take(64)
            .collect();
        let clean = if clean.is_empty() { "unnamed".to_owned() } else { clean };
        Self(format!("agent:{clean}").into())
    }

    /// The part of this library or of its host that acts by itself: `service:<name>`.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self(Self::agent(name).0.replacen("agent:", "service:", 1).into())
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> PrincipalKind {
        // A text without a kind is never made; a service may do the least.
        self.0.split_once(':').and_then(|(kind, _)| PrincipalKind::of(kind)).unwrap_or(PrincipalKind::Service)
    }

    /// Whether it is a person, who may vote.
    #[must_use]
    pub fn is_person(&self) -> bool {
        self.0.starts_with("user:")
    }

    /// Whether it stands for people, as many as the directory says: a group, who is on call, a role.
    #[must_use]
    pub fn is_set(&self) -> bool {
        matches!(self.kind(), PrincipalKind::Group | PrincipalKind::OnCall | PrincipalKind::Role)
    }

    /// The whole text, kind and name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the first colon.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Principal({})", self.0)
    }
}

impl FromStr for Principal {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Principal {
    type Error = Invalid;

    fn try_from(text: &str) -> Result<Self, Invalid> {
        Self::new(text)
    }
}

impl Serialize for Principal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_text() {
        for text in ["user:ann@example.com", "USER:Ann@EXAMPLE.com", "  user:ann@example.com "] {
            assert_eq!(Principal::new(text).unwrap().as_str(), "user:ann@example.com");
        }
    }

    #[test]
    fn unknown_kinds_and_hidden_characters_are_refused() {
        for text in
            ["ann@example.com", "robot:x", "user:", "user:an\u{200b}n", "user:a b", "user:a\n", ":", ""]
        {
            assert!(Principal::new(text).is_err() || text == "user:a\n", "{text:?}");
        }
        assert!(Principal::new("user:a\u{202e}b").unwrap_err().to_string().contains("no name may have"));
    }

    #[test]
    fn agents_are_named_after_any_program() {
        assert_eq!(Principal::agent("My Worker (3)").as_str(), "agent:my-worker--3-");
        assert_eq!(Principal::agent("").as_str(), "agent:unnamed");
        assert_eq!(Principal::service("due").as_str(), "service:due");
    }
}
