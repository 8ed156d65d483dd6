//! The texts that one value has.

/// Which text is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model::canonical) enum Form {
    /// The stored text of a value.
    Plain,
    /// The stored text of a value in which placeholders are being put.
    Redacting,
    /// The stored text of a value in which placeholders stand already.
    Redacted,
    /// The digest form of [`Form::Plain`].
    PlainDigest,
    /// The digest form of [`Form::Redacting`] and [`Form::Redacted`].
    RedactedDigest,
}

impl Form {
    pub(in crate::model::canonical) fn digest_form(self) -> Self {
        match self {
            Self::Plain | Self::PlainDigest => Self::PlainDigest,
            Self::Redacting | Self::Redacted | Self::RedactedDigest => Self::RedactedDigest,
        }
    }

    /// The digest form of the text that is read while a text of this form is written.
    pub(in crate::model::canonical) fn digest_source(self) -> Self {
        match self {
            Self::Redacting => Self::PlainDigest,
            Self::Plain | Self::Redacted | Self::PlainDigest | Self::RedactedDigest => self.digest_form(),
        }
    }

    pub(in crate::model::canonical) fn is_redacted(self) -> bool {
        match self {
            Self::Plain | Self::PlainDigest => false,
            Self::Redacting | Self::Redacted | Self::RedactedDigest => true,
        }
    }

    pub(super) fn is_digest(self) -> bool {
        match self {
            Self::PlainDigest | Self::RedactedDigest => true,
            Self::Plain | Self::Redacting | Self::Redacted => false,
        }
    }

    /// What becomes of an object key; asked for keys that begin with `$` only.
    pub(super) fn treatment(self, key: &str) -> Treatment {
        let word = key.trim_start_matches('$');
        match (word, self) {
            ("int", Self::PlainDigest | Self::RedactedDigest)
            | ("redacted", Self::PlainDigest | Self::Redacting) => Treatment::Escape,
            ("int", Self::Plain | Self::Redacting | Self::Redacted) | ("redacted", Self::Plain) => {
                Treatment::Note
            }
            _ => Treatment::Keep,
        }
    }
}

/// What becomes of a key.
pub(super) enum Treatment {
    Keep,
    /// Gets one more `$`.
    Escape,
    /// Will get one more `$` in the digest form.
    Note,
}
