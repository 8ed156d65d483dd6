//! Where something stands in the source of a condition.

use std::ops::Range;

/// The place of a parser's error: line and column, both counted from 1.
pub(super) fn position(source: &str, (line, column): (isize, isize)) -> Range<usize> {
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let column = usize::try_from(column).unwrap_or(1).max(1);
    let start: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = source.get(start..).unwrap_or_default();
    let skip: usize = rest.chars().take(column - 1).map(char::len_utf8).sum();
    let at = (start + skip).min(source.len());
    let length = source.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    at..at + length
}

/// The first place where `name` stands as a word of its own: not in quotes, and not as a field of something else.
pub(super) fn word(source: &str, name: &str) -> Range<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut quote: Option<char> = None;
    let mut escaped = false;
    let mut before = ' ';
    for (at, c) in source.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if !is_word(before) && before != '.' => {
                let rest = source.get(at..).unwrap_or_default();
                let ends = |rest: &str| !rest.chars().next().is_some_and(is_word);
                if rest.strip_prefix(name).is_some_and(ends) {
                    return at..at + name.len();
                }
            }
            Some(_) | None => {}
        }
        if !c.is_whitespace() {
            before = c;
        } else if is_word(before) {
            before = ' ';
        }
    }
    0..source.len()
}

/// The first number with a fraction or an exponent that has more digits than the parser keeps.
pub(super) fn long_number(source: &str) -> Option<Range<usize>> {
    let mut quote: Option<char> = None;
    let mut escaped = false;
    let mut before = ' ';
    let mut chars = source.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_ascii_digit() && !before.is_alphanumeric() && before != '_' => {
                let mut end = at + c.len_utf8();
                while let Some((next, c)) = chars.next_if(|(_, c)| c.is_ascii_alphanumeric() || *c == '.') {
                    end = next + c.len_utf8();
                }
                let number = source.get(at..end).unwrap_or_default();
                let mantissa = number.split(['e', 'E']).next().unwrap_or(number);
                let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
                let has_fraction = number.contains('.') || number.len() > mantissa.len();
                let significant = digits.trim_start_matches('0').trim_end_matches('0').len();
                if has_fraction && !number.starts_with("0x") && significant > DOUBLE_DIGITS {
                    return Some(at..end);
                }
            }
            Some(_) | None => {}
        }
        before = c;
    }
    None
}

/// Digits that every decimal number keeps as a double.
const DOUBLE_DIGITS: usize = 15;

/// The first place where `text` stands, wherever that is.
pub(super) fn anywhere(source: &str, text: &str) -> Range<usize> {
    source.find(text).map_or(0..source.len(), |at| at..at + text.len())
}
