//! One seal: what it commits to, and its text.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::{hex, merkle};
use crate::{
    clock::Timestamp,
    id::{RequestId, TrailId},
    model::{ChainHash, ChainHead, Text},
    store::JournalLine,
};

/// The form of seals that this program writes and reads.
pub(super) const FORMAT: u32 = 1;
/// In front of what is signed, so that a signature under a seal stands under nothing else.
const SIGNED: &[u8] = b"approvals audit seal 1\n";

/// Where the history of one request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Number of its lines.
    pub count: u64,
    /// Hash of the last.
    pub hash: ChainHash,
    /// Whether it may be removed from now on, by the operator's rule of retention.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pruned: bool,
    /// Which request.
    pub request: RequestId,
}

impl Leaf {
    /// A request that is kept.
    #[must_use]
    pub const fn new(request: RequestId, head: ChainHead) -> Self {
        Self { count: head.count, hash: head.hash, pruned: false, request }
    }

    /// What is hashed: whether it is kept (1 byte), the request (16), the count (8, big-endian), the hash (32).
    fn hashed(&self) -> [u8; 32] {
        let mut data = Vec::with_capacity(57);
        data.push(u8::from(self.pruned));
        data.extend_from_slice(self.request.as_bytes());
        data.extend_from_slice(&self.count.to_be_bytes());
        data.extend_from_slice(self.hash.as_bytes());
        merkle::leaf(&data)
    }
}

/// Where the journal stands: a chain over all of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalHead {
    /// Number of lines.
    pub count: u64,
    /// SHA-256 over the hash before (zeros at the beginning), the line's number (8 bytes, big-endian) and its JSON text.
    pub hash: ChainHash,
    /// Number of the last line.
    pub last: u64,
}

impl JournalHead {
    /// Before the first line.
    pub const EMPTY: Self = Self { count: 0, hash: ChainHash::ZERO, last: 0 };

    /// One line further.
    ///
    /// # Errors
    /// When the line cannot be written as JSON.
    pub fn then(&self, number: u64, line: &JournalLine) -> Result<Self, serde_json::Error> {
        let text = serde_json::to_vec(line)?;
        let hash = Sha256::new()
            .chain_update(self.hash.as_bytes())
            .chain_update(number.to_be_bytes())
            .chain_update(text)
            .finalize();
        Ok(Self {
            count: self.count.saturating_add(1),
            hash: ChainHash::from_bytes(hash.into()),
            last: number,
        })
    }
}

/// What a seal commits to. Its members are written in alphabetical order; the JSON text is what is hashed and signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealHeader {
    /// When, by the store's clock.
    pub at: Timestamp,
    /// The form of the seal: 1.
    pub format: u32,
    /// Where the journal stands.
    pub journal: JournalHead,
    /// How many leaves there are.
    pub leaves: u64,
    /// Its place among the seals, from 1.
    pub number: u64,
    /// Hash of the seal before; zeros in the first.
    pub prev: ChainHash,
    /// Merkle tree hash over the leaves.
    pub root: ChainHash,
    /// Which trail it belongs to.
    pub trail: TrailId,
}

/// Names one seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealRef {
    /// Its hash.
    pub hash: ChainHash,
    /// Its place, from 1.
    pub number: u64,
}

/// By which key, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Names the key.
    pub key: Text,
    /// The signature itself; in text hexadecimal digits.
    #[serde(serialize_with = "write_hex", deserialize_with = "read_hex")]
    pub value: Vec<u8>,
}

fn write_hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

fn read_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
    hex::decode(&text)
        .ok_or_else(|| serde::de::Error::custom("a signature is lower-case hexadecimal digits, two a byte"))
}

/// A seal with its leaves and, unless it was made without a key, its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// What is hashed and signed.
    pub header: SealHeader,
    /// Where the histories stand, in the order of the requests.
    pub leaves: Arc<[Leaf]>,
    /// The signature over the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// Why a text is no seal, or not a whole one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSeal {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It says the same in other words than a seal is written in.
    #[error("it is not written as seals are: something was changed in it")]
    OtherForm,
    /// It was written by a newer program.
    #[error("it has form {0}, and this program knows form {FORMAT}: use a newer one")]
    TooNew(u32),
    /// The leaves are not those that the header counts and hashes.
    #[error("its leaves do not hash to its root: a leaf was edited, added, dropped or moved")]
    WrongRoot,
}

