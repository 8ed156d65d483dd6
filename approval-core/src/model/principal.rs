//! Stable identities.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    canonical::{ContentDigest, push_hex},
    visible::hides_nothing,
};
use crate::error::Invalid;

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A set of people; who is in it says the directory.
    Group,
    /// The person on call at the moment, by the directory.
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
/// directory's matter. The name of an agent must have that form as it is written: an agent under another one's name would share its
/// keys, limits and halts.
///
/// ```
/// use approval_core::Principal;
/// let ann: Principal = "User:Ann@Example.com".parse()?;
/// assert_eq!(ann.to_string(), "user:ann@example.com");
/// assert!(Principal::new("agent:Worker-3").is_err());
/// # Ok::<(), approval_core::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal(Arc<str>);

/// Longest text of a principal, in bytes.
pub const PRINCIPAL_LIMIT: usize = 320;

/// Longest escaped name of an executable that is written out, in bytes.
const EXECUTABLE_LIMIT: usize = 200;

/// The parts of this library that act by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LibraryPart {
    /// What is due.
    Due,
    /// The guard in front of actions.
    Guard,
    /// Stands for several principals whose refused attempts are counted together.
    Others,
    /// The agent of a sample call.
    Sample,
}

impl LibraryPart {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "service:due",
            Self::Guard => "service:guard",
            Self::Others => "service:others",
            Self::Sample => "agent:sample",
        }
    }
}

