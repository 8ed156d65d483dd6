//! Judges the history of one request.

use std::sync::Arc;

use super::{Breach, seals::Said, story};
use crate::{
    audit::trail::Head,
    clock::{Span, Timestamp, after},
    id::RequestId,
    model::{Basis, ChainHash, Event},
};

/// What was read of one request.
#[derive(Clone, Debug)]
pub(super) struct History {
    head: Head,
    lines: Vec<Arc<Written>>,
}

/// One line of it. Read at once, so that what is no event is found without looking any further.
#[derive(Debug)]
struct Written {
    event: Event,
    hash: ChainHash,
}

/// What a sound history has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sound {
    pub(super) events: u64,
    /// Events behind the last seal.
    pub(super) unsealed: u64,
}

/// From when on an event need not be sealed yet. `None`: nothing is sealed at all.
pub(super) fn fresh_from(last_seal: Option<Timestamp>, grace: Span) -> Option<Timestamp> {
    last_seal.map(|at| after(at, -grace))
}

impl History {
    pub(super) const fn new(head: Head) -> Self {
        Self { head, lines: Vec::new() }
    }

    pub(super) const fn id(&self) -> RequestId {
        self.head.id
    }

    /// Takes the next line. What it names as the rules and people in force.
    pub(super) fn line(&mut self, text: &str) -> Result<Option<Basis>, Breach> {
        let request = self.head.id;
        let seq = (self.lines.len() as u64).saturating_add(1);
        let event: Event = serde_json::from_str(text).map_err(|e| Breach::NotAnEvent {
            request,
            seq,
            why: e.to_string(),
        })?;
        if event.request != request {
            return Err(Breach::Foreign { request, seq, other: event.request });
        }
        let basis = event.what.basis();
        self.lines.push(Arc::new(Written { event, hash: ChainHash::of(text) }));
        Ok(basis)
    }

    fn events(&self) -> impl Iterator<Item = &Event> + Clone {
        self.lines.iter().map(|line| &line.event)
    }

    /// Holds the lines against each other, against what the seals say and against the request's own word; in this order, so
    /// that the first wrong line is named.
    pub(super) fn judge(&self, said: &[Said], fresh_from: Option<Timestamp>) -> Result<Sound, Breach> {
        let request = self.head.id;
        self.in_order(request)?;
        let hash_of = |seq: u64| {
            let place = usize::try_from(seq.checked_sub(1)?).ok()?;
            self.lines.get(place).map(|line| line.hash)
        };
        self.chained(request, &hash_of, said)?;

        let found = self.lines.len() as u64;
        let mut sealed = 0_u64;
        for said in said {
            let (seal, head) = (said.seal, said.head());
            if head.count > found {
                return Err(Breach::TailCut { request, found, sealed: head.count, seal });
            }
            if hash_of(head.count) != Some(head.hash) {
                let since = sealed.saturating_add(1).min(head.count);
                return Err(Breach::Rewritten { request, since, upto: head.count, seal });
            }
            sealed = sealed.max(head.count);
        }
        let named = self.head.count;
        // Before the first line comes the hash of zeros.
        if named != found || hash_of(found).unwrap_or(ChainHash::ZERO) != self.head.hash {
            return Err(Breach::WrongHead { request, found, named });
        }
        let unsealed = self.events().filter(|event| event.seq > sealed);
        if let Some(fresh_from) = fresh_from
            && let Some(old) = unsealed.clone().find(|event| event.at < fresh_from)
        {
            return Err(Breach::Added { request, seq: old.seq });
        }
        story::possible(request, self.events())?;
        Ok(Sound { events: found, unsealed: unsealed.count() as u64 })
    }

    fn in_order(&self, request: RequestId) -> Result<(), Breach> {
        for (expected, line) in (1_u64..).zip(&self.lines) {
            let seq = line.event.seq;
            if seq == expected {
                continue;
            }
            let same_place = self.lines.iter().find(|other| other.event.seq == seq);
            return Err(if seq < expected {
                match same_place {
                    Some(other) if other.hash == line.hash => Breach::Duplicated { request, seq },
                    Some(other) if other.event.seq < expected => Breach::Forked { request, seq },
                    _ => Breach::Edited { request, seq: expected },
                }
            } else if self.events().any(|other| other.seq == expected) {
                Breach::Reordered { request, seq, before: expected }
            } else {
                Breach::Dropped { request, seq: expected }
            });
        }
        Ok(())
    }

    /// Each line must name the hash of the one before. Of two that do not fit, the one that fits its other neighbour, a seal or
    /// the request's word is whole; if neither does, it is not known which was edited first.
    fn chained(
        &self,
        request: RequestId,
        hash_of: &dyn Fn(u64) -> Option<ChainHash>,
        said: &[Said],
    ) -> Result<(), Breach> {
        for event in self.events() {
            let seq = event.seq;
            let before = seq.saturating_sub(1);
            if event.prev == hash_of(before).unwrap_or(ChainHash::ZERO) {
                continue;
            }
            let attested = |seq: u64| {
                let own = hash_of(seq);
                said.iter().any(|said| said.head().count == seq && Some(said.head().hash) == own)
                    || (self.head.count == seq && Some(self.head.hash) == own)
            };
            let next = self.events().find(|next| next.seq == seq + 1);
            let whole = attested(seq) || next.is_some_and(|next| Some(next.prev) == hash_of(seq));
            return Err(if before == 0 || (!whole && attested(before)) {
                Breach::Edited { request, seq }
            } else if whole {
                Breach::Edited { request, seq: before }
            } else {
                Breach::EditedHere { request, first: before, second: seq }
            });
        }
        Ok(())
    }
}
