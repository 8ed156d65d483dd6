//! The tokens of JSON.

use std::borrow::Cow;

use crate::model::canonical::EncodeProblem;

/// A token, with its content still as written where that suffices.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::model::canonical) enum Token<'a> {
    BeginArray,
    EndArray,
    BeginObject,
    EndObject,
    Comma,
    Colon,
    Null,
    Bool(bool),
    /// A literal that follows the grammar of numbers.
    Number(&'a str),
    /// With escapes resolved.
    String(Cow<'a, str>),
    End,
}

/// Reads tokens one after the other.
#[derive(Debug)]
pub(in crate::model::canonical) struct Lexer<'a> {
    text: &'a str,
    /// Where the next token, or the white space before it, begins.
    at: usize,
    token_start: usize,
}

type Result<T> = std::result::Result<T, Box<EncodeProblem>>;

fn syntax<T>(what: &'static str) -> Result<T> {
    Err(EncodeProblem::Syntax { what }.into())
}

impl<'a> Lexer<'a> {
    pub(in crate::model::canonical) fn new(text: &'a str) -> Self {
        Self { text, at: 0, token_start: 0 }
    }

    pub(in crate::model::canonical) fn text(&self) -> &'a str {
        self.text
    }

    /// Where the latest token began, or within it the place that is wrong.
    pub(in crate::model::canonical) fn token_start(&self) -> usize {
        self.token_start
    }

    pub(in crate::model::canonical) fn next(&mut self) -> Result<Token<'a>> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        self.token_start = self.at;
        let Some(byte) = self.peek() else { return Ok(Token::End) };
        let token = match byte {
            b'[' => Token::BeginArray,
            b']' => Token::EndArray,
            b'{' => Token::BeginObject,
            b'}' => Token::EndObject,
            b',' => Token::Comma,
            b':' => Token::Colon,
            b'"' => return self.string(),
            b'-' | b'0'..=b'9' => return self.number().map(Token::Number),
            b'a'..=b'z' => return self.word(),
            0xef if self.rest().starts_with('\u{feff}') => {
                return syntax("a byte order mark (U+FEFF); remove it");
            }
            _ => return syntax("expected a value or punctuation of JSON"),
        };
        self.at += 1;
        Ok(token)
    }

    /// The whole text as one number, without white space.
    pub(in crate::model::canonical) fn only_number(&mut self) -> Result<&'a str> {
        let literal = self.number()?;
        if self.at == self.text.len() { Ok(literal) } else { syntax("expected a number alone") }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(in crate::model::canonical) fn rest(&self) -> &'a str {
        // Nothing, where the text ends: whatever is expected then is missing.
        self.text.get(self.at..).unwrap_or_default()
    }

    /// A part of the text.
    fn since(&self, start: usize, end: usize) -> Result<&'a str> {
        match self.text.get(start..end) {
            Some(part) => Ok(part),
            None => syntax("this place does not lie between two characters"),
        }
    }

    fn word(&mut self) -> Result<Token<'a>> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            self.at += 1;
        }
        match self.since(start, self.at)? {
            "null" => Ok(Token::Null),
            "true" => Ok(Token::Bool(true)),
            "false" => Ok(Token::Bool(false)),
            _ => syntax("the only bare words are `null`, `true` and `false`; put text in double quotes"),
        }
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start {
            return Ok(());
        }
        self.token_start = self.at;
        syntax("expected a digit")
    }

    fn number(&mut self) -> Result<&'a str> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                return syntax("a number begins with a superfluous zero; remove it");
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.since(start, self.at)
    }

    /// A string whose opening quote comes next.
    fn string(&mut self) -> Result<Token<'a>> {
        let quote = self.at;
        self.at += 1;
        let mut resolved = String::new();
        let mut plain = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let tail = self.since(plain, self.at)?;
                    self.at += 1;
                    return Ok(Token::String(if resolved.is_empty() {
                        Cow::Borrowed(tail)
                    } else {
                        resolved.push_str(tail);
                        Cow::Owned(resolved)
                    }));
                }
                Some(b'\\') => {
                    resolved.push_str(self.since(plain, self.at)?);
                    self.token_start = self.at;
                    resolved.push(self.escape()?);
                    self.token_start = quote;
                    plain = self.at;
                }
                Some(0..=0x1f) => {
                    self.token_start = self.at;
                    return syntax("a control character in a string; write it as an escape");
                }
                Some(_) => self.at += 1,
                None => return syntax("a string without its closing quote"),
            }
        }
    }

    /// An escape whose backslash comes next.
    fn escape(&mut self) -> Result<char> {
        self.at += 1;
        let Some(letter) = self.peek() else { return syntax("the text ends within an escape") };
        self.at += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return syntax("an escape that JSON does not have"),
        })
    }

    fn unicode_escape(&mut self) -> Result<char> {
        const LONE: &str = "half a surrogate pair in a `\\u` escape, which is no character; remove it";
        let first = self.code_unit()?;
        if let Some(character) = char::from_u32(u32::from(first)) {
            return Ok(character);
        }
        if !self.rest().starts_with("\\u") {
            return syntax(LONE);
        }
        self.at += 2;
        let second = self.code_unit()?;
        match char::decode_utf16([first, second]).next() {
            Some(Ok(character)) => Ok(character),
            _ => syntax(LONE),
        }
    }

    fn code_unit(&mut self) -> Result<u16> {
        // Fewer than four characters are no digits.
        let digits = self.text.get(self.at..self.at.saturating_add(4)).unwrap_or_default();
        if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return syntax("expected four hexadecimal digits after `\\u`");
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).or_else(|_| syntax("expected four hexadecimal digits after `\\u`"))
    }
}
