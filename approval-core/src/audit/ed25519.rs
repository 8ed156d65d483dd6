//! Ed25519 signatures (RFC 8032). A key is named by a hash of itself, so that a name never stands for another key.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use ed25519_dalek::{
    Signature, Signer, SigningKey, VerifyingKey,
    pkcs8::{
        DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, spki::der::pem::LineEnding,
    },
};
use sha2::{Digest, Sha256};

use super::{BadSignature, SealSigner, SealVerifier, SignError, hex};

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the key cannot be read: {why}; give {wanted}")]
pub struct KeyError {
    why: String,
    wanted: &'static str,
}

const PRIVATE: &str =
    "an Ed25519 private key in PEM (PKCS #8), as `openssl genpkey -algorithm ed25519` makes one";
const PUBLIC: &str = "an Ed25519 public key in PEM (SubjectPublicKeyInfo), as `openssl pkey -in private.pem -pubout` makes one";

/// `ed25519:` and the first 16 digits of the SHA-256 of the 32 bytes of the public key.
fn name(key: &VerifyingKey) -> String {
    let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
    let digits: String = hex::encode(&digest).chars().take(16).collect();
    format!("ed25519:{digits}")
}

/// Signs with a key in memory.
#[derive(Clone)]
pub struct Ed25519Signer {
    key: SigningKey,
    name: String,
}

impl fmt::Debug for Ed25519Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ed25519Signer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Ed25519Signer {
    fn of(key: SigningKey) -> Self {
        Self { name: name(&key.verifying_key()), key }
    }

    /// A new random key.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok(Self::of(SigningKey::from_bytes(&secret)))
    }

    /// The key in a PEM text (PKCS #8).
    ///
    /// # Errors
    /// When it is no such text.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_pem(pem)
            .map(Self::of)
            .map_err(|e| KeyError { why: e.to_string(), wanted: PRIVATE })
    }

    /// The private key as PEM text (PKCS #8), to be kept where the store is not.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let pem = self.key.to_pkcs8_pem(LineEnding::LF);
        pem.map(|pem| pem.as_str().to_owned()).map_err(|e| KeyError { why: e.to_string(), wanted: PRIVATE })
    }

    /// The public key as PEM text, for those who verify.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn public_pem(&self) -> Result<String, KeyError> {
        let pem = self.key.verifying_key().to_public_key_pem(LineEnding::LF);
        pem.map_err(|e| KeyError { why: e.to_string(), wanted: PUBLIC })
    }
}

#[async_trait]
impl SealSigner for Ed25519Signer {
    fn key(&self) -> &str {
        &self.name
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.key.sign(message).to_vec())
    }
}

/// Public keys, by their names. Keep those of former keys, or their seals cannot be checked.
#[derive(Clone, Debug, Default)]
pub struct Ed25519Keys(BTreeMap<String, VerifyingKey>);

impl Ed25519Keys {
    /// No key.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the key in a PEM text (`SubjectPublicKeyInfo`).
    ///
    /// # Errors
    /// When it is no such text.
    pub fn with_pem(mut self, pem: &str) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_public_key_pem(pem)
            .map_err(|e| KeyError { why: e.to_string(), wanted: PUBLIC })?;
        self.0.insert(name(&key), key);
        Ok(self)
    }
}

impl SealVerifier for Ed25519Keys {
    fn verify(&self, key: &str, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let key = self.0.get(key).ok_or(BadSignature::UnknownKey)?;
        let signature = Signature::from_slice(signature).map_err(|_| BadSignature::Wrong)?;
        // Strict: no second form of the same signature counts.
        key.verify_strict(message, &signature).map_err(|_| BadSignature::Wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 2.
    #[tokio::test]
    async fn signatures_are_those_of_the_standard() {
        let bytes = |text| hex::decode(text).unwrap();
        let secret: [u8; 32] =
            bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").try_into().unwrap();
        let signer = Ed25519Signer::of(SigningKey::from_bytes(&secret));
        let signature = signer.sign(&[0x72]).await.unwrap();
        let wanted = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                      085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(hex::encode(&signature), wanted);
    }

    #[tokio::test]
    async fn keys_survive_pem_and_only_their_signature_counts() {
        let signer = Ed25519Signer::generate().unwrap();
        let again = Ed25519Signer::from_pem(&signer.to_pem().unwrap()).unwrap();
        assert_eq!(signer.key(), again.key());
        let keys = Ed25519Keys::new().with_pem(&signer.public_pem().unwrap()).unwrap();
        let signature = again.sign(b"text").await.unwrap();
        assert_eq!(keys.verify(signer.key(), b"text", &signature), Ok(()));
        assert_eq!(keys.verify(signer.key(), b"test", &signature), Err(BadSignature::Wrong));
        assert_eq!(keys.verify(signer.key(), b"text", &signature[..63]), Err(BadSignature::Wrong));
        let other = Ed25519Signer::generate().unwrap();
        assert_eq!(keys.verify(other.key(), b"text", &signature), Err(BadSignature::UnknownKey));
        assert!(!format!("{signer:?}").contains(&hex::encode(&signer.key.to_bytes())));
        let error = Ed25519Signer::from_pem("-----BEGIN").unwrap_err().to_string();
        assert!(error.contains("openssl genpkey"), "{error}");
    }
}
