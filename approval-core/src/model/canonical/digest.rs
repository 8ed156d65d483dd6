//! Digests over canonical JSON.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::CanonicalJson;
use super::escape::push_escaped;
use crate::{error::Invalid, model::Attachment};

const PREFIX: &str = "sha256:";

macro_rules! digest {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        ///
        /// Written, also by serde, as `sha256:` and 64 lower-case hexadecimal digits.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// A digest that was computed elsewhere.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = String::with_capacity(PREFIX.len() + 64);
                text.push_str(PREFIX);
                push_hex(&mut text, &self.0);
                f.pad(&text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let bytes = text.strip_prefix(PREFIX).and_then(read_hex);
                bytes.map(Self).ok_or_else(|| {
                    Invalid::new("digest", text, "is not `sha256:` and 64 lower-case hexadecimal digits")
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut text = String::with_capacity(PREFIX.len() + 64);
                text.push_str(PREFIX);
                push_hex(&mut text, &self.0);
                serializer.serialize_str(&text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

digest! {
    /// The digest of an action and its arguments: what a vote and a grant are bound to. See [`arguments_digest`].
    ArgumentsDigest
}

digest! {
    /// The digest of the JSON Schema that arguments follow.
    SchemaDigest
}

digest! {
    /// The digest of the bytes of an [`Attachment`].
    ContentDigest
}

digest! {
    /// The digest of a text that a policy or a directory was read from: see [`Source`](crate::model::Source).
    SourceDigest
}

impl SourceDigest {
    /// SHA-256 over the bytes of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The 64 hexadecimal digits alone.
    #[must_use]
    pub fn hex(&self) -> String {
        let mut text = String::with_capacity(64);
        push_hex(&mut text, &self.0);
        text
    }

    /// Reads the 64 hexadecimal digits alone.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        read_hex(text).map(Self)
    }
}

impl ContentDigest {
    /// SHA-256 over these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl SchemaDigest {
    /// SHA-256 over the digest form of a schema.
    #[must_use]
    pub fn of(schema: &CanonicalJson) -> Self {
        Self(Sha256::digest(schema.digest_form()).into())
    }
}

/// The digest that binds an approval to an action and its arguments.
///
/// It is SHA-256 over the UTF-8 bytes of one object in RFC 8785 canonical JSON:
///
/// ```text
/// {"action":"payments.refund","arguments":{…},"format":1,"schema":"sha256:…","version":1}
/// ```
///
/// with the arguments in their [digest form](CanonicalJson::digest_form), the version of this format, `null` where there
/// is no schema, and the action's version. To compute it elsewhere, rewrite the arguments by the three rules of the
/// [module](super), build this object, and hand it to any implementation of RFC 8785.
///
/// ```
/// use approval_core::model::canonical::{arguments_digest, parse_canonical};
///
/// let arguments = parse_canonical(r#"{"cents":1250}"#)?;
/// let digest = arguments_digest("payments.refund", 1, None, &arguments);
/// // printf '%s' '{"action":"payments.refund","arguments":{"cents":1250},"format":1,"schema":null,"version":1}' | sha256sum
/// assert_eq!(digest.to_string(), "sha256:6c783d0e8ed15bf06e04822819314669143961c64c094ff17f5b8322060e8a11");
/// # Ok::<(), approval_core::model::canonical::EncodeError>(())
/// ```
#[must_use]
pub fn arguments_digest(
    action: &str,
    version: u32,
    schema: Option<&SchemaDigest>,
    arguments: &CanonicalJson,
) -> ArgumentsDigest {
    arguments_digest_with(action, version, schema, arguments, &[])
}

/// [`arguments_digest`] of a call that has attachments.
///
/// The object has one more member then, an array with an object for each attachment in its order:
///
/// ```text
/// {"action":"mail.send","arguments":{…},"attachments":[
///   {"name":"terms.txt","sha256":"sha256:…","size":1250,"type":"text/plain"},
///   {"address":"https://example.com/offer.pdf","name":"offer.pdf","sha256":"sha256:…","type":"application/pdf"}
/// ],"format":1,"schema":null,"version":1}
/// ```
///
/// (without the line breaks). `sha256` is over the bytes, and is missing for an address that was given without. Without
/// attachments the member is missing, so that calls that have none keep the digest that they always had.
///
/// ```
/// use approval_core::model::{Attachment, canonical::{arguments_digest, arguments_digest_with, parse_canonical}};
///
/// let arguments = parse_canonical("{}")?;
/// let terms = Attachment::text("terms.txt", "net 30")?;
/// let digest = arguments_digest_with("mail.send", 1, None, &arguments, &[terms]);
/// assert_ne!(digest, arguments_digest("mail.send", 1, None, &arguments));
/// assert_eq!(arguments_digest_with("mail.send", 1, None, &arguments, &[]), arguments_digest("mail.send", 1, None, &arguments));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn arguments_digest_with(
    action: &str,
    version: u32,
    schema: Option<&SchemaDigest>,
    arguments: &CanonicalJson,
    attachments: &[Attachment],
) -> ArgumentsDigest {
    let mut head = String::with_capacity(action.len() + 32);
    head.push_str(r#"{"action":""#);
    push_escaped(&mut head, action);
    head.push_str(r#"","arguments":"#);

    let mut tail = String::with_capacity(128);
    push_attachments(&mut tail, attachments);
    tail.push_str(r#","format":1,"schema":"#);
    match schema {
        Some(schema) => {
            tail.push('"');
            tail.push_str(PREFIX);
            push_hex(&mut tail, &schema.0);
            tail.push('"');
        }
        None => tail.push_str("null"),
    }
    tail.push_str(r#","version":"#);
    tail.push_str(itoa::Buffer::new().format(version));
    tail.push('}');

    let mut hasher = Sha256::new();
    hasher.update(head);
    hasher.update(arguments.digest_form());
    hasher.update(tail);
    ArgumentsDigest(hasher.finalize().into())
}

/// Appends the member of the attachments, if there are any.
fn push_attachments(out: &mut String, attachments: &[Attachment]) {
    let mut before = r#","attachments":["#;
    for attachment in attachments {
        out.push_str(before);
        before = ",";
        out.push('{');
        if let Some(address) = attachment.address() {
            out.push_str(r#""address":""#);
            push_escaped(out, address);
            out.push_str(r#"","#);
        }
        out.push_str(r#""name":""#);
        push_escaped(out, attachment.name());
        out.push('"');
        if let Some(digest) = attachment.sha256() {
            out.push_str(r#","sha256":""#);
            out.push_str(PREFIX);
            push_hex(out, digest.as_bytes());
            out.push('"');
        }
        if let Some(bytes) = attachment.bytes() {
            out.push_str(r#","size":"#);
            out.push_str(itoa::Buffer::new().format(bytes.len()));
        }
        out.push_str(r#","type":""#);
        push_escaped(out, attachment.media_type());
        out.push_str(r#""}"#);
    }
    if !attachments.is_empty() {
        out.push(']');
    }
}

/// Appends what [`ArgumentsDigest`] is written as.
pub(in crate::model) fn push_digest(out: &mut String, digest: &ArgumentsDigest) {
    out.push_str(PREFIX);
    push_hex(out, &digest.0);
}

/// The lower-case hexadecimal digit of the low four bits.
pub(crate) const fn hex_digit(bits: u8) -> u8 {
    match bits & 15 {
        low @ 0..=9 => b'0' + low,
        high => b'a' + (high - 10),
    }
}

/// Appends two lower-case hexadecimal digits for each byte.
pub(crate) fn push_hex(out: &mut String, bytes: &[u8]) {
    // A piece at a time on the stack: pushed digit by digit, the text would be measured for each.
    for piece in bytes.chunks(32) {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(piece) {
            if let [high, low] = pair {
                *high = hex_digit(byte >> 4);
                *low = hex_digit(*byte);
            }
        }
        match digits.get(..piece.len() * 2).map(std::str::from_utf8) {
            Some(Ok(text)) => out.push_str(text),
            // Does not happen; the same, more slowly.
            Some(Err(_)) | None => {
                for byte in piece {
                    out.push(char::from(hex_digit(byte >> 4)));
                    out.push(char::from(hex_digit(*byte)));
                }
            }
        }
    }
}

/// Reads 64 lower-case hexadecimal digits.
pub(in crate::model) fn read_hex(text: &str) -> Option<[u8; 32]> {
    const fn value(digit: u8) -> Option<u8> {
        match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        }
    }
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = value(high)? << 4 | value(low)?;
    }
    Some(bytes)
}
