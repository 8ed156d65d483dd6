//! A store that is being filled from another one must not be worked with: half of the keys, counters and halts are missing.
//!
//! While it is filled, a mark stands in the place of records that nothing happens without: the halts, and where sealing
//! stands. Reading them is refused. An older program cannot read the mark, and refuses as well.

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::model::Text;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    copying_from: Text,
}

/// The mark of a store that is being filled from `source`.
pub(crate) fn mark(source: &Text) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(&Mark { copying_from: Text::clone(source) })
        .map_err(|e| StoreError::unreadable(format!("the mark of a copy cannot be written: {e}")))
}

/// Refuses a record that is such a mark.
///
/// # Errors
/// [`StoreError::HalfCopied`] for a mark.
pub(crate) fn refuse(value: &[u8]) -> Result<(), StoreError> {
    if !value.starts_with(br#"{"copying_from":"#) {
        return Ok(());
    }
    let source = serde_json::from_slice(value).map_or_else(|_| "?".into(), |mark: Mark| mark.copying_from);
    Err(StoreError::HalfCopied { source_name: source.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_refused_with_its_source_and_nothing_else_is() {
        let error = refuse(&mark(&"sqlite:/var/lib/approvals.db".into()).unwrap()).unwrap_err();
        assert!(matches!(error, StoreError::HalfCopied { .. }));
        assert!(error.to_string().contains("sqlite:/var/lib/approvals.db"), "{error}");
        assert!(refuse(br#"{"copying_from":7}"#).is_err());
        for value in [&b""[..], b"[]", b"{}", br#"{"at":"2026-01-01T00:00:00Z"}"#] {
            assert!(refuse(value).is_ok());
        }
    }
}
