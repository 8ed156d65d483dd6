//! Parameters, written down by reference before the body sees them.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Edit, Spec};
use crate::{
    error::Invalid,
    model::canonical::{CanonicalJson, FieldPath, omit, to_canonical},
};

/// A parameter that can be bound to an approval.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be bound to the approval",
    label = "people decide about this parameter, so it must be written down: it lacks `serde::Serialize`",
    note = "derive `serde::Serialize` for `{Self}`",
    note = "or leave it out with `skip(…)`, if nothing about it is for people to decide; the request says so"
)]
pub trait Argument: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Argument for T {}

/// No parameter.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

/// A parameter after others.
struct Bound<'a, Before, T: ?Sized> {
    before: Before,
    name: &'static str,
    value: &'a T,
}

/// Links the parameter called `name` behind others.
///
/// What it returns tells nothing about its type, so that a parameter that cannot be bound is one error and not several.
#[must_use]
pub fn bind<'a, Before: Members, T: Argument + ?Sized>(
    before: Before,
    name: &'static str,
    value: &'a T,
) -> impl Members + use<'a, Before, T> {
    Bound { before, name, value }
}

/// Linked parameters as the members of one object.
pub trait Members {
    /// Writes them in the order of the signature.
    ///
    /// # Errors
    /// When a value cannot be serialized.
    fn members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

impl Members for Nothing {
    fn members<M: SerializeMap>(&self, _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }
}

impl<Before: Members, T: Argument + ?Sized> Members for Bound<'_, Before, T> {
    fn members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.before.members(map)?;
        map.serialize_entry(self.name, self.value)
    }
}

struct Object<'a, B>(&'a B);

impl<B: Members> Serialize for Object<'_, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.0.members(&mut map)?;
        map.end()
    }
}

/// A field that the attribute names.
#[derive(Clone, Copy, Debug)]
struct Field {
    path: &'static str,
    /// Whether its value is empty, so that it may be missing from the arguments.
    empty: bool,
}

/// The arguments of one call.
#[derive(Debug)]
pub struct Arguments {
    pub(super) spec: &'static Spec,
    json: Result<CanonicalJson, Invalid>,
    fields: Vec<Field>,
    pub(super) editable: Vec<Edit>,
}

impl Arguments {
    /// Writes down the linked parameters.
    #[must_use]
    pub fn of<B: Members>(spec: &'static Spec, bound: &B) -> Self {
        Self { spec, json: written(spec, bound), fields: Vec::new(), editable: Vec::new() }
    }

    /// Notes a field that the attribute names, so that one which is written under another name is not missed.
    #[must_use]
    pub fn field<T: Argument + ?Sized>(mut self, path: &'static str, value: &T) -> Self {
        let empty =
            to_canonical(value).is_ok_and(|json| matches!(json.as_str(), "null" | "\"\"" | "[]" | "{}"));
        self.fields.push(Field { path, empty });
        self
    }

    /// Offers a parameter for editing.
    #[must_use]
    pub fn editable(mut self, editor: &impl AsRef<Edit>) -> Self {
        self.editable.push(*editor.as_ref());
        self
    }

    /// The arguments, if they could be written down.
    pub(super) fn into_json(self) -> Result<CanonicalJson, Invalid> {
        self.json
    }

    /// The arguments, if every field that the attribute names is among them.
    pub(super) fn checked(self) -> Result<CanonicalJson, Invalid> {
        let Self { spec, json, fields, .. } = self;
        let json = json?;
        if fields.iter().all(|field| field.empty) {
            return Ok(json);
        }
        let value = json.to_value().map_err(|error| unusable(spec, &error))?;
        for Field { path, .. } in fields.iter().filter(|field| !field.empty) {
            if path.parse::<FieldPath>()?.get(&value).is_empty() {
                let why =
                    "is not written under this name, so it cannot be redacted, edited, skipped or shown";
                return Err(Invalid::new("field", *path, why)
                    .hint("take `#[serde(rename)]` away from it, or make it a parameter of its own"));
            }
        }
        Ok(json)
    }
}

fn written<B: Members>(spec: &Spec, bound: &B) -> Result<CanonicalJson, Invalid> {
    let json = to_canonical(&Object(bound)).map_err(|error| unusable(spec, &error))?;
    match spec.skipped()? {
        [] => Ok(json),
        skipped => omit(&json, skipped).map_err(|error| unusable(spec, &error)),
    }
}

fn unusable(spec: &Spec, error: &dyn std::fmt::Display) -> Invalid {
    Invalid::new("arguments", spec.definition().name, format!("cannot be encoded: {error}"))
}
