//! Canonical text to serde values, without losing a digit.
//!
//! `serde_json` reads an integer beyond 64 bits as the nearest double, and any number as the nearest `f64` or `f32` where a type
//! asks for one. A body would then run with another number than the digest covers. Here such a number is an error.

mod key;
mod number;

use std::borrow::Cow;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
    value::{CowStrDeserializer, MapDeserializer},
};
use serde_json::Error;

use super::{
    EncodeProblem, FieldPath, Step,
    parse::{Lexer, Token},
};
use key::Key;
use number::{Wanted, visit_number};

type Result<T> = std::result::Result<T, Error>;

/// The name under which `serde_json` asks for a value as it is written.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Reads a canonical text as a type of the caller.
pub(super) fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    let mut reader = Reader { lexer: Lexer::new(text), peeked: None };
    let value = T::deserialize(&mut reader)?;
    reader.close(&Token::End, "something follows the value")?;
    Ok(value)
}

struct Reader<'de> {
    lexer: Lexer<'de>,
    peeked: Option<Token<'de>>,
}

impl<'de> Reader<'de> {
    fn lex(&mut self) -> Result<Token<'de>> {
        self.lexer.next().map_err(|problem: Box<EncodeProblem>| Error::custom(problem))
    }

    fn next(&mut self) -> Result<Token<'de>> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.lex(),
        }
    }

    fn peek(&mut self) -> Result<&Token<'de>> {
        let token = self.next()?;
        Ok(self.peeked.insert(token))
    }

    fn expect(&mut self, wanted: &Token<'_>) -> Result<()> {
        self.close(wanted, "the JSON is not well-formed")
    }

    fn close(&mut self, wanted: &Token<'_>, otherwise: &str) -> Result<()> {
        if self.next()? == *wanted { Ok(()) } else { Err(Error::custom(otherwise)) }
    }

    fn number<V: Visitor<'de>>(&mut self, wanted: Wanted, visitor: V) -> Result<V::Value> {
        let token = self.next()?;
        if let Token::Number(literal) = token {
            return visit_number(literal, wanted, visitor);
        }
        self.visit(token, visitor)
    }

    /// Hands over the value that begins with `token`.
    fn visit<V: Visitor<'de>>(&mut self, token: Token<'de>, visitor: V) -> Result<V::Value> {
        match token {
            Token::Null => visitor.visit_unit(),
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Number(literal) => visit_number(literal, Wanted::Any, visitor),
            Token::String(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Token::String(Cow::Owned(text)) => visitor.visit_string(text),
            Token::BeginArray => {
                let mut elements = Elements { reader: self, first: true };
                let value = visitor.visit_seq(&mut elements)?;
                elements.finish()?;
                Ok(value)
            }
            Token::BeginObject => {
                let mut entries = Entries { reader: self, first: true };
                let value = visitor.visit_map(&mut entries)?;
                entries.finish()?;
                Ok(value)
            }
            Token::EndArray | Token::EndObject | Token::Comma | Token::Colon | Token::End => {
                Err(Error::custom("expected a value"))
            }
        }
    }

    /// Passes over the next value.
    fn skip(&mut self) -> Result<()> {
        let mut depth = 0_usize;
        loop {
            match self.next()? {
                Token::BeginArray | Token::BeginObject => depth += 1,
                Token::EndArray | Token::EndObject if depth > 0 => depth -= 1,
                Token::Comma | Token::Colon if depth > 0 => {}
                Token::Null | Token::Bool(_) | Token::Number(_) | Token::String(_) => {}
                Token::EndArray | Token::EndObject | Token::Comma | Token::Colon | Token::End => {
                    return Err(Error::custom("expected a value"));
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// The text of the next value.
    fn raw(&mut self) -> Result<&'de str> {
        self.peek()?;
        let start = self.lexer.token_start();
        self.skip()?;
        let end = self.lexer.text().len().saturating_sub(self.lexer.rest().len());
        self.lexer.text().get(start..end).ok_or_else(|| Error::custom("expected a value"))
    }
}

/// The text of the value that a path leads to; `None` where it leads to none, or to several.
pub(super) fn part<'t>(text: &'t str, path: &FieldPath) -> Option<&'t str> {
    let mut part = text;
    for step in path.steps() {
        let mut reader = Reader { lexer: Lexer::new(part), peeked: None };
        part = match (reader.next().ok()?, step) {
            (Token::BeginObject, Step::Key(wanted)) => loop {
                let Token::String(key) = reader.next().ok()? else { return None };
                reader.expect(&Token::Colon).ok()?;
                let value = reader.raw().ok()?;
                if key == **wanted {
                    break value;
                }
                reader.expect(&Token::Comma).ok()?;
            },
            (Token::BeginArray, Step::Index(wanted)) => {
                for _ in 0..*wanted {
                    reader.skip().ok()?;
                    reader.expect(&Token::Comma).ok()?;
                }
                reader.raw().ok()?
            }
            _ => return None,
        };
    }
    Some(part)
}

macro_rules! numbers {
    ($($method:ident => $wanted:ident;)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.number(Wanted::$wanted, visitor)
        })+
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    numbers! {
        deserialize_f32 => F32;
        deserialize_f64 => F64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let token = self.next()?;
        self.visit(token, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if *self.peek()? == Token::Null {
            self.next()?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        if name == RAW_VALUE {
            let raw = self.raw()?.to_owned();
            return visitor.visit_map(MapDeserializer::new(std::iter::once((RAW_VALUE, raw))));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.skip()?;
        visitor.visit_unit()
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let token = self.next()?;
        if let Token::String(text) = &token {
            return visitor.visit_bytes(text.as_bytes());
        }
        self.visit(token, visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.next()? {
            Token::String(variant) => visitor.visit_enum(CowStrDeserializer::<Error>::new(variant)),
            Token::BeginObject => {
                let value = visitor.visit_enum(Variant { reader: self })?;
                self.expect(&Token::EndObject)?;
                Ok(value)
            }
            other @ (Token::BeginArray
            | Token::EndArray
            | Token::EndObject
            | Token::Comma
            | Token::Colon
            | Token::Null
            | Token::Bool(_)
            | Token::Number(_)
            | Token::End) => Err(Error::invalid_type(unexpected(&other), &"an enum")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string unit unit_struct seq tuple tuple_struct map struct
        identifier
    }
}

fn unexpected<'a>(token: &Token<'a>) -> Unexpected<'a> {
    match token {
        Token::Null => Unexpected::Unit,
        Token::Bool(value) => Unexpected::Bool(*value),
        Token::Number(_) => Unexpected::Other("number"),
        Token::String(_) => Unexpected::Other("string"),
        Token::BeginArray => Unexpected::Seq,
        Token::BeginObject => Unexpected::Map,
        Token::EndArray | Token::EndObject | Token::Comma | Token::Colon | Token::End => {
            Unexpected::Other("no value")
        }
    }
}

/// The elements of an array whose bracket was read.
struct Elements<'r, 'de> {
    reader: &'r mut Reader<'de>,
    first: bool,
}

impl Elements<'_, '_> {
    /// Whether there is one more.
    fn more(&mut self) -> Result<bool> {
        if *self.reader.peek()? == Token::EndArray {
            return Ok(false);
        }
        if !std::mem::take(&mut self.first) {
            self.reader.expect(&Token::Comma)?;
        }
        Ok(true)
    }

    fn finish(self) -> Result<()> {
        self.reader.close(&Token::EndArray, "the array has more elements than the type")
    }
}

impl<'de> SeqAccess<'de> for &mut Elements<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if !self.more()? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

/// The entries of an object whose brace was read.
struct Entries<'r, 'de> {
    reader: &'r mut Reader<'de>,
    first: bool,
}

impl Entries<'_, '_> {
    fn finish(self) -> Result<()> {
        self.reader.close(&Token::EndObject, "the object has more members than the type")
    }
}

impl<'de> MapAccess<'de> for &mut Entries<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if *self.reader.peek()? == Token::EndObject {
            return Ok(None);
        }
        if !std::mem::take(&mut self.first) {
            self.reader.expect(&Token::Comma)?;
        }
        let Token::String(key) = self.reader.next()? else { return Err(Error::custom("expected a key")) };
        seed.deserialize(Key(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.reader.expect(&Token::Colon)?;
        seed.deserialize(&mut *self.reader)
    }
}

/// An enum written as an object with one member.
struct Variant<'r, 'de> {
    reader: &'r mut Reader<'de>,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self)> {
        let Token::String(name) = self.reader.next()? else {
            return Err(Error::custom("expected a variant"));
        };
        self.reader.expect(&Token::Colon)?;
        let value = seed.deserialize(IntoDeserializer::<Error>::into_deserializer(name))?;
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<()> {
        serde::Deserialize::deserialize(self.reader)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.reader.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value> {
        self.reader.deserialize_any(visitor)
    }
}
