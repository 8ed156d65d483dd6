//! The history of one request, packed: a million of them wait with no room to spare.
//!
//! A line is kept as it was written, byte for byte; only what every event has in common (the names of its first members,
//! digits that stand for bytes, the id of the request) is left out. A line that is no such event is kept whole.

use crate::{
    id::RequestId,
    model::{ArgumentsDigest, ChainHash, EventLine},
};

/// Between the members, in the order in which they are written.
const ACTOR: &str = r#"{"actor":""#;
const AT: &str = r#"","at":""#;
const DIGEST: &str = r#"","digest":"sha256:"#;
const PREV: &str = r#"","prev":""#;
const REQUEST: &str = r#"","request":""#;
const SEQ: &str = r#"","seq":"#;

/// First byte of a line that is kept whole, or packed, with the hash of the line before or as the first.
const WHOLE: u8 = 0;
const PACKED: u8 = 1;
const PACKED_FIRST: u8 = 2;

/// Lines of history, one after the other: number, length, bytes.
#[derive(Debug, Default)]
pub(super) struct History(Box<[u8]>);

impl History {
    /// Adds lines about `request`.
    pub(super) fn append(&mut self, request: RequestId, lines: &[EventLine]) {
        if lines.is_empty() {
            return;
        }
        let room: usize = lines.iter().map(|line| line.text.len()).sum();
        let mut all = Vec::with_capacity(self.0.len() + room + 16 * lines.len());
        all.extend_from_slice(&self.0);
        for line in lines {
            all.extend_from_slice(&line.seq.to_le_bytes());
            let length_at = all.len();
            all.extend_from_slice(&[0; 4]);
            if pack(line, request, &mut all).is_none() {
                all.truncate(length_at + 4);
                all.push(WHOLE);
                all.extend_from_slice(line.text.as_bytes());
            }
            // A text is far shorter than four bytes can count.
            let length = u32::try_from(all.len() - length_at - 4).unwrap_or(u32::MAX);
            if let Some(place) = all.get_mut(length_at..length_at + 4) {
                place.copy_from_slice(&length.to_le_bytes());
            }
        }
        // Exactly as long as it must be: the rest goes back.
        self.0 = Box::from(all.as_slice());
    }

    /// The number of the last line; 0 if there is none.
    pub(super) fn last(&self) -> u64 {
        self.packed().last().map_or(0, |(seq, _)| seq)
    }

    /// The lines about `request`, as they were written.
    pub(super) fn lines(&self, request: RequestId) -> Vec<EventLine> {
        self.packed()
            .map(|(seq, packed)| EventLine {
                seq,
                text: unpack(seq, packed, request).unwrap_or_default().into(),
            })
            .collect()
    }

    fn packed(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (seq, after) = rest.split_first_chunk::<8>()?;
            let (length, after) = after.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (line, after) = after.split_at_checked(length)?;
            rest = after;
            Some((u64::from_le_bytes(*seq), line))
        })
    }
}

/// Appends a line without what [`unpack`] can put back. `None`: it is no such event.
fn pack(line: &EventLine, request: RequestId, out: &mut Vec<u8>) -> Option<()> {
    let (actor, rest) = line.text.strip_prefix(ACTOR)?.split_once(AT)?;
    let (at, rest) = rest.split_once(DIGEST)?;
    let (digest, rest) = hex(rest)?;
    let (prev, rest) = hex(rest.strip_prefix(PREV)?)?;
    let mut id = [0; 36];
    let id = &*request.as_uuid().hyphenated().encode_lower(&mut id);
    let rest = rest.strip_prefix(REQUEST)?.strip_prefix(id)?.strip_prefix(SEQ)?;
    let rest = rest.strip_prefix(itoa::Buffer::new().format(line.seq))?;
    if !rest.starts_with([',', '}']) {
        return None;
    }
    let first = prev == *ChainHash::ZERO.as_bytes();
    out.push(if first { PACKED_FIRST } else { PACKED });
    for text in [actor, at] {
        out.push(u8::try_from(text.len()).ok()?);
        out.extend_from_slice(text.as_bytes());
    }
    out.extend_from_slice(&digest);
    if !first {
        out.extend_from_slice(&prev);
    }
    out.extend_from_slice(rest.as_bytes());
    Some(())
}

