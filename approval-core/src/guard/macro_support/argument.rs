//! Parameters, written down by reference before the body sees them.

use serde::Serialize;

use super::{Edit, Spec};
use crate::{
    error::Invalid,
    model::canonical::{CanonicalJson, EncodeError, FieldPath, ObjectEncoder, omit, to_canonical},
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

/// Parameters, written down in the order of the signature.
///
/// Its type tells nothing of theirs, so that one which cannot be bound is one error, at its own place.
pub struct Bound(Result<ObjectEncoder, EncodeError>);

impl Bound {
    /// No parameter.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    pub fn new() -> Self {
        Self(ObjectEncoder::begin())
    }
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the values: some are secret.
        f.debug_struct("Bound").finish_non_exhaustive()
    }
}

/// Writes the parameter called `name` behind others.
#[must_use]
pub fn bind<T: Argument + ?Sized>(before: Bound, name: &'static str, value: &T) -> Bound {
    Bound(before.0.and_then(|object| object.member(name, value)))
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
    /// Takes the parameters that were written down.
    #[must_use]
    pub fn of(spec: &'static Spec, bound: Bound) -> Self {
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

fn written(spec: &Spec, bound: Bound) -> Result<CanonicalJson, Invalid> {
    let json = bound.0.and_then(ObjectEncoder::finish).map_err(|error| unusable(spec, &error))?;
    match spec.skipped()? {
        [] => Ok(json),
        skipped => omit(&json, skipped).map_err(|error| unusable(spec, &error)),
    }
}

fn unusable(spec: &Spec, error: &dyn std::fmt::Display) -> Invalid {
    Invalid::new("arguments", spec.definition().name, format!("cannot be encoded: {error}"))
}
