//! A canonical text as a tree, without loss: for looking around in arguments.

use std::borrow::Cow;

use super::parse::{Lexer, Token};
use super::{CanonicalJson, EncodeError, EncodeProblem, FieldPath, Position};

/// The only key of a placeholder for a redacted value.
const PLACEHOLDER: &str = "$redacted";

/// A value of canonical JSON. Numbers are kept as they are written, digit by digit.
#[derive(Debug, PartialEq)]
pub(crate) enum Tree<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    /// Sorted by key, in the order of UTF-8.
    Map(Vec<(Cow<'a, str>, Self)>),
    /// A placeholder for a redacted value.
    Secret,
}

#[cfg(any(feature = "file", test))]
impl Tree<'_> {
    /// The value of a key of an object.
    #[cfg(any(test, feature = "file"))]
    pub(crate) fn field<'t>(fields: &'t [(Cow<'_, str>, Self)], name: &str) -> Option<&'t Self> {
        let at = fields.binary_search_by(|(key, _)| (**key).cmp(name)).ok()?;
        fields.get(at).map(|(_, value)| value)
    }
}

impl CanonicalJson {
    /// The value as a tree.
    ///
    /// # Errors
    /// None that is known: a canonical text is JSON.
    pub(crate) fn tree(&self) -> Result<Tree<'_>, EncodeError> {
        let mut lexer = Lexer::new(self.as_str());
        read(&mut lexer, self.is_redacted()).map_err(|problem| {
            let at = Position::of(lexer.text(), lexer.token_start());
            EncodeError::new(problem, FieldPath::root(), Some(at))
        })
    }
}

/// A container that is not complete yet.
enum Open<'a> {
    List(Vec<Tree<'a>>),
    /// With the key whose value comes next.
    Map(Vec<(Cow<'a, str>, Tree<'a>)>, Cow<'a, str>),
}

fn syntax<T>(what: &'static str) -> Result<T, Box<EncodeProblem>> {
    Err(EncodeProblem::Syntax { what }.into())
}

/// Reads one value. The containers around it are kept in a list rather than on the stack of the thread.
fn read<'a>(lexer: &mut Lexer<'a>, redacted: bool) -> Result<Tree<'a>, Box<EncodeProblem>> {
    let mut open: Vec<Open<'a>> = Vec::new();
    loop {
        let mut complete = match lexer.next()? {
            Token::Null => Some(Tree::Null),
            Token::Bool(is) => Some(Tree::Bool(is)),
            Token::Number(literal) => Some(Tree::Number(literal)),
            Token::String(text) => Some(Tree::Text(text)),
            Token::BeginArray => {
                open.push(Open::List(Vec::new()));
                None
            }
            Token::BeginObject => {
                let first = lexer.next()?;
                if first == Token::EndObject {
                    Some(Tree::Map(Vec::new()))
                } else {
                    open.push(Open::Map(Vec::new(), key(first, lexer)?));
                    None
                }
            }
            // An empty list.
            Token::EndArray => match open.pop() {
                Some(Open::List(items)) if items.is_empty() => Some(Tree::List(items)),
                _ => return syntax("expected a value"),
            },
            Token::EndObject | Token::Comma | Token::Colon | Token::End => {
                return syntax("expected a value");
            }
        };
        // Puts what is complete into what contains it, which may be complete by that.
        while let Some(value) = complete.take() {
            let Some(container) = open.last_mut() else { return Ok(value) };
            match container {
                Open::List(items) => items.push(value),
                Open::Map(fields, key) => fields.push((std::mem::take(key), value)),
            }
            match (lexer.next()?, container) {
                (Token::Comma, Open::List(_)) => {}
                (Token::Comma, Open::Map(_, next)) => {
                    let token = lexer.next()?;
                    *next = key(token, lexer)?;
                }
                (Token::EndArray, Open::List(items)) => {
                    complete = Some(Tree::List(std::mem::take(items)));
                    open.truncate(open.len().saturating_sub(1));
                }
                (Token::EndObject, Open::Map(fields, _)) => {
                    complete = Some(object(std::mem::take(fields), redacted));
                    open.truncate(open.len().saturating_sub(1));
                }
                _ => return syntax("expected `,` or the end of a list or an object"),
            }
        }
    }
}

