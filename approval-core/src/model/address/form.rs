//! Brings a text into the forms in which the signs of an address are looked for.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use crate::model::visible::is_hidden;

/// The text in small letters, with characters that pass for others in their common form: full-width, small and mathematical
/// ones (NFKC), and what looks like a colon or a slash.
pub(super) fn folded(text: &str) -> String {
    let lower: String = text.nfkc().flat_map(char::to_lowercase).collect();
    lower
        .chars()
        .map(|character| match character {
            '∶' | '։' | '׃' | 'ː' | '˸' | '꞉' | '܃' | '܄' => ':',
            '⁄' | '∕' | '⧸' | '╱' => '/',
            other => other,
        })
        .collect()
}

/// The text without white space, quotes, and what is not seen.
pub(super) fn flat(text: &str) -> String {
    text.chars().filter(|character| !is_decoration(*character)).collect()
}

/// White space, quotes, and what is not seen.
pub(super) fn is_decoration(character: char) -> bool {
    character.is_whitespace()
        || is_hidden(character)
        || matches!(
            character,
            '\'' | '"' | '`' | '´' | '‘' | '’' | '‚' | '‛' | '“' | '”' | '„' | '‟' | '«' | '»'
        )
}

/// Names of characters in HTML that an address may be written with.
const ENTITIES: [(&str, u8); 10] = [
    ("colon", b':'),
    ("sol", b'/'),
    ("bsol", b'\\'),
    ("commat", b'@'),
    ("equals", b'='),
    ("quest", b'?'),
    ("semi", b';'),
    ("amp", b'&'),
    ("quot", b'"'),
    ("apos", b'\''),
];

/// The text with its escapes decoded, once: `%3A` and `=3A`, `&#58;`, `&#x3A;` and `&colon;`, `\u003a`, `\x3a` and `\/`.
/// `None` if there are none.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or("");
        if let Some((escaped, length)) = escape(character, after) {
            bytes.extend_from_slice(&escaped);
            rest = after.get(length..).unwrap_or("");
            changed = true;
        } else {
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            rest = after;
        }
    }
    changed.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// What an escape stands for that begins with this character, and how much of what follows belongs to it.
fn escape(first: char, after: &str) -> Option<(Cow<'static, [u8]>, usize)> {
    let hex = |from: usize, digits: usize| {
        let text = after.get(from..from + digits)?;
        text.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(text, 16).ok())?
    };
    let character = |code: u32, length: usize| {
        let character = char::from_u32(code)?;
        Some((Cow::Owned(character.encode_utf8(&mut [0; 4]).as_bytes().to_vec()), length))
    };
    match first {
        // A byte: a character of several bytes has several of these.
        '%' | '=' => Some((Cow::Owned(vec![u8::try_from(hex(0, 2)?).ok()?]), 2)),
        '\\' if after.starts_with('u') => character(hex(1, 4)?, 5),
        '\\' if after.starts_with('x') => character(hex(1, 2)?, 3),
        '\\' if after.starts_with('/') => character(u32::from('/'), 1),
        '&' => {
            let (name, _) = after.split_once(';').filter(|(name, _)| name.len() <= 8)?;
            let length = name.len() + 1;
            if let Some(number) = name.strip_prefix('#') {
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(digits) => u32::from_str_radix(digits, 16),
                    None => number.parse(),
                };
                return character(code.ok()?, length);
            }
            let (_, byte) = ENTITIES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known))?;
            character(u32::from(*byte), length)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_pass_for_others_are_folded() {
        assert_eq!(folded("Ｐｏｓｔｇｒｅｓ：／／Ａｎｎ＠ｈ"), "postgres://ann@h");
        assert_eq!(folded("post﹕ 𝐩𝐰＝x∶∕"), "post: pw=x:/");
        assert_eq!(folded("Größe"), "größe");
    }

    #[test]
    fn escapes_are_decoded_once() {
        for (text, is) in [
            ("a%3Ab", "a:b"),
            ("a%253Ab", "a%3Ab"),
            ("a=3Ab", "a:b"),
            ("&#58;&#x2F;&COLON;&commat;", ":/:@"),
            (r"a\u003a\x40\/", "a:@/"),
            ("%c3%b6", "ö"),
        ] {
            assert_eq!(decoded(text).as_deref(), Some(is), "{text}");
        }
        for text in ["", "100%", "a=b", "a & b;", "&unknown;", "&#x110000;", r"C:\users\xy", "%€", r"\u12"]
        {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
