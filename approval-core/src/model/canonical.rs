//! Stub.
use serde::{Deserialize, Serialize};
use std::sync::Arc;
/// Stub
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CanonicalJson(Arc<str>);
/// Stub
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ArgumentsDigest([u8; 32]);
/// Stub
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SchemaDigest([u8; 32]);
