//! JSON text to canonical text, strictly.

mod lexer;

use super::writer::{Form, Writer, Written};
use super::{CanonicalJson, EncodeError, EncodeProblem, FieldPath, MAX_BYTES, Position};
pub(super) use lexer::{Lexer, Token};

/// The canonical form of a JSON text.
///
/// Accepted is what RFC 8259 calls JSON, white space included. Integers are kept digit by digit, whatever their size,
/// and `-0` becomes `0`; a number with a fraction or an exponent becomes the nearest double.
///
/// Refused, beyond what is not JSON: a key that occurs twice in one object (compared after escapes are resolved), half
/// a surrogate pair in a `\u` escape, a byte order mark, a number that is infinite as a double or that is not zero but
/// would become zero, more than [`MAX_DEPTH`](super::MAX_DEPTH) levels and more than [`MAX_BYTES`] bytes.
///
/// # Errors
/// As listed above; the error tells line, column and byte.
pub fn parse_canonical(text: &str) -> Result<CanonicalJson, EncodeError> {
    CanonicalJson::from_written(parse_as(text, Form::Plain)?)
}

/// Writes a JSON text in another form.
pub(super) fn parse_as(text: &str, form: Form) -> Result<Written, EncodeError> {
    if text.len() > MAX_BYTES {
        return Err(EncodeError::new(EncodeProblem::TooLong { limit: MAX_BYTES }, FieldPath::root(), None));
    }
    let mut lexer = Lexer::new(text);
    let mut writer = Writer::new(form, text.len());
    if let Err(problem) = document(&mut lexer, &mut writer) {
        return Err(placed(problem, &lexer, &writer));
    }
    writer.finish().map_err(|problem| EncodeError::new(problem, FieldPath::root(), None))
}

/// Writes a JSON text, or a bare number, in the place of one value.
pub(super) fn parse_into(text: &str, writer: &mut Writer, number_only: bool) -> Result<(), EncodeError> {
    let mut lexer = Lexer::new(text);
    let outcome = if number_only {
        lexer.only_number().and_then(|it| writer.number(it))
    } else {
        document(&mut lexer, writer)
    };
    outcome.map_err(|problem| placed(problem, &lexer, writer))
}

/// The error for a problem, with its place in value and text.
pub(super) fn placed(problem: Box<EncodeProblem>, lexer: &Lexer<'_>, writer: &Writer) -> EncodeError {
    let duplicate = matches!(*problem, EncodeProblem::DuplicateKey { .. });
    let offset = writer.source_of_key().filter(|_| duplicate).unwrap_or(lexer.token_start());
    EncodeError::new(problem, writer.path(), Some(Position::of(lexer.text(), offset)))
}

fn document(lexer: &mut Lexer<'_>, writer: &mut Writer) -> Result<(), Box<EncodeProblem>> {
    let first = lexer.next()?;
    value(first, lexer, writer)?;
    if lexer.next()? == Token::End {
        Ok(())
    } else {
        Err(EncodeProblem::Syntax { what: "something follows the value; give one value only" }.into())
    }
}

/// Copies the value that begins with `first`. The depth of the recursion is limited by the writer.
pub(super) fn value<'a>(
    first: Token<'a>,
    lexer: &mut Lexer<'a>,
    writer: &mut Writer,
) -> Result<(), Box<EncodeProblem>> {
    match first {
        Token::Null => writer.null(),
        Token::Bool(value) => writer.bool(value),
        Token::Number(literal) => writer.number(literal),
        Token::String(text) => writer.string(&text),
        Token::BeginArray => elements(lexer, writer, value),
        Token::BeginObject => entries(lexer, writer, |_, token, lexer, writer| value(token, lexer, writer)),
        Token::EndArray | Token::EndObject | Token::Comma | Token::Colon | Token::End => {
            Err(unexpected(&first, "expected a value").into())
        }
    }
}

/// Copies an array whose bracket was read; `element` copies each element from its first token.
pub(super) fn elements<'a>(
    lexer: &mut Lexer<'a>,
    writer: &mut Writer,
    mut element: impl FnMut(Token<'a>, &mut Lexer<'a>, &mut Writer) -> Result<(), Box<EncodeProblem>>,
) -> Result<(), Box<EncodeProblem>> {
    writer.begin_array()?;
    let mut token = lexer.next()?;
    if token == Token::EndArray {
        return writer.end_array();
    }
    loop {
        writer.element();
        element(token, lexer, writer)?;
        token = lexer.next()?;
        if token == Token::EndArray {
            return writer.end_array();
        }
        if token != Token::Comma {
            return Err(unexpected(&token, "expected `,` or `]` after an element").into());
        }
        token = lexer.next()?;
    }
}

/// Copies an object whose brace was read; `entry` copies each value from its key and first token.
pub(super) fn entries<'a>(
    lexer: &mut Lexer<'a>,
    writer: &mut Writer,
    mut entry: impl FnMut(&str, Token<'a>, &mut Lexer<'a>, &mut Writer) -> Result<(), Box<EncodeProblem>>,
) -> Result<(), Box<EncodeProblem>> {
    writer.begin_object()?;
    let mut token = lexer.next()?;
    if token == Token::EndObject {
        return writer.end_object();
    }
    loop {
        let Token::String(key) = token else {
            return Err(unexpected(&token, "expected a key in double quotes").into());
        };
        writer.key(&key, lexer.token_start())?;
        token = lexer.next()?;
        if token != Token::Colon {
            return Err(unexpected(&token, "expected `:` after a key").into());
        }
        token = lexer.next()?;
        entry(&key, token, lexer, writer)?;
        token = lexer.next()?;
        if token == Token::EndObject {
            return writer.end_object();
        }
        if token != Token::Comma {
            return Err(unexpected(&token, "expected `,` or `}` after a value").into());
        }
        token = lexer.next()?;
    }
}

fn unexpected(token: &Token<'_>, expected: &'static str) -> EncodeProblem {
    let what = if *token == Token::End { "the text ends before the value is complete" } else { expected };
    EncodeProblem::Syntax { what }
}