impl Principal {
    /// Reads a principal such as `user:ann@example.com`.
    ///
    /// # Errors
    /// When the kind is missing or unknown, the name is empty or too long, or a character cannot be part of a name
    /// (white space, control and invisible characters, letters without a glyph, and anything else that is not a letter,
    /// digit or one of `@ . _ + - / :`); for an agent also when it has upper-case letters or white space around it.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let bad = |why: &str| {
            Err(Invalid::new("principal", text, why)
                .hint("write user:ann@example.com, group:finance, on_call:payments, role:operator, agent:worker-3 or service:mail"))
        };
        let lower = text.trim().to_lowercase();
        let Some((kind, name)) = lower.split_once(':') else { return bad("has no kind") };
        let Some(kind) = PrincipalKind::of(kind) else { return bad("is of an unknown kind") };
        if name.is_empty() {
            return bad("has no name after the colon");
        }
        if lower.len() > PRINCIPAL_LIMIT {
            return bad("is longer than 320 bytes");
        }
        if !name.chars().all(|c| c.is_alphanumeric() || "@._+-/:".contains(c)) || !hides_nothing(name) {
            return bad("has a character that no name may have");
        }
        if kind == PrincipalKind::Agent && lower != text {
            let why = "is the name of an agent, which is written in lower case and without white space";
            return Err(Invalid::new("principal", text, why).hint(format!("write {lower}")));
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

    /// The agent `agent:<name>`. A name is refused rather than repaired, so that no two agents become one.
    ///
    /// # Errors
    /// As [`Principal::new`].
    pub fn agent(name: &str) -> Result<Self, Invalid> {
        Self::new(&format!("agent:{name}"))
    }

    /// The agent that a text names, with or without `agent:` in front.
    pub(crate) fn named_agent(name: &str) -> Result<Self, Invalid> {
        Self::agent(name.strip_prefix("agent:").unwrap_or(name))
    }

    /// A program that acts for the operator: `service:<name>`.
    ///
    /// # Errors
    /// As [`Principal::new`].
    pub fn service(name: &str) -> Result<Self, Invalid> {
        Self::new(&format!("service:{name}"))
    }

    /// A part of this library that acts by itself.
    pub(crate) fn part(part: LibraryPart) -> Self {
        Self(part.as_str().into())
    }

    /// The agent of an executable with this file name. No two names give one agent: a byte that is no lower-case ASCII
    /// letter, digit, `-`, `_` or `.` is written as `+` and two hexadecimal digits, and a name that is too long then by its
    /// SHA-256.
    ///
    /// # Errors
    /// When the name is empty.
    pub(crate) fn executable(file_name: &[u8]) -> Result<Self, Invalid> {
        if file_name.is_empty() {
            return Err(Invalid::new("name of the executable", "", "is empty, so the agent has no name")
                .hint("name it: ManagerBuilder::agent(\"worker-3\")"));
        }
        let mut name = String::with_capacity(file_name.len());
        for &byte in file_name {
            let c = char::from(byte);
            if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.') {
                name.push(c);
            } else {
                name.push('+');
                push_hex(&mut name, &[byte]);
            }
        }
        if name.len() > EXECUTABLE_LIMIT {
            // `+s` begins no escaped byte.
            name = format!("+{}", ContentDigest::of(file_name));
        }
        Self::agent(&name)
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> PrincipalKind {
        // A text without a kind is never made. An agent may decide nothing, and do nothing for operators.
        self.0.split_once(':').and_then(|(kind, _)| PrincipalKind::of(kind)).unwrap_or(PrincipalKind::Agent)
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
    fn names_of_agents_and_services_are_refused_rather_than_repaired() {
        assert_eq!(Principal::agent("worker-3").unwrap().as_str(), "agent:worker-3");
        assert_eq!(Principal::service("mail").unwrap().as_str(), "service:mail");
        let long = "a".repeat(PRINCIPAL_LIMIT);
        for bad in ["", " ", "My Worker (3)", "a b", "a,b", "a\u{200b}b", &long] {
            assert!(Principal::agent(bad).is_err(), "{bad:?}");
            assert!(Principal::service(bad).is_err(), "{bad:?}");
        }
        let (one, other) = (format!("{}1", "a".repeat(100)), format!("{}2", "a".repeat(100)));
        assert_ne!(Principal::agent(&one).unwrap(), Principal::agent(&other).unwrap());
    }

    #[test]
    fn the_name_of_an_agent_is_as_it_is_written_or_refused() {
        for (text, name) in [
            ("agent:Job-A", "Job-A"),
            ("Agent:job-a", "Agent:job-a"),
            ("AGENT:JOB-A", "AGENT:JOB-A"),
            (" agent:job-a", " job-a"),
            ("agent:job-a\n", "job-a\n"),
            ("agent:Äffchen", "Äffchen"),
            ("agent:İstanbul", "İstanbul"),
            ("agent:Ⅷ", "Ⅷ"),
        ] {
            let lower = text.trim().to_lowercase();
            let parsed: Result<Principal, _> = text.parse();
            let json = serde_json::to_string(text).unwrap();
            assert!(serde_json::from_str::<Principal>(&json).is_err(), "{text:?}");
            for error in [parsed.unwrap_err(), Principal::new(text).unwrap_err()] {
                let error = error.to_string();
                // A character that is two in lower case is no letter then.
                let hint = error.contains(&format!("write {lower}")) || error.contains("no name may have");
                assert!(hint, "{error}");
            }
            assert!(Principal::named_agent(name).is_err() && Principal::agent(name).is_err(), "{name:?}");
        }
        assert!(Principal::new("agent:Job-A").unwrap_err().to_string().contains("write agent:job-a"));
        for text in ["agent:job-a", "agent:äffchen", "agent:a/b:c@d+4d"] {
            assert_eq!(Principal::new(text).unwrap().as_str(), text);
        }
        for other in ["User:Ann", "GROUP:Finance", "service:Mail", "Role:Operator", "on_call:X"] {
            assert_eq!(Principal::new(other).unwrap().as_str(), other.to_lowercase());
        }
    }

    #[test]
    fn a_prefix_of_an_agent_is_taken_once() {
        assert_eq!(Principal::named_agent("agent:worker").unwrap().as_str(), "agent:worker");
        assert_eq!(Principal::named_agent("worker").unwrap().as_str(), "agent:worker");
        assert_eq!(Principal::named_agent("agent:agent:x").unwrap().as_str(), "agent:agent:x");
    }

    #[test]
    fn no_two_executables_give_one_agent() {
        let long = [b'A'; 255];
        let mut longer = long;
        longer[254] = b'B';
        let names: [&[u8]; 14] = [
            b"worker",
            b"Worker",
            b"wor ker",
            b"wor-ker",
            b"wor+20ker",
            b"worker.1",
            b"worker.2",
            b"worker+",
            b"w\xc3\xb6rker",
            b"w\xf6rker",
            b"+",
            b"+sha256",
            &long,
            &longer,
        ];
        let agents: std::collections::BTreeSet<_> =
            names.iter().map(|name| Principal::executable(name).unwrap()).collect();
        assert_eq!(agents.len(), names.len());
        assert_eq!(Principal::executable(b"worker_3.bin").unwrap().as_str(), "agent:worker_3.bin");
        assert_eq!(Principal::executable(b"My Worker").unwrap().as_str(), "agent:+4dy+20+57orker");
        assert!(Principal::executable(&long).unwrap().as_str().starts_with("agent:+sha256:"));
        assert!(Principal::executable(b"").is_err());
    }

    #[test]
    fn the_parts_of_the_library_are_proper_principals() {
        for part in [LibraryPart::Due, LibraryPart::Guard, LibraryPart::Others] {
            let principal = Principal::part(part);
            assert_eq!(Principal::new(principal.as_str()).unwrap(), principal);
            assert_eq!(principal.kind(), PrincipalKind::Service);
        }
        let sample = Principal::part(LibraryPart::Sample);
        assert_eq!(Principal::agent("sample").unwrap(), sample);
    }
}
