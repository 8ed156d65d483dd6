//! Strings as JSON.

use super::digest::hex_digit;

/// What [`push_escaped`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) enum Content {
    /// ASCII without escapes.
    PlainAscii,
    /// Without escapes, but with characters beyond ASCII.
    Plain,
    /// With escapes.
    Escaped,
}

/// Appends a string's characters with the escapes of RFC 8785, section 3.2.2.2, and no others.
pub(in crate::model) fn push_escaped(out: &mut String, value: &str) -> Content {
    let content = look(value);
    if content != Content::Escaped {
        out.push_str(value);
        return content;
    }
    for character in value.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{f}' => push_control(out, '0', character),
            '\u{10}'..='\u{1f}' => push_control(out, '1', character),
            other => out.push(other),
        }
    }
    content
}

/// Appends the escape of a control character below U+0020.
fn push_control(out: &mut String, high: char, control: char) {
    match u8::try_from(control) {
        Ok(byte) => {
            out.push_str("\\u00");
            out.push(high);
            out.push(char::from(hex_digit(byte)));
        }
        // It is not below U+0020, and needs no escape.
        Err(_) => out.push(control),
    }
}

/// Looks for what must be escaped; without an early exit, so that the compiler takes many bytes at once.
fn look(value: &str) -> Content {
    let is_special = |byte: u8| matches!(byte, 0..0x20 | b'"' | b'\\');
    if value.bytes().fold(false, |found, byte| found | is_special(byte)) {
        Content::Escaped
    } else if value.is_ascii() {
        Content::PlainAscii
    } else {
        Content::Plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_found_at_every_position() {
        for length in 0..20 {
            for at in 0..length {
                for code in 0..0x100_u32 {
                    let special = char::from_u32(code).unwrap();
                    let text: String =
                        (0..length).map(|place| if place == at { special } else { 'a' }).collect();
                    let mut out = String::new();
                    let content = push_escaped(&mut out, &text);
                    assert_eq!(format!("\"{out}\""), serde_json::to_string(&text).unwrap());
                    let expected = match special {
                        '\0'..='\u{1f}' | '"' | '\\' => Content::Escaped,
                        '\u{20}'..='\u{7f}' => Content::PlainAscii,
                        _ => Content::Plain,
                    };
                    assert_eq!(content, expected, "U+{code:04X}");
                }
            }
        }
    }
}
