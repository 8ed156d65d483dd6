//! Files that come along with a request.

mod syntax;
#[cfg(test)]
mod tests;
mod to_attachments;

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{Text, canonical::ContentDigest};
use crate::error::Invalid;

pub use to_attachments::ToAttachments;

/// Most bytes of one attachment that lie in the request itself (64 KiB). What is larger is given by its address.
pub const ATTACHMENT_LIMIT: usize = 64 * 1024;
/// Most bytes of all attachments of a request together (192 KiB); an address counts with its own length.
pub const ATTACHMENTS_LIMIT: usize = 192 * 1024;
/// Most attachments of a request.
pub const ATTACHMENT_COUNT_LIMIT: usize = 16;

/// A file that comes along with a request: its bytes, or the address where it lies. People are shown it, and the digest
/// that votes and grants are bound to covers it: name, type, and the bytes or the address.
///
/// At an address something else may lie tomorrow. Give the [digest](Self::at_with_sha256) of what lies there now, so that
/// people and the body can tell; nothing here fetches it.
///
/// What the body uses of it, it should take from the grant (`grant.request().attachments()`): those are the bytes that
/// people were shown. An attachment is shown as it is: leave out what [redaction](crate::ActionSpec::redact) would hide.
///
/// `Debug` does not show the bytes.
///
/// ```
/// use approval_core::model::Attachment;
///
/// let terms = Attachment::text("terms.txt", "net 30")?;
/// assert_eq!((terms.media_type(), terms.bytes()), ("text/plain; charset=utf-8", Some(&b"net 30"[..])));
///
/// let offer = Attachment::at("offer.pdf", "application/pdf", "https://files.example.com/offer.pdf")?;
/// assert!(offer.bytes().is_none());
/// assert!(Attachment::at("offer.pdf", "application/pdf", "ftp://files.example.com/offer.pdf").is_err());
/// # Ok::<(), approval_core::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Attachment {
    name: Text,
    media_type: Text,
    content: Content,
}

#[derive(Clone, PartialEq, Eq)]
enum Content {
    Here { bytes: Arc<[u8]>, sha256: ContentDigest },
    Elsewhere { address: Text, sha256: Option<ContentDigest> },
}

impl Attachment {
    /// These bytes.
    ///
    /// # Errors
    /// When the name has path separators or control characters, is empty or longer than 255 bytes; when the media type
    /// is none of RFC 9110; when there are more than [`ATTACHMENT_LIMIT`] bytes.
    pub fn from_bytes(name: &str, media_type: &str, bytes: impl Into<Arc<[u8]>>) -> Result<Self, Invalid> {
        let bytes: Arc<[u8]> = bytes.into();
        let name = syntax::name(name)?;
        if bytes.len() > ATTACHMENT_LIMIT {
            return Err(Invalid::new(
                "attachment",
                &*name,
                format!("has {} bytes, and at most {ATTACHMENT_LIMIT} fit into a request", bytes.len()),
            )
            .hint("put it where people can read it, and give its address with `Attachment::at`"));
        }
        let sha256 = ContentDigest::of(&bytes);
        Ok(Self {
            name,
            media_type: syntax::media_type(media_type)?,
            content: Content::Here { bytes, sha256 },
        })
    }

    /// Plain text.
    ///
    /// # Errors
    /// As [`Attachment::from_bytes`].
    pub fn text(name: &str, text: &str) -> Result<Self, Invalid> {
        Self::from_bytes(name, "text/plain; charset=utf-8", text.as_bytes())
    }

    /// What lies at this address, `http` or `https`.
    ///
    /// # Errors
    /// As [`Attachment::from_bytes`]; when the address has another scheme, no host, a user in front of the host, spaces,
    /// characters beyond ASCII, or more than 2,000 of them.
    pub fn at(name: &str, media_type: &str, address: &str) -> Result<Self, Invalid> {
        Self::elsewhere(name, media_type, address, None)
    }

    /// The same, with the digest of what lies there.
    ///
    /// # Errors
    /// As [`Attachment::at`].
    pub fn at_with_sha256(
        name: &str,
        media_type: &str,
        address: &str,
        sha256: ContentDigest,
    ) -> Result<Self, Invalid> {
        Self::elsewhere(name, media_type, address, Some(sha256))
    }

    fn elsewhere(
        name: &str,
        media_type: &str,
        address: &str,
        sha256: Option<ContentDigest>,
    ) -> Result<Self, Invalid> {
        let (name, media_type) = (syntax::name(name)?, syntax::media_type(media_type)?);
        Ok(Self {
            name,
            media_type,
            content: Content::Elsewhere { address: syntax::address(address)?, sha256 },
        })
    }