/// The key that a token is, with the colon behind it.
fn key<'a>(token: Token<'a>, lexer: &mut Lexer<'a>) -> Result<Cow<'a, str>, Box<EncodeProblem>> {
    let Token::String(key) = token else { return syntax("expected a key in double quotes") };
    if lexer.next()? == Token::Colon { Ok(key) } else { syntax("expected `:` after a key") }
}

/// An object, or the placeholder that it is. Where values are redacted, keys of the user's own that look like that of a
/// placeholder have one more `$`.
fn object<'a>(mut fields: Vec<(Cow<'a, str>, Tree<'a>)>, redacted: bool) -> Tree<'a> {
    if redacted {
        if let [(key, Tree::Text(_))] = fields.as_slice()
            && key == PLACEHOLDER
        {
            return Tree::Secret;
        }
        for (key, _) in &mut fields {
            if key.starts_with("$$") && key.trim_start_matches('$') == "redacted" {
                *key = Cow::Owned(key.chars().skip(1).collect());
            }
        }
    }
    fields.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Tree::Map(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::canonical::{DigestKey, parse_canonical, redact};

    fn text(text: &str) -> Tree<'_> {
        Tree::Text(text.into())
    }

    #[test]
    fn a_tree_has_all_that_the_text_has() {
        let json = parse_canonical(
            r#"{"a":[],"b":{},"c":[1,[2.5,[]],{"x":null}],"d":18446744073709551617,"e":"q\"\u0007","f":true}"#,
        )
        .unwrap();
        let expected = Tree::Map(vec![
            ("a".into(), Tree::List(vec![])),
            ("b".into(), Tree::Map(vec![])),
            (
                "c".into(),
                Tree::List(vec![
                    Tree::Number("1"),
                    Tree::List(vec![Tree::Number("2.5"), Tree::List(vec![])]),
                    Tree::Map(vec![("x".into(), Tree::Null)]),
                ]),
            ),
            ("d".into(), Tree::Number("18446744073709551617")),
            ("e".into(), text("q\"\u{7}")),
            ("f".into(), Tree::Bool(true)),
        ]);
        assert_eq!(json.tree().unwrap(), expected);
        assert_eq!(parse_canonical("5").unwrap().tree().unwrap(), Tree::Number("5"));
    }

    #[test]
    fn keys_are_found_in_any_order() {
        // UTF-16 puts U+1F600 before U+FF00, UTF-8 behind it.
        let json = parse_canonical("{\"b\":1,\"\u{1F600}\":2,\"\u{FF00}\":3,\"a\":4}").unwrap();
        let Tree::Map(fields) = json.tree().unwrap() else { panic!("a map") };
        for (key, value) in [("b", "1"), ("\u{1F600}", "2"), ("\u{FF00}", "3"), ("a", "4")] {
            assert_eq!(Tree::field(&fields, key), Some(&Tree::Number(value)));
        }
        assert_eq!(Tree::field(&fields, "c"), None);
    }

    #[test]
    fn placeholders_are_secrets_and_look_alikes_are_not() {
        let json = parse_canonical(r#"{"$redacted":"hmac-sha256:k:00","list":["s"],"x":{"$redacted":"y"}}"#)
            .unwrap();
        let Tree::Map(fields) = json.tree().unwrap() else { panic!("a map") };
        assert_eq!(fields[2].1, Tree::Map(vec![("$redacted".into(), text("y"))]));
        let key = DigestKey::new("k", [1; 32]).unwrap();
        let json = redact(&json, &["list[*]".parse().unwrap()], &key).unwrap().bound;
        let expected = Tree::Map(vec![
            ("$redacted".into(), text("hmac-sha256:k:00")),
            ("list".into(), Tree::List(vec![Tree::Secret])),
            ("x".into(), Tree::Map(vec![("$redacted".into(), text("y"))])),
        ]);
        assert_eq!(json.tree().unwrap(), expected);
    }

    #[test]
    fn the_deepest_value_is_read_on_a_small_stack() {
        let json = parse_canonical(&format!("{}1{}", "[".repeat(127), "]".repeat(127))).unwrap();
        std::thread::Builder::new()
            .stack_size(64 * 1024)
            .spawn(move || assert!(matches!(json.tree().unwrap(), Tree::List(_))))
            .unwrap()
            .join()
            .unwrap();
    }
}