/// The text of a line. `None` for what [`pack`] never wrote.
fn unpack(seq: u64, packed: &[u8], request: RequestId) -> Option<String> {
    let (kind, rest) = packed.split_first()?;
    if *kind == WHOLE {
        return String::from_utf8(rest.to_vec()).ok();
    }
    let (actor, rest) = text(rest)?;
    let (at, rest) = text(rest)?;
    let (digest, rest) = rest.split_first_chunk::<32>()?;
    let (prev, rest) = match *kind {
        PACKED_FIRST => (ChainHash::ZERO.as_bytes(), rest),
        _ => rest.split_first_chunk::<32>()?,
    };
    let digest = ArgumentsDigest::from_bytes(*digest).to_string();
    let prev = ArgumentsDigest::from_bytes(*prev).to_string();
    let hex = |written: &str| written.strip_prefix("sha256:").map(str::to_owned);
    let (digest, prev) = (hex(&digest)?, hex(&prev)?);
    let rest = std::str::from_utf8(rest).ok()?;
    Some(format!("{ACTOR}{actor}{AT}{at}{DIGEST}{digest}{PREV}{prev}{REQUEST}{request}{SEQ}{seq}{rest}"))
}

fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

/// Reads 64 lower-case hexadecimal digits.
fn hex(text: &str) -> Option<([u8; 32], &str)> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (digits, rest) = text.split_at_checked(64)?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some((bytes, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, EventKind, Principal, Risk, canonical};

    fn id() -> RequestId {
        "01900000-0000-7000-8000-000000000001".parse().unwrap()
    }

    fn event(seq: u64, prev: ChainHash, via: Option<&str>) -> EventLine {
        let arguments = canonical::parse_canonical("{}").unwrap();
        let event = Event {
            actor: Principal::new("user:ann@example.com").unwrap(),
            at: "2026-03-01T09:00:00.25Z".parse().unwrap(),
            digest: canonical::arguments_digest("a", 1, None, &arguments),
            prev,
            request: id(),
            seq,
            via: via.map(Into::into),
            what: EventKind::Created {
                action: "payments.refund".into(),
                version: 1,
                risk: Risk::Low,
                rule: "ask".into(),
                on_behalf_of: None,
            },
        };
        event.line().unwrap()
    }

    #[test]
    fn what_comes_out_is_what_went_in_byte_for_byte() {
        let first = event(1, ChainHash::ZERO, None);
        let second = event(2, first.hash(), Some("slack"));
        let mut lines = vec![first.clone(), second.clone()];
        // Everything that is nearly an event, but not quite.
        let text = second.text.to_string();
        let broken = [
            String::new(),
            "ö".to_owned(),
            text.replace("\"seq\":2", "\"seq\":02"),
            text.replace("\"seq\":2", "\"seq\":3"),
            text.replace("\"seq\":2", "\"seq\":22"),
            text.replace("01900000", "01900001"),
            text.replace("01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-00000000000A"),
            text.replace("\"prev\":\"", "\"prev\":\"A"),
            text.replace("user:ann", &"user:".repeat(60)),
            text.replace("sha256:", "sha512:"),
            text.replace("\"at\":\"2026", "\"at\": \"2026"),
            text.chars().take(200).collect(),
            first.text.to_uppercase(),
        ];
        lines.extend((3..).zip(broken).map(|(seq, text)| EventLine { seq, text: text.into() }));
        for cut in 1..text.len() {
            let text = text.get(..cut).unwrap().to_owned();
            lines.push(EventLine { seq: 100 + cut as u64, text: text.into() });
        }
        let mut history = History::default();
        assert_eq!((history.last(), history.lines(id())), (0, vec![]));
        for part in lines.chunks(5) {
            history.append(id(), part);
        }
        assert_eq!(history.lines(id()), lines);
        assert_eq!(history.last(), lines.last().unwrap().seq);
    }

    #[test]
    fn an_event_takes_less_than_half_of_its_text() {
        let mut history = History::default();
        let line = event(1, ChainHash::ZERO, None);
        history.append(id(), std::slice::from_ref(&line));
        assert!(history.0.len() * 2 < line.text.len(), "{} of {}", history.0.len(), line.text.len());
    }
}
