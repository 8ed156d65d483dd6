//! Who signs seals, and who checks the signatures.

use std::{error::Error, fmt::Debug, sync::Arc};

use async_trait::async_trait;

/// Signs seals. The key lies here or beyond (a file, a key service), never in the store.
#[async_trait]
pub trait SealSigner: Debug + Send + Sync + 'static {
    /// Names the key, for those who check the signature.
    fn key(&self) -> &str;

    /// Signs a message.
    ///
    /// # Errors
    /// When the key cannot be used now. Nothing is sealed then, and it is tried again.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why nothing was signed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the seal could not be signed with key {key}: {message}")]
pub struct SignError {
    /// Names the key.
    pub key: String,
    /// What went wrong.
    pub message: String,
    /// The error beneath.
    #[source]
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

/// Checks signatures with public keys.
pub trait SealVerifier: Debug + Send + Sync {
    /// Whether `signature` is the signature of the key called `key` under `message`.
    ///
    /// # Errors
    /// Why it is not.
    fn verify(&self, key: &str, message: &[u8], signature: &[u8]) -> Result<(), BadSignature>;
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSignature {
    /// The key is none of those that were given.
    #[error("its key is none of those given")]
    UnknownKey,
    /// It was not made with that key, or under another text.
    #[error("the signature is wrong")]
    Wrong,
}
