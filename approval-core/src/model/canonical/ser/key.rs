//! What may be the key of an object.

use std::fmt;

use serde::ser::Impossible;
use serde::{Serialize, Serializer};

use super::{Encoder, display};
use crate::model::canonical::{EncodeError, EncodeProblem};

/// Writes the key of a map entry.
pub(super) struct KeyText<'a> {
    pub(super) encoder: &'a mut Encoder,
}

fn refused<T>(found: &'static str) -> Result<T, EncodeError> {
    Err(EncodeError::unplaced(EncodeProblem::KeyNotText { found }))
}

macro_rules! by_display {
    ($($method:ident($type:ty);)*) => {$(
        fn $method(self, value: $type) -> Result<Self::Ok, EncodeError> {
            self.collect_str(&value)
        }
    )*};
}

macro_rules! refuse {
    ($($method:ident($($type:ty),*) -> $ok:ty: $found:literal;)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<$ok, EncodeError> {
            refused($found)
        }
    )*};
}

impl Serializer for KeyText<'_> {
    type Ok = ();
    type Error = EncodeError;

    type SerializeSeq = Impossible<Self::Ok, EncodeError>;
    type SerializeTuple = Impossible<Self::Ok, EncodeError>;
    type SerializeTupleStruct = Impossible<Self::Ok, EncodeError>;
    type SerializeTupleVariant = Impossible<Self::Ok, EncodeError>;
    type SerializeMap = Impossible<Self::Ok, EncodeError>;
    type SerializeStruct = Impossible<Self::Ok, EncodeError>;
    type SerializeStructVariant = Impossible<Self::Ok, EncodeError>;

    refuse! {
        serialize_f32(f32) -> Self::Ok: "a float";
        serialize_f64(f64) -> Self::Ok: "a float";
        serialize_bytes(&[u8]) -> Self::Ok: "a byte string";
        serialize_none() -> Self::Ok: "`None`";
        serialize_unit() -> Self::Ok: "a unit value";
        serialize_unit_struct(&'static str) -> Self::Ok: "a unit struct";
        serialize_seq(Option<usize>) -> Self::SerializeSeq: "a sequence";
        serialize_tuple(usize) -> Self::SerializeTuple: "a tuple";
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct: "a tuple struct";
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant:
            "an enum variant with content";
        serialize_map(Option<usize>) -> Self::SerializeMap: "a map";
        serialize_struct(&'static str, usize) -> Self::SerializeStruct: "a struct";
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant:
            "an enum variant with content";
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Self::Ok, EncodeError> {
        refused("an enum variant with content")
    }

    by_display! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_char(char);
    }

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        self.encoder.key(value)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.encoder.key(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.encoder.key(&display(value)?)
    }
}
