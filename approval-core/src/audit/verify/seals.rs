//! The seals of a trail, put together with those that are held elsewhere.

use std::{collections::BTreeMap, sync::Arc};

use super::Breach;
use crate::{
    audit::{JournalHead, Leaf, Seal, SealHeader, SealRef, SealVerifier},
    clock::Timestamp,
    id::RequestId,
    model::{ChainHash, ChainHead},
};

/// What one seal says of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Said {
    pub(super) request: RequestId,
    pub(super) seal: u64,
    pub(super) pruned: bool,
    count: u64,
    hash: [u8; 32],
    /// Whether the seal is signed with a key that was given, or held elsewhere: only then may it let a request go.
    pub(super) proven: bool,
}

impl Said {
    pub(super) const fn head(&self) -> ChainHead {
        ChainHead { count: self.count, hash: ChainHash::from_bytes(self.hash) }
    }
}

/// Where the journal stood at a seal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checkpoint {
    pub(super) seal: u64,
    pub(super) journal: JournalHead,
}

/// All that the seals say, in the order in which the trail is read.
#[derive(Debug, Default)]
pub(super) struct Sealed {
    /// By request, then by seal.
    pub(super) said: Vec<Said>,
    pub(super) journal: Vec<Checkpoint>,
    pub(super) seals: u64,
    pub(super) signed: u64,
    pub(super) last: Option<(SealRef, Timestamp)>,
}

/// Takes seals in their order and holds each against the one before.
#[derive(Clone, Debug, Default)]
struct Chain {
    last: Option<SealHeader>,
    /// The first seal that is not signed, nor one behind it.
    unsigned: Option<u64>,
}

impl Chain {
    fn then(&mut self, seal: &Seal, keys: Option<&dyn SealVerifier>) -> Result<(), Breach> {
        let header = &seal.header;
        let number = header.number;
        let expected = self.last.as_ref().map_or(0, |last| last.number).saturating_add(1);
        if number != expected {
            return Err(Breach::SealGap { expected, found: number });
        }
        if header.prev != self.last.as_ref().map_or(ChainHash::ZERO, SealHeader::hash) {
            return Err(Breach::SealBroken { number });
        }
        if let Some(last) = &self.last {
            if header.trail != last.trail {
                return Err(Breach::OtherTrail { number, found: header.trail, expected: last.trail });
            }
            let (now, before) = (header.journal, last.journal);
            let back = now.count < before.count || (now.count == before.count && now != before);
            if header.at < last.at || back {
                return Err(Breach::SealBackwards { number });
            }
        }
        match (&seal.signature, keys) {
            (Some(signature), Some(keys)) => {
                let verified = keys.verify(&signature.key, &header.signed(), &signature.value);
                let key = signature.key.to_string();
                verified.map_err(|why| Breach::BadSignature { number, key, why })?;
                // It speaks for all seals before it, too: it names the hash of the one before, and that one its own.
                self.unsigned = None;
            }
            (None, Some(_)) => self.unsigned = self.unsigned.or(Some(number)),
            (_, None) => {}
        }
        self.last = Some(header.clone());
        Ok(())
    }

    fn signed_to_the_end(&self) -> Result<(), Breach> {
        self.unsigned.map_or(Ok(()), |number| Err(Breach::NotSigned { number }))
    }
}

/// Puts seals together. Those held elsewhere count; those of the trail must agree, and go on behind them.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathering {
    keys: Option<Arc<dyn SealVerifier>>,
    held: BTreeMap<u64, ChainHash>,
    held_chain: Chain,
    trail_chain: Chain,
    said: Vec<Said>,
    journal: Vec<Checkpoint>,
    seals: u64,
    signed: u64,
    last: Option<(SealRef, Timestamp)>,
    /// The trail's seals are not those held elsewhere. What this did to events is looked for first.
    pub(super) replaced: Option<Breach>,
}

impl Gathering {
    pub(super) fn new(keys: Option<Arc<dyn SealVerifier>>) -> Self {
        Self { keys, ..Self::default() }
    }

    /// Takes a seal that is held elsewhere. A copy of the same one does no harm.
    pub(super) fn held(&mut self, seal: &Seal) -> Result<(), Breach> {
        let reference = seal.reference();
        match self.held.get(&reference.number) {
            Some(hash) if *hash == reference.hash => return Ok(()),
            Some(_) => return Err(Breach::SealReplaced { number: reference.number }),
            None => {}
        }
        self.held_chain.then(seal, self.keys.as_deref())?;
        self.held.insert(reference.number, reference.hash);
        self.count(seal, true);
        Ok(())
    }

    /// Takes the next seal of the trail.
    pub(super) fn next(&mut self, seal: &Seal) -> Result<(), Breach> {
        if self.replaced.is_some() {
            return Ok(());
        }
        let reference = seal.reference();
        if let Some(held) = self.held.get(&reference.number)
            && *held != reference.hash
        {
            self.replaced = Some(Breach::SealReplaced { number: reference.number });
            return Ok(());
        }
        self.trail_chain.then(seal, self.keys.as_deref())?;
        if !self.held.contains_key(&reference.number) {
            // A signature that is there was verified with the keys. That of a later seal does not prove this one: a
            // sealer goes on behind whatever it finds in the store.
            self.count(seal, self.keys.is_some() && seal.signature.is_some());
        }
        Ok(())
    }

    fn count(&mut self, seal: &Seal, proven: bool) {
        let SealHeader { number, journal, at, .. } = seal.header;
        self.seals = self.seals.saturating_add(1);
        self.signed = self.signed.saturating_add(u64::from(seal.signature.is_some()));
        self.said.extend(seal.leaves.iter().map(|leaf: &Leaf| Said {
            request: leaf.request,
            seal: number,
            pruned: leaf.pruned,
            count: leaf.count,
            hash: *leaf.hash.as_bytes(),
            proven,
        }));
        self.journal.push(Checkpoint { seal: number, journal });
        self.last = Some((seal.reference(), at));
    }

    /// There are no more seals.
    pub(super) fn finish(&mut self) -> Result<Sealed, Breach> {
        self.held_chain.signed_to_the_end()?;
        if self.replaced.is_none() {
            self.trail_chain.signed_to_the_end()?;
        }
        let found = self.trail_chain.last.as_ref().map_or(0, |last| last.number);
        if let Some((held, _)) = self.held.last_key_value()
            && found < *held
            && self.replaced.is_none()
        {
            self.replaced = Some(Breach::SealsCut { found, held: *held });
        }
        let mut said = std::mem::take(&mut self.said);
        said.sort_unstable();
        Ok(Sealed {
            said,
            journal: std::mem::take(&mut self.journal),
            seals: self.seals,
            signed: self.signed,
            last: self.last,
        })
    }
}
