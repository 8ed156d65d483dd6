//! The text of the rules and of the people in force, and what names it.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Text, canonical::SourceDigest};

/// A text that a policy or a directory was read from: of `approvals.yaml` the section `policy` or `directory`, as it stands
/// in the file.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    digest: SourceDigest,
    text: Text,
}

impl Source {
    /// A text; its digest is computed here, once.
    ///
    /// ```
    /// use approval_core::model::Source;
    /// let source = Source::new("policy: none\n");
    /// // printf 'policy: none\n' | sha256sum
    /// assert_eq!(source.digest().to_string(), "sha256:ace84ea9078b650fcb6f5bd9d56fffe8e4fd20e6a3583f9c2916f1dae542991d");
    /// ```
    #[must_use]
    pub fn new(text: impl Into<Text>) -> Self {
        let text = text.into();
        Self { digest: SourceDigest::of(&text), text }
    }

    /// SHA-256 of the text.
    #[must_use]
    pub const fn digest(&self) -> SourceDigest {
        self.digest
    }

    /// The text.
    #[must_use]
    pub const fn text(&self) -> &Text {
        &self.text
    }
}

/// Without the text: logs are read by others than the store.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, {} bytes)", self.digest, self.text.len())
    }
}

/// The policy and the directory that were in force, named by the digests of their texts. What is written in code has no text,
/// and is not named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Basis {
    /// Of the rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<SourceDigest>,
    /// Of the people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<SourceDigest>,
}

impl Basis {
    /// What these digests name.
    #[must_use]
    pub const fn new(policy: Option<SourceDigest>, directory: Option<SourceDigest>) -> Self {
        Self { policy, directory }
    }

    /// Both digests, as far as there are any.
    pub fn digests(&self) -> impl Iterator<Item = SourceDigest> + use<> {
        [self.policy, self.directory].into_iter().flatten()
    }
}

/// What a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SourceKind {
    /// Rules.
    Policy,
    /// People.
    Directory,
}

impl SourceKind {
    /// The word for it, in JSON and for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Directory => "directory",
        }
    }
}

/// Rules or people were read again, and hold now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reload {
    /// Which of the two.
    pub what: SourceKind,
    /// What held before. `None`: nothing that has a text.
    pub from: Option<Arc<Source>>,
    /// What holds now.
    pub to: Option<Arc<Source>>,
}

impl Reload {
    /// What was before, and what is now. `None`: the text is the same.
    #[must_use]
    pub fn between(what: SourceKind, from: Option<Arc<Source>>, to: Option<Arc<Source>>) -> Option<Self> {
        (from != to).then_some(Self { what, from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_not_shown_for_debugging() {
        let source = Source::new("token: s3cret");
        assert_eq!(format!("{source:?}"), format!("Source({}, 13 bytes)", SourceDigest::of("token: s3cret")));
    }

    #[test]
    fn what_is_not_there_is_not_written() {
        let digest = SourceDigest::of("a");
        let text = |basis: Basis| serde_json::to_string(&basis).unwrap();
        assert_eq!(text(Basis::default()), "{}");
        assert_eq!(text(Basis::new(Some(digest), None)), format!("{{\"policy\":\"{digest}\"}}"));
        let both = Basis::new(Some(digest), Some(digest));
        assert_eq!(serde_json::from_str::<Basis>(&text(both)).unwrap(), both);
    }

    #[test]
    fn the_same_text_is_no_reload() {
        let text = |text: &str| Some(Arc::new(Source::new(text)));
        assert_eq!(Reload::between(SourceKind::Policy, text("a"), text("a")), None);
        assert_eq!(Reload::between(SourceKind::Policy, None, None), None);
        assert!(Reload::between(SourceKind::Policy, text("a"), None).is_some());
        assert!(Reload::between(SourceKind::Policy, text("a"), text("a ")).is_some());
    }
}
