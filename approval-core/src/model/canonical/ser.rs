//! serde values to canonical text.

mod compound;
mod key;

use std::fmt;

use serde::ser::Error as _;
use serde::{Serialize, Serializer};

use super::writer::{Form, Writer};
use super::{CanonicalJson, EncodeError, EncodeProblem, FieldPath};
use compound::Compound;

/// Enough for typical arguments without growing.
const CAPACITY: usize = 512;

/// How many values may be nested that leave no mark in the text (`Some`, newtype structs).
///
/// [`MAX_DEPTH`](super::MAX_DEPTH) does not stop these, and their recursion could exhaust the stack.
const MAX_TRANSPARENT: usize = 512;

/// The canonical form of a value.
///
/// Enums, options, bytes, maps and structs look as with `serde_json::to_string`; an `f32` is the double whose shortest
/// text is the same. Different from `serde_json`: NaN and infinities are refused instead of written as `null`, floats
/// are refused as keys, and a key that occurs twice in one object is refused.
///
/// # Errors
/// When the value has no canonical form, or its `Serialize` implementation fails; the error says where.
pub fn to_canonical<T: Serialize + ?Sized>(value: &T) -> Result<CanonicalJson, EncodeError> {
    let mut encoder = Encoder::new();
    encoder.nested(value)?;
    encoder.finish()
}

/// An object that is encoded member by member, whatever their types.
///
/// # Errors
/// All as [`to_canonical`].
pub(crate) struct ObjectEncoder(Encoder);

impl ObjectEncoder {
    pub(crate) fn begin() -> Result<Self, EncodeError> {
        let mut encoder = Encoder::new();
        encoder.begin_object()?;
        Ok(Self(encoder))
    }

    pub(crate) fn member<T: Serialize + ?Sized>(
        mut self,
        name: &str,
        value: &T,
    ) -> Result<Self, EncodeError> {
        self.0.key(name)?;
        self.0.nested(value)?;
        Ok(self)
    }

    pub(crate) fn finish(mut self) -> Result<CanonicalJson, EncodeError> {
        self.0.end_object()?;
        self.0.finish()
    }
}

struct Encoder {
    writer: Writer,
    transparent: usize,
    /// The first error, in case a `Serialize` implementation does not hand it on.
    failed: Option<EncodeError>,
}

impl Encoder {
    fn new() -> Self {
        Self { writer: Writer::new(Form::Plain, CAPACITY), transparent: 0, failed: None }
    }

    fn finish(self) -> Result<CanonicalJson, EncodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let written =
            self.writer.finish().map_err(|problem| EncodeError::new(problem, FieldPath::root(), None))?;
        CanonicalJson::from_written(written)
    }

    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let outcome = value.serialize(&mut *self);
        self.placed(outcome)
    }

    /// Tells an error where it happened, and keeps it.
    fn placed<T>(&mut self, outcome: Result<T, EncodeError>) -> Result<T, EncodeError> {
        outcome.map_err(|error| {
            let first = self.failed.get_or_insert_with(|| error.or_at(|| self.writer.path()));
            first.clone()
        })
    }

    fn check(&mut self, outcome: Result<(), Box<EncodeProblem>>) -> Result<(), EncodeError> {
        match outcome {
            Ok(()) => Ok(()),
            Err(problem) => {
                let error = EncodeError::new(problem, self.writer.path(), None);
                self.placed(Err(error))
            }
        }
    }

    fn transparent<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        if self.transparent >= MAX_TRANSPARENT {
            return self.check(Err(EncodeProblem::TooDeep { limit: MAX_TRANSPARENT }.into()));
        }
        self.transparent += 1;
        let outcome = self.nested(value);
        self.transparent -= 1;
        outcome
    }

    fn begin_object(&mut self) -> Result<(), EncodeError> {
        let outcome = self.writer.begin_object();
        self.check(outcome)
    }

    fn begin_array(&mut self) -> Result<(), EncodeError> {
        let outcome = self.writer.begin_array();
        self.check(outcome)
    }

    fn key(&mut self, key: &str) -> Result<(), EncodeError> {
        let outcome = self.writer.key(key, 0);
        self.check(outcome)
    }

    fn end_object(&mut self) -> Result<(), EncodeError> {
        let outcome = self.writer.end_object();
        self.check(outcome)
    }

    fn end_array(&mut self) -> Result<(), EncodeError> {
        let outcome = self.writer.end_array();
        self.check(outcome)
    }
}

