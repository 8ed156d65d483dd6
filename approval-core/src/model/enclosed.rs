//! What comes along with the arguments of a request.

use serde::{Deserialize, Serialize};

use super::{Attachment, Preview};

/// What comes along with the arguments of a request, and does not change any more. Most requests have none of it, so it lies
/// behind one pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Enclosed {
    /// What the agent attached; covered by the digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// What the action would do, if that was worked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
}

impl Enclosed {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Vec<Attachment>> for Enclosed {
    fn from(attachments: Vec<Attachment>) -> Self {
        Self { attachments, ..Self::default() }
    }
}
