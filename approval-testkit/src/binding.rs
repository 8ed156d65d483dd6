//! Whether everything that decides about an action enters its digest.

use std::fmt::Debug;

use approval_core::model::canonical::to_canonical;
use serde::{Serialize, de::DeserializeOwned};

/// Asserts that nothing of `value` is left out of what an approval binds: it is serialized as arguments are, read again, and
/// compared.
///
/// An approval covers what `Serialize` writes, and nothing else. With `#[serde(skip)]` on a field, a type that masks a secret
/// as `"***"`, or one that rounds, two different calls have one digest, and one may run with the approval of the other.
///
/// Give each field a value of its own that is not its default: a field that is skipped comes back as its default.
///
/// ```
/// use approval_testkit::assert_binds_everything;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Refund {
///     order: String,
///     cents: u64,
/// }
///
/// assert_binds_everything(&Refund { order: "A-17".to_owned(), cents: 1250 });
/// ```
///
/// ```should_panic
/// # use approval_testkit::assert_binds_everything;
/// # use serde::{Deserialize, Serialize};
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Refund {
///     order: String,
///     #[serde(skip)] // Not part of what is approved!
///     to_account: String,
/// }
///
/// assert_binds_everything(&Refund { order: "A-17".to_owned(), to_account: "DE02 1203".to_owned() });
/// ```
///
/// # Panics
/// When the value cannot be encoded or read again, or comes back as another value.
#[track_caller]
pub fn assert_binds_everything<T>(value: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let outcome = bound_again(value);
    assert!(outcome.is_ok(), "{}", outcome.err().unwrap_or_default());
}

fn bound_again<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Result<(), String> {
    let written = to_canonical(value).map_err(|error| format!("the value cannot be bound: {error}"))?;
    let text = written.as_str();
    let read: T = written
        .deserialize()
        .map_err(|error| format!("what is bound cannot be read again: {error}\n   bound: {text}"))?;
    if read == *value {
        return Ok(());
    }
    Err(format!(
        "not everything is bound to the approval: the value comes back as another one\n   given: {value:?}\n   bound: {text}\n    read: {read:?}"
    ))
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Whole {
        a: u128,
        b: Option<f32>,
        c: Vec<(char, bool)>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Skips {
        kept: u8,
        #[serde(skip)]
        dropped: u8,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct WritesNothing {
        #[serde(default, skip_serializing_if = "is_small")]
        amount: u64,
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_small(amount: &u64) -> bool {
        *amount < 100
    }

    #[derive(Debug, PartialEq)]
    struct Masked(String);

    impl Serialize for Masked {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str("***")
        }
    }

    impl<'de> Deserialize<'de> for Masked {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            String::deserialize(deserializer).map(Self)
        }
    }

    #[derive(Debug, PartialEq)]
    struct WholeEuros(u64);

    impl Serialize for WholeEuros {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_u64(self.0 / 100)
        }
    }

    impl<'de> Deserialize<'de> for WholeEuros {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Ok(Self(u64::deserialize(deserializer)? * 100))
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Name(String),
    }

    #[track_caller]
    fn unbound<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
        let why = bound_again(value).unwrap_err();
        assert!(why.contains("not everything is bound"), "{why}");
    }

    #[test]
    fn values_that_are_written_whole_are_bound() {
        assert_binds_everything(&Whole { a: u128::MAX, b: Some(0.1), c: vec![('x', true)] });
        assert_binds_everything(&Whole { a: 0, b: None, c: Vec::new() });
        assert_binds_everything(&Either::Text("a".to_owned()));
    }

    #[test]
    fn skipped_fields_are_found() {
        unbound(&Skips { kept: 1, dropped: 2 });
        unbound(&WritesNothing { amount: 99 });
        assert_binds_everything(&WritesNothing { amount: 100 });
    }

    #[test]
    fn masked_values_are_found() {
        unbound(&Masked("hunter2".to_owned()));
    }

    #[test]
    fn rounded_and_merged_values_are_found() {
        unbound(&WholeEuros(1250));
        unbound(&Either::Name("a".to_owned()));
    }

    #[test]
    fn what_cannot_be_bound_is_found() {
        assert!(bound_again(&f64::NAN).unwrap_err().contains("cannot be bound"));
    }
}
