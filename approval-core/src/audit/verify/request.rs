//! Judges the history of one request.

use super::{Breach, seals::Said, story};
use crate::{
    audit::trail::Head,
    clock::{Span, Timestamp, after},
    id::RequestId,
    model::{ChainHash, Event},
};

/// What was read of one request.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) head: Head,
    pub(super) lines: Vec<Box<str>>,
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
    /// Holds the lines against each other, against what the seals say and against the request's own word; in this order, so
    /// that the first wrong line is named.
    pub(super) fn judge(&self, said: &[Said], fresh_from: Option<Timestamp>) -> Result<Sound, Breach> {
        let request = self.head.id;
        let events = self.events(request)?;
        self.in_order(request, &events)?;
        let hashes: Vec<ChainHash> = self.lines.iter().map(|line| ChainHash::of(line)).collect();
        let hash_of = |seq: u64| {
            let place = usize::try_from(seq.checked_sub(1)?).ok()?;
            hashes.get(place).copied()
        };
        self.chained(request, &events, &hash_of, said)?;

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
        if named != found || hash_of(found).unwrap_or(ChainHash::ZERO) != self.head.hash {
            return Err(Breach::WrongHead { request, found, named });
        }
        let unsealed = events.iter().filter(|event| event.seq > sealed);
        if let Some(fresh_from) = fresh_from
            && let Some(old) = unsealed.clone().find(|event| event.at < fresh_from)
        {
            return Err(Breach::Added { request, seq: old.seq });
        }
        story::possible(request, &events)?;
        Ok(Sound { events: found, unsealed: unsealed.count() as u64 })
    }

    fn events(&self, request: RequestId) -> Result<Vec<Event>, Breach> {
        let read = |(seq, line): (u64, &str)| {
            let event: Event = serde_json::from_str(line).map_err(|e| Breach::NotAnEvent {
                request,
                seq,
                why: e.to_string(),
            })?;
            if event.request == request {
                Ok(event)
            } else {
                Err(Breach::Foreign { request, seq, other: event.request })
            }
        };
        (1_u64..).zip(self.lines.iter().map(|line| &**line)).map(read).collect()
    }

    fn in_order(&self, request: RequestId, events: &[Event]) -> Result<(), Breach> {
        for ((expected, event), line) in (1_u64..).zip(events).zip(&self.lines) {
            let seq = event.seq;
            if seq == expected {
                continue;
            }
            let same_place = events.iter().zip(&self.lines).find(|(other, _)| other.seq == seq);
            return Err(if seq < expected {
                match same_place {
                    Some((_, other)) if other == line => Breach::Duplicated { request, seq },
                    Some((other, _)) if other.seq < expected => Breach::Forked { request, seq },
                    _ => Breach::Edited { request, seq: expected },
                }
            } else if events.iter().any(|other| other.seq == expected) {
                Breach::Reordered { request, seq, before: expected }
            } else {
                Breach::Dropped { request, seq: expected }
            });
        }
        Ok(())
    }

    /// Each line must name the hash of the one before. Of two that do not fit, the one that fits its other neighbour, a seal or
    /// the request's word is whole; if neither does, it cannot be told which was edited first.
    fn chained(
        &self,
        request: RequestId,
        events: &[Event],
        hash_of: &dyn Fn(u64) -> Option<ChainHash>,
        said: &[Said],
    ) -> Result<(), Breach> {
        for event in events {
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
            let next = events.iter().find(|next| next.seq == seq + 1);
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
