//! The history of one request, packed: a million of them wait with no room to spare.
//!
//! A line is kept as it was written, byte for byte; only what every event has in common (the names of its first members,
//! digits that stand for bytes, the id of the request) is left out. A line that is no such event is kept whole.

use crate::{
    id::RequestId,
    model::{ArgumentsDigest, ChainHash, EventLine},
    store::StoreError,
};

/// Between the members, in the order in which they are written.
const ACTOR: &str = r#"{"actor":""#;
const AT: &str = r#"","at":""#;
const DIGEST: &str = r#"","digest":"sha256:"#;
const PREV: &str = r#"","prev":""#;
const REQUEST: &str = r#"","request":""#;
const SEQ: &str = r#"","seq":"#;
const WHAT: &str = r#","what":"#;
const END: &str = "}";

/// First byte of a line that is kept whole, or the sum of what holds for a packed one.
const WHOLE: u8 = 0;
const PACKED: u8 = 1;
/// No line before it, whose hash it would tell.
const FIRST: u8 = 2;
/// No channel between the number and what happened.
const NO_CHANNEL: u8 = 4;

/// Lines of history, one after the other: number and length (LEB128), bytes.
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
        let mut packed = Vec::new();
        for line in lines {
            packed.clear();
            if pack(line, request, &mut packed).is_none() {
                packed.clear();
                packed.push(WHOLE);
                packed.extend_from_slice(line.text.as_bytes());
            }
            push_number(&mut all, line.seq);
            push_number(&mut all, packed.len() as u64);
            all.extend_from_slice(&packed);
        }
        // Exactly as long as it must be: the rest goes back.
        self.0 = Box::from(all.as_slice());
    }

    /// The number of the last line; 0 if there is none.
    ///
    /// # Errors
    /// When it breaks off.
    pub(super) fn last(&self, request: RequestId) -> Result<u64, StoreError> {
        self.packed(request).last().map_or(Ok(0), |line| line.map(|(seq, _)| seq))
    }

    /// The lines about `request`, as they were written.
    ///
    /// # Errors
    /// When one of them cannot be read again.
    pub(super) fn lines(&self, request: RequestId) -> Result<Vec<EventLine>, StoreError> {
        let line = |line: Result<_, _>| {
            let (seq, packed) = line?;
            let text = unpack(seq, packed, request).ok_or_else(|| {
                StoreError::unreadable(format!("line {seq} of the history of {request} cannot be read"))
            })?;
            Ok(EventLine { seq, text: text.into() })
        };
        self.packed(request).map(line).collect()
    }

    /// The lines one after the other; an error, and nothing behind it, where they break off.
    fn packed(&self, request: RequestId) -> impl Iterator<Item = Result<(u64, &[u8]), StoreError>> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let Some((seq, line, after)) = first(rest) else {
                rest = &[];
                return Some(Err(StoreError::unreadable(format!(
                    "the history of {request} breaks off and cannot be read"
                ))));
            };
            rest = after;
            Some(Ok((seq, line)))
        })
    }
}

/// The first packed line with its number, and what follows. `None`: there is no whole one.
fn first(bytes: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (seq, rest) = number(bytes)?;
    let (length, rest) = number(rest)?;
    let (line, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((seq, line, rest))
}

/// Seven bits a byte, the lowest first; all bytes but the last have the eighth set.
fn push_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (mut number, mut rest) = (0, bytes);
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, after) = rest.split_first()?;
        rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((number, rest));
        }
    }
    None
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
    let rest = rest.strip_suffix(END)?;
    let first = prev == *ChainHash::ZERO.as_bytes();
    let (rest, no_channel) = rest.strip_prefix(WHAT).map_or((rest, false), |what| (what, true));
    out.push(PACKED + u8::from(first) * FIRST + u8::from(no_channel) * NO_CHANNEL);
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
    let (prev, rest) = match kind & FIRST {
        0 => rest.split_first_chunk::<32>()?,
        _ => (ChainHash::ZERO.as_bytes(), rest),
    };
    let what = if kind & NO_CHANNEL == 0 { "" } else { WHAT };
    let digest = ArgumentsDigest::from_bytes(*digest).to_string();
    let prev = ArgumentsDigest::from_bytes(*prev).to_string();
    let hex = |written: &str| written.strip_prefix("sha256:").map(str::to_owned);
    let (digest, prev) = (hex(&digest)?, hex(&prev)?);
    let rest = std::str::from_utf8(rest).ok()?;
    Some(format!(
        "{ACTOR}{actor}{AT}{at}{DIGEST}{digest}{PREV}{prev}{REQUEST}{request}{SEQ}{seq}{what}{rest}{END}"
    ))
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
                basis: None,
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
            text.replace("\"via\":\"slack\",", ""),
            text.replace("\"via\":\"slack\",\"what\":", "\"what\":1,\"what\":"),
            format!("{text} "),
            format!("{text}}}"),
        ];
        lines.extend((3..).zip(broken).map(|(seq, text)| EventLine { seq, text: text.into() }));
        for cut in 1..text.len() {
            let text = text.get(..cut).unwrap().to_owned();
            lines.push(EventLine { seq: 100 + cut as u64, text: text.into() });
        }
        let mut history = History::default();
        assert_eq!((history.last(id()).unwrap(), history.lines(id()).unwrap()), (0, vec![]));
        for part in lines.chunks(5) {
            history.append(id(), part);
        }
        assert_eq!(history.lines(id()).unwrap(), lines);
        assert_eq!(history.last(id()).unwrap(), lines.last().unwrap().seq);
    }

    #[test]
    fn an_event_takes_less_than_half_of_its_text() {
        let mut history = History::default();
        let line = event(1, ChainHash::ZERO, None);
        history.append(id(), std::slice::from_ref(&line));
        assert!(history.0.len() * 2 < line.text.len(), "{} of {}", history.0.len(), line.text.len());
    }

    #[test]
    fn a_line_that_cannot_be_read_again_is_an_error_and_no_empty_line() {
        for broken in [&[1, 1, 9][..], &[1, 2, WHOLE, 0xff], &[7, 2, PACKED, 200]] {
            let history = History(broken.into());
            let error = history.lines(id()).unwrap_err();
            assert!(error.to_string().contains("cannot be read"), "{error}");
        }
    }

    #[test]
    fn a_history_that_breaks_off_is_an_error_and_no_shorter_history() {
        let mut history = History::default();
        history.append(id(), &[event(1, ChainHash::ZERO, None)]);
        let one = history.0.len();
        history.append(id(), &[event(2, ChainHash::ZERO, None)]);
        for length in (1..history.0.len()).filter(|length| *length != one) {
            let broken = History(history.0.get(..length).unwrap().into());
            assert!(broken.lines(id()).unwrap_err().to_string().contains("breaks off"), "{length}");
            assert!(broken.last(id()).is_err(), "{length}");
        }
        // A length that no number has, and one beyond what is there.
        for broken in
            [&[1, 0x80][..], &[0xff; 12], &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]]
        {
            let broken = History(broken.into());
            assert!(broken.lines(id()).is_err() && broken.last(id()).is_err(), "{broken:?}");
        }
    }
}