    /// The name of the file. May hold characters that are not seen: show it through
    /// [`visible_line`](super::visible::visible_line).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The media type, as given.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The bytes, if they came along.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Here { bytes, .. } => Some(bytes),
            Content::Elsewhere { .. } => None,
        }
    }

    /// The address, if the bytes lie elsewhere.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        match &self.content {
            Content::Here { .. } => None,
            Content::Elsewhere { address, .. } => Some(address),
        }
    }

    /// The digest of the bytes; for an address, if it was given with one.
    #[must_use]
    pub const fn sha256(&self) -> Option<&ContentDigest> {
        match &self.content {
            Content::Here { sha256, .. } => Some(sha256),
            Content::Elsewhere { sha256, .. } => sha256.as_ref(),
        }
    }

    /// The bytes as text, if they came along, have a type that people read as text, and are UTF-8. Show it through
    /// [`visible`](super::visible::visible).
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if syntax::is_text(&self.media_type) { std::str::from_utf8(self.bytes()?).ok() } else { None }
    }

    /// What it takes of [`ATTACHMENTS_LIMIT`].
    fn weight(&self) -> usize {
        match &self.content {
            Content::Here { bytes, .. } => bytes.len(),
            Content::Elsewhere { address, .. } => address.len(),
        }
    }
}

/// Refuses attachments that a request cannot hold together.
pub(crate) fn check_together(attachments: &[Attachment]) -> Result<(), Invalid> {
    if attachments.len() > ATTACHMENT_COUNT_LIMIT {
        let why = format!("are more than {ATTACHMENT_COUNT_LIMIT}, the most that a request holds");
        return Err(Invalid::new("attachments", attachments.len().to_string(), why)
            .hint("put several into one file, or leave out what no person needs for the decision"));
    }
    let mut weight = 0_usize;
    for (index, attachment) in attachments.iter().enumerate() {
        if attachments.iter().take(index).any(|other| other.name == attachment.name) {
            return Err(Invalid::new("attachment", &*attachment.name, "has the name of another one")
                .hint("give each a name of its own, so that people can tell which is meant"));
        }
        weight = weight.saturating_add(attachment.weight());
        if weight > ATTACHMENTS_LIMIT {
            let why = format!(
                "brings all of them to more than {ATTACHMENTS_LIMIT} bytes, the most that a request holds"
            );
            return Err(Invalid::new("attachment", &*attachment.name, why).hint(
                "put large ones where people can read them, and give their addresses with `Attachment::at`",
            ));
        }
    }
    Ok(())
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Attachment");
        all.field("name", &self.name).field("media_type", &self.media_type);
        match &self.content {
            Content::Here { bytes, .. } => all.field("size", &bytes.len()),
            Content::Elsewhere { address, .. } => all.field("address", address),
        };
        all.field("sha256", &self.sha256()).finish()
    }
}

/// As it is written in JSON: either `base64`, or `address`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    name: Text,
    #[serde(rename = "type")]
    media_type: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<ContentDigest>,
}

impl From<Attachment> for Stored {
    fn from(Attachment { name, media_type, content }: Attachment) -> Self {
        let (base64, address, sha256) = match content {
            Content::Here { bytes, sha256 } => (Some(STANDARD.encode(bytes)), None, Some(sha256)),
            Content::Elsewhere { address, sha256 } => (None, Some(address), sha256),
        };
        Self { name, media_type, base64, address, sha256 }
    }
}

impl TryFrom<Stored> for Attachment {
    type Error = Invalid;

    fn try_from(stored: Stored) -> Result<Self, Invalid> {
        let Stored { name, media_type, base64, address, sha256 } = stored;
        let bad = |why: &str| Invalid::new("attachment", &*name, why);
        match (base64, address) {
            (Some(base64), None) => {
                let bytes = STANDARD.decode(base64).map_err(|e| bad(&format!("is no base64: {e}")))?;
                let read = Self::from_bytes(&name, &media_type, bytes)?;
                if sha256.is_some_and(|given| read.sha256() != Some(&given)) {
                    return Err(bad("does not have the digest that is written beside it"));
                }
                Ok(read)
            }
            (None, Some(address)) => Self::elsewhere(&name, &media_type, &address, sha256),
            (Some(_), Some(_)) | (None, None) => Err(bad("needs its bytes or an address, one of the two")),
        }
    }
}
