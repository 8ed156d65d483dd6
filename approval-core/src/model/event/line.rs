//! An event as the text of its line: what `serde_json` writes for it, byte for byte, without going through `Display` for
//! each member. Three lines are written for every approval.

use serde_json::Error;

use super::{ChainHash, Event, EventLine, hex};
use crate::{
    clock::push_rfc3339,
    model::canonical::{push_digest, push_escaped},
};

/// Longer than most lines.
const CAPACITY: usize = 640;

impl Event {
    /// The line that tells this event.
    ///
    /// # Errors
    /// When something in it cannot be written as JSON.
    pub fn line(&self) -> Result<EventLine, Error> {
        let Self { actor, at, digest, prev, request, seq, via, what } = self;
        let mut text = String::with_capacity(CAPACITY);
        text.push_str(r#"{"actor":""#);
        push_escaped(&mut text, actor.as_str());
        text.push_str(r#"","at":""#);
        push_rfc3339(&mut text, *at);
        text.push_str(r#"","digest":""#);
        push_digest(&mut text, digest);
        text.push_str(r#"","prev":""#);
        text.push_str(hex(prev.as_bytes(), &mut [0; 64]));
        text.push_str(r#"","request":""#);
        text.push_str(request.as_uuid().hyphenated().encode_lower(&mut [0; 36]));
        text.push_str(r#"","seq":"#);
        text.push_str(itoa::Buffer::new().format(*seq));
        if let Some(via) = via {
            text.push_str(r#","via":""#);
            push_escaped(&mut text, via);
            text.push('"');
        }
        text.push_str(r#","what":"#);
        text.push_str(&serde_json::to_string(what)?);
        text.push('}');
        Ok(EventLine { seq: *seq, text: text.into() })
    }
}

impl EventLine {
    /// What the next line's `prev` is: the hash of this one.
    #[must_use]
    pub fn hash(&self) -> ChainHash {
        ChainHash::of(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        clock::Timestamp,
        id::RequestId,
        model::{Ballot, Basis, EventKind, Principal, Risk, SourceDigest, canonical},
    };

    #[test]
    fn a_line_is_what_serde_json_writes() {
        let arguments = canonical::parse_canonical(r#"{"cents":1250}"#).unwrap();
        let whats = [
            EventKind::Created {
                action: "payments.refund".into(),
                version: 3,
                risk: Risk::High,
                rule: "a \"quoted\" rule\n".into(),
                on_behalf_of: Some(Principal::new("user:ann@example.com").unwrap()),
                basis: Some(Arc::new(Basis::new(Some(SourceDigest::of("policy: none")), None))),
            },
            EventKind::Voted { ballot: Ballot::Reject { option: None }, note: Some("n\u{1}ö\\".into()) },
            EventKind::GrantExpired,
        ];
        let times = ["1969-12-31T23:59:59.999999Z", "2026-02-28T23:00:00Z", "2024-02-29T01:02:03.0405Z"];
        for (seq, (what, at)) in (9..).zip(whats.into_iter().zip(times)) {
            for via in [None, Some("sl\tack".into())] {
                let event = Event {
                    actor: Principal::new("user:ann@example.com").unwrap(),
                    at: at.parse::<Timestamp>().unwrap(),
                    digest: canonical::arguments_digest("a", 1, None, &arguments),
                    prev: ChainHash::of("before"),
                    request: RequestId::generate(at.parse().unwrap()),
                    seq,
                    via,
                    what: what.clone(),
                };
                let line = event.line().unwrap();
                assert_eq!(*line.text, *serde_json::to_string(&event).unwrap());
                assert_eq!((line.seq, line.event().unwrap()), (seq, event));
            }
        }
    }
}
