//! In what a store and its copy differ.

use std::fmt;

use crate::{id::RequestId, store::RecordName};

/// One thing in which the target is not the source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// A request is missing in the target.
    Missing(RequestId),
    /// A request is only in the target.
    Added(RequestId),
    /// The document of a request is another one.
    Document(RequestId),
    /// The history of a request is another one, from this line on.
    History(RequestId, u64),
    /// The notices about a request are others, or stand otherwise.
    Notices(RequestId),
    /// The key of a request of the source belongs to another one in the target.
    KeyTaken(RequestId, RequestId),
    /// A record is missing, only in the target, or has another value.
    Record(RecordName),
    /// The journal is another one, from the line of this number on.
    Journal(u64),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(request) => write!(f, "request {request} is missing in the copy"),
            Self::Added(request) => write!(f, "request {request} is in the copy alone"),
            Self::Document(request) => write!(f, "request {request} is another one in the copy"),
            Self::History(request, seq) => {
                write!(f, "the history of request {request} is another one in the copy, from line {seq} on")
            }
            Self::Notices(request) => {
                write!(f, "the notices about request {request} are others in the copy, or stand otherwise")
            }
            Self::KeyTaken(request, other) => {
                write!(f, "the key of request {request} belongs to request {other} in the copy")
            }
            Self::Record(name) => write!(f, "the record {name} is another one in the copy"),
            Self::Journal(number) => {
                write!(f, "the journal is another one in the copy, from line {number} on")
            }
        }
    }
}
