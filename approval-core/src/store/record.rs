//! Named records: small values with versions that commits can be bound to (halt flag, leases, counters).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Text;

/// The name of a record, such as `halt` or `lease/0197…`. Names sort by their bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordName(Text);

impl RecordName {
    /// A record called `name`.
    #[must_use]
    pub fn new(name: impl Into<Text>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordName({})", self.0)
    }
}

/// A named record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its name.
    pub name: RecordName,
    /// Counts the writes, from 1.
    pub version: u64,
    /// Its value; opaque to the store.
    pub value: Vec<u8>,
    /// When it was written, by the store's clock.
    pub updated_at: crate::clock::Timestamp,
}