/// Methods that hand one value to the writer.
macro_rules! scalars {
    ($($method:ident($type:ty) => $write:ident;)*) => {$(
        fn $method(self, value: $type) -> Result<(), EncodeError> {
            let outcome = self.writer.$write(value.into());
            self.check(outcome)
        }
    )*};
}

impl<'a> Serializer for &'a mut Encoder {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    scalars! {
        serialize_bool(bool) => bool;
        serialize_i8(i8) => signed;
        serialize_i16(i16) => signed;
        serialize_i32(i32) => signed;
        serialize_i64(i64) => signed;
        serialize_u8(u8) => unsigned;
        serialize_u16(u16) => unsigned;
        serialize_u32(u32) => unsigned;
        serialize_u64(u64) => unsigned;
        serialize_f64(f64) => float;
        serialize_str(&str) => string;
    }

    fn serialize_i128(self, value: i128) -> Result<(), EncodeError> {
        let outcome = self.writer.integer(&value.to_string());
        self.check(outcome)
    }

    fn serialize_u128(self, value: u128) -> Result<(), EncodeError> {
        let outcome = self.writer.integer(&value.to_string());
        self.check(outcome)
    }

    fn serialize_f32(self, value: f32) -> Result<(), EncodeError> {
        // The shortest text that means this `f32`, not the many digits of the same value as a double.
        let wide = match ryu_js::Buffer::new().format(value).parse() {
            Ok(wide) if value.is_finite() => wide,
            _ => f64::from(value),
        };
        self.serialize_f64(wide)
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.transparent(value)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        let outcome = self.writer.null();
        self.check(outcome)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.transparent(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.begin_object()?;
        self.key(variant)?;
        self.nested(value)?;
        self.end_object()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a>, EncodeError> {
        Compound::array(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'a>, EncodeError> {
        Compound::array(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>, EncodeError> {
        Compound::array(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, EncodeError> {
        Compound::array_variant(self, variant)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a>, EncodeError> {
        Compound::object(self)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Compound<'a>, EncodeError> {
        Compound::named_object(self, name)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, EncodeError> {
        Compound::object_variant(self, variant)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        let outcome = self.writer.string_of(|writer| {
            let mut pieces = Pieces { writer, outcome: Ok(()) };
            match fmt::write(&mut pieces, format_args!("{value}")) {
                Ok(()) => pieces.outcome,
                Err(fmt::Error) => Err(pieces.outcome.err().unwrap_or(DISPLAY_FAILED.into())),
            }
        });
        self.check(outcome)
    }
}

const DISPLAY_FAILED: EncodeProblem = EncodeProblem::Misuse { what: "its `Display` implementation failed" };

/// Hands what a `Display` implementation writes to the writer.
struct Pieces<'a> {
    writer: &'a mut Writer,
    outcome: Result<(), Box<EncodeProblem>>,
}

impl fmt::Write for Pieces<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if self.outcome.is_ok() {
            self.outcome = self.writer.piece(piece);
        }
        if self.outcome.is_ok() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// The text of a `Display` value, without the panic of `to_string` when the implementation fails.
fn display<T: fmt::Display + ?Sized>(value: &T) -> Result<String, EncodeError> {
    let mut text = String::new();
    match fmt::write(&mut text, format_args!("{value}")) {
        Ok(()) => Ok(text),
        Err(fmt::Error) => Err(EncodeError::custom("its `Display` implementation failed")),
    }
}
