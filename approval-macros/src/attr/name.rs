//! Names of actions and of reject options.

use syn::LitStr;

/// Longest name of an action, in bytes.
const LONGEST: usize = 128;

/// Checks an action's name: words of `a-z`, `0-9` and `_`, joined by dots, such as `payments.refund`.
pub(crate) fn parse_action(literal: &LitStr) -> syn::Result<String> {
    let name = literal.value();
    if name.len() > LONGEST {
        return Err(syn::Error::new(
            literal.span(),
            format!("the name of an action has at most {LONGEST} bytes: shorten it"),
        ));
    }
    if name.split('.').all(is_word) {
        return Ok(name);
    }
    let problem = problem(&name, true);
    let proposal = proposal(&name, '.');
    Err(syn::Error::new(
        literal.span(),
        format!(
            "`{name}` is not a name of an action: {problem}; use words of `a-z`, `0-9` and `_` joined by dots{proposal}"
        ),
    ))
}

/// Checks the name of one thing: one word of `a-z`, `0-9` and `_`.
pub(crate) fn parse_word(literal: &LitStr, what: &str) -> syn::Result<String> {
    let name = literal.value();
    if is_word(&name) {
        return Ok(name);
    }
    let problem = problem(&name, false);
    let proposal = proposal(&name, '_');
    Err(syn::Error::new(
        literal.span(),
        format!("`{name}` is not a name of {what}: {problem}; use `a-z`, `0-9` and `_`{proposal}"),
    ))
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn problem(name: &str, dots: bool) -> String {
    let wrong = name
        .chars()
        .find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_' || (dots && *c == '.')));
    match wrong {
        _ if name.is_empty() => "it is empty".to_owned(),
        Some(c) if c.is_ascii_uppercase() => format!("`{c}` is a capital letter"),
        Some(' ') => "it contains a space".to_owned(),
        Some(c) => format!("`{}` is not allowed", c.escape_debug()),
        None => "it has an empty part between dots".to_owned(),
    }
}

/// `, such as "payments.refund"`: the name mended, where that is possible.
fn proposal(name: &str, separator: char) -> String {
    let mut words: Vec<String> = Vec::new();
    for part in name.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
        if !part.is_empty() {
            words.push(snake_case(part));
        }
    }
    // A letter left out would give another word.
    if words.is_empty() || name.chars().any(|c| c.is_alphabetic() && !c.is_ascii()) {
        String::new()
    } else {
        format!(", such as \"{}\"", words.join(&separator.to_string()))
    }
}

/// `TooMuch` as `too_much`.
pub(crate) fn snake_case(word: &str) -> String {
    let mut snake = String::with_capacity(word.len() + 4);
    let mut previous: Option<char> = None;
    let mut rest = word.chars().peekable();
    while let Some(c) = rest.next() {
        let starts_word = c.is_uppercase()
            && previous.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_uppercase() && rest.peek().is_some_and(|after| after.is_lowercase()))
            });
        if starts_word {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
        previous = Some(c);
    }
    snake
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn literal(text: &str) -> LitStr {
        LitStr::new(text, Span::call_site())
    }

    #[test]
    fn accepts_words_joined_by_dots() {
        for name in ["refund", "payments.refund", "a1_b.c2.d", "_x"] {
            assert_eq!(parse_action(&literal(name)).unwrap(), name);
        }
    }

    #[test]
    fn refuses_with_a_proposal() {
        for (name, problem, proposal) in [
            ("Payments.Refund", "`P` is a capital letter", "\"payments.refund\""),
            ("payments refund", "contains a space", "\"payments.refund\""),
            ("payments::refund", "`:` is not allowed", "\"payments.refund\""),
            ("payments..refund", "empty part", "\"payments.refund\""),
            ("payments.", "empty part", "\"payments\""),
            ("pay\u{202e}x", "`\\u{202e}` is not allowed", "\"pay.x\""),
            ("", "it is empty", "joined by dots"),
        ] {
            let error = parse_action(&literal(name)).unwrap_err().to_string();
            assert!(error.contains(problem) && error.ends_with(proposal), "{name}: {error}");
        }
    }

    #[test]
    fn a_word_has_no_dots() {
        assert!(parse_word(&literal("too_much"), "a reject option").is_ok());
        let error = parse_word(&literal("too.much"), "a reject option").unwrap_err().to_string();
        assert!(error.contains("`.` is not allowed") && error.ends_with("\"too_much\""), "{error}");
    }

    #[test]
    fn variants_become_snake_case() {
        for (given, snake) in [
            ("TooMuch", "too_much"),
            ("HTTPError", "http_error"),
            ("A", "a"),
            ("Level2Check", "level2_check"),
            ("already_snake", "already_snake"),
        ] {
            assert_eq!(snake_case(given), snake);
        }
    }
}