impl SealHeader {
    /// The header as JSON, as [`Seal::line`] has it. Written by hand, so that it cannot fail: nothing else is ever hashed or signed
    /// in its place.
    fn text(&self) -> Vec<u8> {
        let Self { at, format, journal, leaves, number, prev, root, trail } = self;
        let JournalHead { count, hash, last } = journal;
        format!(
            r#"{{"at":"{at}","format":{format},"journal":{{"count":{count},"hash":"{hash}","last":{last}}},"leaves":{leaves},"number":{number},"prev":"{prev}","root":"{root}","trail":"{trail}"}}"#
        )
        .into_bytes()
    }

    /// What is signed: a fixed first line, and the header as JSON.
    #[must_use]
    pub fn signed(&self) -> Vec<u8> {
        [SIGNED, &self.text()].concat()
    }

    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> ChainHash {
        ChainHash::from_bytes(Sha256::digest(self.text()).into())
    }
}

impl Seal {
    /// Merkle tree hash over leaves.
    #[must_use]
    pub fn root(leaves: &[Leaf]) -> ChainHash {
        let hashes: Vec<_> = leaves.iter().map(Leaf::hashed).collect();
        ChainHash::from_bytes(merkle::root(&hashes))
    }

    /// What names it.
    #[must_use]
    pub fn reference(&self) -> SealRef {
        SealRef { hash: self.header.hash(), number: self.header.number }
    }

    /// Its text: one line of JSON without the line break.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads what [`Seal::line`] wrote, and nothing else: a text that says the same in another way was tampered with.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(line: &str) -> Result<Self, BadSeal> {
        let seal: Self = serde_json::from_str(line).map_err(|e| BadSeal::Unreadable(e.to_string()))?;
        if seal.header.format != FORMAT {
            return Err(BadSeal::TooNew(seal.header.format));
        }
        if seal.line().ok().as_deref() != Some(line) {
            return Err(BadSeal::OtherForm);
        }
        seal.check()?;
        Ok(seal)
    }

    /// Whether the leaves are those that the header commits to.
    ///
    /// # Errors
    /// [`BadSeal::WrongRoot`] when they are not.
    pub fn check(&self) -> Result<(), BadSeal> {
        let sorted = self.leaves.is_sorted_by(|a, b| a.request < b.request);
        let counted = self.header.leaves == self.leaves.len() as u64;
        if sorted && counted && self.header.root == Self::root(&self.leaves) {
            Ok(())
        } else {
            Err(BadSeal::WrongRoot)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hash() -> impl Strategy<Value = ChainHash> {
        any::<[u8; 32]>().prop_map(ChainHash::from_bytes)
    }

    fn moment() -> impl Strategy<Value = Timestamp> {
        let of = |micros| Timestamp::from_microsecond(micros).unwrap();
        prop_oneof![
            Just(Timestamp::MIN),
            Just(Timestamp::MAX),
            Just(Timestamp::UNIX_EPOCH),
            (-377_705_023_201_000_000..253_402_207_200_000_000_i64).prop_map(of),
            (1_700_000_000..1_900_000_000_i64).prop_map(move |second| of(second * 1_000_000)),
        ]
    }

    prop_compose! {
        fn header()(
            at in moment(), format: u32, numbers: [u64; 4], journal in hash(), prev in hash(), root in hash(), trail: u128
        ) -> SealHeader {
            let [count, last, leaves, number] = numbers;
            let journal = JournalHead { count, hash: journal, last };
            let trail = TrailId::from_uuid(uuid::Uuid::from_u128(trail));
            SealHeader { at, format, journal, leaves, number, prev, root, trail }
        }
    }

    proptest! {
        #[test]
        fn what_is_hashed_and_signed_is_the_header_as_a_seal_has_it(header in header()) {
            let json = serde_json::to_vec(&header).unwrap();
            prop_assert_eq!(header.signed(), [SIGNED, json.as_slice()].concat());
            prop_assert_eq!(*header.hash().as_bytes(), <[u8; 32]>::from(Sha256::digest(&json)));
        }
    }
}
