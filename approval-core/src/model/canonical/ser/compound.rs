//! Arrays, objects and enum variants with content.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::Encoder;
use super::key::KeyText;
use crate::model::canonical::{EncodeError, EncodeProblem, parse};

/// The names under which `serde_json` hands over a number or a JSON text as it stands, with its features
/// `arbitrary_precision` and `raw_value`.
const NUMBER: &str = "$serde_json::private::Number";
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// An array or object that is being written.
pub(super) struct Compound<'a> {
    encoder: &'a mut Encoder,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Array,
    Object,
    /// The array or object is the content of an enum variant: `{"Variant": …}`.
    ArrayVariant,
    ObjectVariant,
    /// A number as text.
    Number,
    /// Any JSON as text.
    RawValue,
}

impl<'a> Compound<'a> {
    pub(super) fn array(encoder: &'a mut Encoder) -> Result<Self, EncodeError> {
        encoder.begin_array()?;
        Ok(Self { encoder, kind: Kind::Array })
    }

    pub(super) fn array_variant(encoder: &'a mut Encoder, variant: &str) -> Result<Self, EncodeError> {
        encoder.begin_object()?;
        encoder.key(variant)?;
        encoder.begin_array()?;
        Ok(Self { encoder, kind: Kind::ArrayVariant })
    }

    pub(super) fn object(encoder: &'a mut Encoder) -> Result<Self, EncodeError> {
        encoder.begin_object()?;
        Ok(Self { encoder, kind: Kind::Object })
    }

    pub(super) fn object_variant(encoder: &'a mut Encoder, variant: &str) -> Result<Self, EncodeError> {
        encoder.begin_object()?;
        encoder.key(variant)?;
        encoder.begin_object()?;
        Ok(Self { encoder, kind: Kind::ObjectVariant })
    }

    pub(super) fn named_object(encoder: &'a mut Encoder, name: &str) -> Result<Self, EncodeError> {
        match name {
            NUMBER => Ok(Self { encoder, kind: Kind::Number }),
            RAW_VALUE => Ok(Self { encoder, kind: Kind::RawValue }),
            _ => Self::object(encoder),
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.encoder.writer.element();
        self.encoder.nested(value)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), EncodeError> {
        match self.kind {
            Kind::Number | Kind::RawValue => self.text(value),
            Kind::Array | Kind::Object | Kind::ArrayVariant | Kind::ObjectVariant => {
                self.encoder.key(name)?;
                self.encoder.nested(value)
            }
        }
    }

    /// A JSON text that takes the place of the whole struct.
    fn text<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let Ok(serde_json::Value::String(text)) = serde_json::to_value(value) else {
            let problem = EncodeProblem::Misuse { what: "a name that is private to `serde_json` was used" };
            return self.encoder.check(Err(problem.into()));
        };
        let outcome = parse::parse_into(&text, &mut self.encoder.writer, matches!(self.kind, Kind::Number));
        self.encoder.placed(outcome)
    }

    fn finish(self) -> Result<(), EncodeError> {
        match self.kind {
            Kind::Array => self.encoder.end_array(),
            Kind::Object => self.encoder.end_object(),
            Kind::ArrayVariant => {
                self.encoder.end_array()?;
                self.encoder.end_object()
            }
            Kind::ObjectVariant => {
                self.encoder.end_object()?;
                self.encoder.end_object()
            }
            Kind::Number | Kind::RawValue => Ok(()),
        }
    }
}

macro_rules! sequences {
    ($($trait:ident::$method:ident),*) => {$(
        impl $trait for Compound<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.element(value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.finish()
            }
        }
    )*};
}

sequences! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
}

macro_rules! structs {
    ($($trait:ident),*) => {$(
        impl $trait for Compound<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), EncodeError> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.finish()
            }
        }
    )*};
}

structs! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        let outcome = key
            .serialize(KeyText { encoder: self.encoder })
            .map_err(|error| error.or_at(|| self.encoder.writer.path_of_object()));
        self.encoder.placed(outcome)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.encoder.nested(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish()
    }
}
