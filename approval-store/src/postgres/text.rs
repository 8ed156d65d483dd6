//! Texts as PostgreSQL can keep them: all characters but one.

use std::borrow::Cow;

/// Begins an escape. No character of any language; where a text has it nevertheless, it is escaped itself.
const ESCAPE: char = '\u{fdd0}';

/// The text for a column. Equal texts stay equal, different ones different.
pub(super) fn column(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len().saturating_add(8));
    for character in text.chars() {
        match character {
            '\0' => escaped.extend([ESCAPE, '0']),
            ESCAPE => escaped.extend([ESCAPE, '1']),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_can_be_kept_and_none_looks_like_another() {
        let texts =
            ["", "plain", "\0", "a\0b", "\u{fdd0}", "\u{fdd0}0", "\u{fdd0}1", "\0\u{fdd0}\0", "0", "1"];
        let columns: Vec<_> = texts.iter().map(|text| column(text).into_owned()).collect();
        for column in &columns {
            assert!(!column.contains('\0'));
            assert_eq!(columns.iter().filter(|other| *other == column).count(), 1);
        }
    }
}
