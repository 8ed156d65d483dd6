//! Canonical JSON: one text for one value, so that a digest over it binds what people saw.
//!
//! Two forms exist of one value.
//!
//! - The **stored text** ([`CanonicalJson::as_str`]) is ordinary JSON that people and serde read. Keys are sorted by
//!   UTF-16 code units, strings are escaped as little as possible and there is no white space, as RFC 8785 says.
//!   Integers are plain digits of any size. A float beyond ±(2^53-1) keeps an exponent (`1e+16`), so that it still
//!   reads as a float and not as the integer with the same digits.
//! - The **digest form** ([`CanonicalJson::digest_form`]) is what enters digests, and strictly RFC 8785: any
//!   implementation of that standard writes it again byte for byte. RFC 8785 knows doubles only, which cannot hold
//!   every integer, so the value is first rewritten:
//!
//!   1. an object key that consists of one or more `$` followed by `int` or by `redacted` gets one more `$` in front;
//!   2. an integer beyond ±(2^53-1) becomes the object `{"$int":"<decimal digits>"}`;
//!   3. a redacted value is the object `{"$redacted":"hmac-sha256:<key id>:<hex>"}` (see [`redact`]).
//!
//!   By the first step no value of a user can have the shape that the other two produce, so different values never
//!   share a digest form. A number written with a fraction or an exponent is a double and nothing else: `1.0` and `1`
//!   are the same number, and so are any two literals that round to the same double.
//!
//! For nearly every value both forms are the same bytes, and only one copy is kept.
//!
//! ```
//! use approval_core::model::canonical::{parse_canonical, to_canonical};
//!
//! let text = parse_canonical(r#"{ "b": 1.0, "a": 9007199254740993 }"#)?;
//! assert_eq!(text.as_str(), r#"{"a":9007199254740993,"b":1}"#);
//! assert_eq!(text.digest_form(), r#"{"a":{"$int":"9007199254740993"},"b":1}"#);
//! assert!(to_canonical(&f64::NAN).is_err());
//! # Ok::<(), approval_core::model::canonical::EncodeError>(())
//! ```
//!
//! Source: RFC 8785 (JSON Canonicalization Scheme), RFC 8259 (JSON), RFC 7493 (I-JSON).

mod de;
mod digest;
mod error;
mod escape;
mod json;
mod key_order;
mod number;
mod parse;
mod path;
mod redact;
mod ser;
mod tree;
mod writer;

#[cfg(test)]
mod tests;

pub use digest::{
    ArgumentsDigest, ContentDigest, SchemaDigest, SourceDigest, arguments_digest, arguments_digest_with,
};
pub(crate) use digest::{hex_digit, push_hex};
pub(in crate::model) use digest::{push_digest, read_hex};
pub use error::{DecodeError, EncodeError, EncodeProblem, Position};
pub(in crate::model) use escape::push_escaped;
pub use json::CanonicalJson;
pub use parse::parse_canonical;
pub use path::{FieldPath, Step};
pub use redact::{DigestKey, Redacted, keyed, omit, redact};
pub(crate) use ser::ObjectEncoder;
pub use ser::to_canonical;
pub(crate) use tree::Tree;

/// How deep arrays and objects may be nested: as deep as `serde_json` reads with its default settings.
pub const MAX_DEPTH: usize = 127;

/// How long a canonical text may be, in bytes (16 MiB).
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
