//! Where something stands in the source of a condition, and how errors are told.

use std::ops::Range;

use cel::ExecutionError;

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

/// The first place where `text` stands, wherever that is.
pub(super) fn anywhere(source: &str, text: &str) -> Range<usize> {
    source.find(text).map_or(0..source.len(), |at| at..at + text.len())
}

/// What an evaluation failed of, in our words. Values do not appear: they may be anybody's data.
pub(super) fn told(error: &ExecutionError) -> String {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only the common errors have words of their own")]
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no `{key}` in what the call hands over"),
        ExecutionError::UndeclaredReference(name) => format!("`{name}` is not known"),
        ExecutionError::NoSuchOverload(overload) => {
            let name = overload.function().trim_matches('_').trim_start_matches('@');
            format!("`{name}` cannot be applied to {}", overload.argument_types().join(" and "))
        }
        ExecutionError::ValuesNotComparable(..) => "values of different types were compared".to_owned(),
        ExecutionError::UnsupportedBinaryOperator(operator, ..) => {
            format!("values that `{operator}` cannot be applied to")
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "division by zero".to_owned()
        }
        ExecutionError::Overflow(operator, ..) => format!("`{operator}` went beyond 64 bits"),
        ExecutionError::IndexOutOfBounds(_) => "a list is shorter than that".to_owned(),
        ExecutionError::FunctionError { function, message } => format!("{function}: {message}"),
        ExecutionError::UnexpectedType { got, want } => format!("found {got} instead of {want}"),
        _ => "it could not be evaluated".to_owned(),
    }
}
