//! Texts that let their holder decide in the name of one person on one request.

use std::{fmt, str::FromStr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    error::Invalid,
    id::RequestId,
    model::{ArgumentsDigest, Principal},
};

/// The secret that decide tokens are made with. Give the same one to every process whose tokens shall be valid in the
/// others; a random one makes tokens that end with the process.
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

impl TokenKey {
    /// A key from 32 secret bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key from the system's randomness.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn random() -> Result<Self, Invalid> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|e| Invalid::new("token key", "", format!("cannot be made: {e}")))?;
        Ok(Self(bytes))
    }

    fn mac(
        &self,
        request: RequestId,
        to: &Principal,
        digest: &ArgumentsDigest,
    ) -> Result<Hmac<Sha256>, Invalid> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .map_err(|e| Invalid::new("token key", "", e.to_string()))?;
        mac.update(b"approvals decide token v1\0");
        mac.update(request.as_bytes());
        mac.update(digest.as_bytes());
        mac.update(to.as_str().as_bytes());
        Ok(mac)
    }

    /// The token with which `to` may decide `request` as long as its arguments have this digest.
    ///
    /// # Errors
    /// Never in practice; the key has the right length.
    pub fn issue(
        &self,
        request: RequestId,
        to: &Principal,
        digest: ArgumentsDigest,
    ) -> Result<DecideToken, Invalid> {
        let tag = self.mac(request, to, &digest)?.finalize().into_bytes();
        Ok(DecideToken { request, to: to.clone(), digest, tag: tag.into() })
    }

    /// Whether a token was made with this key. Takes the same time whatever is wrong.
    #[must_use]
    pub fn verifies(&self, token: &DecideToken) -> bool {
        self.mac(token.request, &token.to, &token.digest)
            .is_ok_and(|mac| mac.verify_slice(&token.tag).is_ok())
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(secret)")
    }
}

/// A text that lets its holder decide in the name of one person on one request with these arguments. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct DecideToken {
    request: RequestId,
    to: Principal,
    digest: ArgumentsDigest,
    tag: [u8; 32],
}

impl DecideToken {
    /// Which request.
    #[must_use]
    pub const fn request(&self) -> RequestId {
        self.request
    }

    /// In whose name.
    #[must_use]
    pub const fn to(&self) -> &Principal {
        &self.to
    }

    /// With which arguments.
    #[must_use]
    pub const fn digest(&self) -> ArgumentsDigest {
        self.digest
    }
}

impl fmt::Debug for DecideToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecideToken({}, {}, secret)", self.request, self.to)
    }
}

/// `request~digest~tag~principal`: only characters that need no escaping in a link but for the principal's.
impl fmt::Display for DecideToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}~", self.request, self.digest)?;
        self.tag.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, "~{}", self.to)
    }
}

impl FromStr for DecideToken {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bad = || Invalid::new("decide token", "…", "is not whole").hint("copy all of it");
        let mut parts = text.trim().splitn(4, '~');
        let mut part = || parts.next().ok_or_else(bad);
        let (request, digest, tag_text, to) = (part()?, part()?, part()?, part()?);
        let mut tag = [0; 32];
        if tag_text.len() != 64 {
            return Err(bad());
        }
        for (byte, pair) in tag.iter_mut().zip(tag_text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self {
            request: request.parse().map_err(|_| bad())?,
            digest: digest.parse().map_err(|_| bad())?,
            to: Principal::new(to).map_err(|_| bad())?,
            tag,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::canonical;

    fn token(key: &TokenKey) -> DecideToken {
        let id = RequestId::generate("2026-01-01T00:00:00Z".parse().unwrap());
        let arguments = canonical::parse_canonical("{}").unwrap();
        let digest = canonical::arguments_digest("a", 1, None, &arguments);
        key.issue(id, &Principal::user("ann@example.com").unwrap(), digest).unwrap()
    }

    #[test]
    fn a_token_survives_text_and_only_its_key_verifies_it() {
        let key = TokenKey::new([7; 32]);
        let read: DecideToken = token(&key).to_string().parse().unwrap();
        assert!(key.verifies(&read));
        assert!(!TokenKey::new([8; 32]).verifies(&read));
    }

    #[test]
    fn no_changed_character_verifies() {
        let key = TokenKey::new([7; 32]);
        let text = token(&key).to_string();
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(changed).unwrap();
            let verified = changed.parse::<DecideToken>().is_ok_and(|token| key.verifies(&token));
            assert!(!verified, "{changed}");
        }
    }

    #[test]
    fn debug_hides_the_secret() {
        let key = TokenKey::new([7; 32]);
        let token = token(&key);
        let secret = token.to_string();
        let tag = secret.split('~').nth(2).unwrap();
        assert!(!format!("{token:?} {key:?}").contains(tag));
    }
}
