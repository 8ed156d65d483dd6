//! The order of object keys: by UTF-16 code units of the unescaped key (RFC 8785, section 3.2.3).

use std::cmp::Ordering;

/// Compares two keys given as the escaped text between their quotes.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    if is_escaped(left) || is_escaped(right) {
        return units(left).cmp(units(right));
    }
    compare_unescaped(left, right)
}

/// Code points and UTF-16 code units sort differently only where both texts leave ASCII.
pub(super) fn compare_unescaped(left: &str, right: &str) -> Ordering {
    if left.is_ascii() || right.is_ascii() {
        left.cmp(right)
    } else {
        left.encode_utf16().cmp(right.encode_utf16())
    }
}

/// The first eight bytes of an ASCII key without escapes, as a number: keys with different numbers sort as these do.
///
/// A shorter key is filled up with zeros, which sort first; a zero byte in a key would be an escape.
pub(super) fn prefix(key: &str) -> u64 {
    if let Some(first) = key.as_bytes().first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(key.bytes()) {
        *to = from;
    }
    u64::from_be_bytes(first)
}

fn is_escaped(key: &str) -> bool {
    key.as_bytes().contains(&b'\\')
}

fn units(escaped: &str) -> impl Iterator<Item = u16> {
    let mut buffer = [0; 2];
    unescape(escaped).flat_map(move |character| {
        let length = character.encode_utf16(&mut buffer).len();
        buffer.into_iter().take(length)
    })
}

/// The characters of a text that [`super::escape`] escaped; it writes no other escapes than these.
pub(super) fn unescape(escaped: &str) -> impl Iterator<Item = char> {
    let mut characters = escaped.chars();
    std::iter::from_fn(move || {
        let character = characters.next()?;
        if character != '\\' {
            return Some(character);
        }
        Some(match characters.next()? {
            'b' => '\u{8}',
            't' => '\t',
            'n' => '\n',
            'f' => '\u{c}',
            'r' => '\r',
            'u' => {
                let code = characters
                    .by_ref()
                    .take(4)
                    .fold(0, |code, digit| code * 16 + digit.to_digit(16).unwrap_or(0));
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            other => other,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogate_pairs_sort_before_the_private_use_area() {
        // U+1F600 is D83D DE00 in UTF-16, so it comes before U+FB33 although its code point is larger.
        assert_eq!(compare("\u{1f600}", "\u{fb33}"), Ordering::Less);
        assert_eq!("\u{1f600}".cmp("\u{fb33}"), Ordering::Greater);
    }

    #[test]
    fn an_escape_counts_as_the_character_it_stands_for() {
        assert_eq!(compare(r"\n", " "), Ordering::Less);
        assert_eq!(compare(r#"\""#, "!"), Ordering::Greater);
        assert_eq!(compare(r"\\", "]"), Ordering::Less);
        assert_eq!(compare(r"\u001f", r"\r"), Ordering::Greater);
        assert_eq!(compare(r"a\u000b", r"a\u000b"), Ordering::Equal);
    }

    #[test]
    fn a_prefix_comes_first() {
        assert_eq!(compare("a", "ab"), Ordering::Less);
        assert_eq!(compare("", r"\t"), Ordering::Less);
    }
}
