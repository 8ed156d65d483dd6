//! A value as canonical JSON.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::de::{part, read};
use super::parse::parse_as;
use super::writer::{Form, Written};
use super::{DecodeError, EncodeError, FieldPath};

/// The key under which a redacted text is serialized, to tell it from the text of a user's own value.
const REDACTED_FIELD: &str = "redacted";

/// A value as canonical JSON text; cheap to clone. See the [module](super) for what canonical means.
///
/// `Debug` shows only the length: arguments may hold secrets.
///
/// Serialized by serde it is the text as a string, or `{"redacted": text}` for a text in which [`redact`](super::redact)
/// put placeholders; when deserialized it is checked to be canonical.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CanonicalJson {
    text: Arc<str>,
    /// Boxed: a million of these wait, and few have any of it.
    unusual: Option<Box<Unusual>>,
}

/// What only some values have.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Unusual {
    /// Only where it differs from the text.
    digest_form: Option<Arc<str>>,
    redacted: bool,
}

impl CanonicalJson {
    /// Takes over what a writer of a stored form wrote.
    pub(super) fn from_written(written: Written) -> Result<Self, EncodeError> {
        let Written { text, form, digest_differs } = written;
        let digest_form =
            if digest_differs { Some(parse_as(&text, form.digest_form())?.text.into()) } else { None };
        let redacted = form.is_redacted();
        let unusual =
            (redacted || digest_form.is_some()).then(|| Box::new(Unusual { digest_form, redacted }));
        Ok(Self { text: text.into(), unusual })
    }

    /// Reads a text that [`redact`](super::redact) made, as it was stored.
    ///
    /// Never for a text from outside: there, an object `{"$redacted": …}` is a user's own value, and
    /// [`parse_canonical`](super::parse_canonical) treats it as such.
    ///
    /// # Errors
    /// When the text is not JSON, or has no canonical form.
    pub fn parse_redacted(text: &str) -> Result<Self, EncodeError> {
        Self::from_written(parse_as(text, Form::Redacted)?)
    }

    /// The stored text: ordinary JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The bytes that enter digests: strictly RFC 8785, the same for equal values alone.
    #[must_use]
    pub fn digest_form(&self) -> &str {
        self.unusual.as_ref().and_then(|unusual| unusual.digest_form.as_deref()).unwrap_or(&self.text)
    }

    /// Whether placeholders stand in this text for redacted values. See [`redact`](super::redact).
    #[must_use]
    pub fn is_redacted(&self) -> bool {
        self.unusual.as_ref().is_some_and(|unusual| unusual.redacted)
    }

    /// The value as `serde_json` holds it, every number exactly.
    ///
    /// # Errors
    /// When a number is an integer beyond 64 bits, which a [`serde_json::Value`] cannot hold: read the text, or
    /// [`CanonicalJson::deserialize`] a type that holds it.
    pub fn to_value(&self) -> Result<serde_json::Value, DecodeError> {
        self.deserialize()
    }

    /// The value as `serde_json` holds it, with the nearest double in the place of an integer beyond 64 bits. For looking
    /// things up; what runs takes [`CanonicalJson::to_value`].
    ///
    /// # Errors
    /// None that is known: every canonical text is within the limits of `serde_json`.
    pub fn to_nearest_value(&self) -> Result<serde_json::Value, DecodeError> {
        serde_json::from_str(&self.text).map_err(|error| DecodeError::new(&error))
    }

    /// The value as a type of the caller, every number exactly.
    ///
    /// What stands behind `#[serde(flatten)]`, in an untagged or an internally tagged enum, serde buffers before the type reads it. There
    /// integers that land in integers are exact, those beyond 64 bits are refused, and a float is rounded without an error: an integer
    /// that an `f64` cannot hold, and any number in an `f32`. Read such numbers as integers, or as a [`serde_json::Number`].
    ///
    /// # Errors
    /// When the value does not have that type, or the type would hold a number that is not exactly the one in the text: as
    /// [`CanonicalJson::to_value`], or an `f32` or `f64` that would be rounded.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        read(&self.text).map_err(|error| DecodeError::new(&error))
    }

    /// The one value that a path leads to; `None` where it leads to none, or may lead to several.
    #[must_use]
    pub fn part(&self, path: &FieldPath) -> Option<Self> {
        let form = if self.is_redacted() { Form::Redacted } else { Form::Plain };
        Self::from_written(parse_as(part(&self.text, path)?, form).ok()?).ok()
    }
}

impl fmt::Debug for CanonicalJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CanonicalJson").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

impl Serialize for CanonicalJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.is_redacted() {
            return serializer.serialize_str(&self.text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(REDACTED_FIELD, &*self.text)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for CanonicalJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StoredText)
    }
}

struct StoredText;

impl StoredText {
    fn read<E: serde::de::Error>(text: &str, form: Form) -> Result<CanonicalJson, E> {
        let json = parse_as(text, form).and_then(CanonicalJson::from_written).map_err(E::custom)?;
        if json.as_str() == text {
            Ok(json)
        } else {
            Err(E::custom("the stored JSON is not canonical; it was changed after it was written"))
        }
    }
}

impl<'de> Visitor<'de> for StoredText {
    type Value = CanonicalJson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "canonical JSON as a string, or an object with one in `{REDACTED_FIELD}`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<CanonicalJson, E> {
        Self::read(text, Form::Plain)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CanonicalJson, A::Error> {
        let Some((field, text)) = map.next_entry::<String, String>()? else {
            return Err(A::Error::missing_field(REDACTED_FIELD));
        };
        if field != REDACTED_FIELD {
            return Err(A::Error::unknown_field(&field, &[REDACTED_FIELD]));
        }
        if let Some(more) = map.next_key::<String>()? {
            return Err(A::Error::unknown_field(&more, &[REDACTED_FIELD]));
        }
        Self::read(&text, Form::Redacted)
    }
}
