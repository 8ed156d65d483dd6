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
struct Field {
    path: &'static str,
    /// Its value, as its own type writes it.
    value: Result<CanonicalJson, EncodeError>,
}

impl Field {
    /// Whether its value is empty, so that it may be missing from the arguments.
    fn is_empty(&self) -> bool {
        self.value.as_ref().is_ok_and(|json| matches!(json.as_str(), "null" | "\"\"" | "[]" | "{}"))
    }
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the value: it may be secret.
        f.debug_struct("Field").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The arguments of one call.
#[derive(Debug)]
pub struct Arguments {
    pub(super) spec: &'static Spec,
    json: Result<Written, Invalid>,
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
        self.fields.push(Field { path, value: to_canonical(value) });
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
        Ok(self.json?.bound)
    }

    /// The arguments, if every field that the attribute names is among them, and every field that is kept from people is
    /// what stands under its name.
    pub(super) fn checked(self) -> Result<CanonicalJson, Invalid> {
        let Self { spec, json, fields, .. } = self;
        let Written { bound, whole } = json?;
        if fields.is_empty() {
            return Ok(bound);
        }
        let arguments = whole.as_ref().unwrap_or(&bound);
        for field in &fields {
            field.check(spec, arguments)?;
        }
        Ok(bound)
    }
}

impl Field {
    fn check(&self, spec: &Spec, arguments: &CanonicalJson) -> Result<(), Invalid> {
        let path: FieldPath = self.path.parse()?;
        let Some(found) = arguments.part(&path) else {
            let why = "is not written under this name, so it cannot be redacted, edited, skipped or shown";
            return if self.is_empty() { Ok(()) } else { Err(self.renamed(why)) };
        };
        let definition = spec.definition();
        let is_hidden = definition.redacted.contains(&self.path) || definition.skipped.contains(&self.path);
        if !is_hidden {
            return Ok(());
        }
        let own = self.value.as_ref().map_err(|error| unusable(spec, error))?;
        if *own == found {
            return Ok(());
        }
        // Under another name it would be shown.
        Err(self.renamed("is not what is written under this name, so it would be shown under another one"))
    }

    fn renamed(&self, why: &str) -> Invalid {
        Invalid::new("field", self.path, why).hint(
            "take `#[serde(rename)]` and `#[serde(serialize_with)]` away from it, or make it a parameter of its own",
        )
    }
}

/// Parameters as they were written down.
#[derive(Debug)]
struct Written {
    /// Without the fields that are not bound.
    bound: CanonicalJson,
    /// With them, if there are any.
    whole: Option<CanonicalJson>,
}

fn written(spec: &Spec, bound: Bound) -> Result<Written, Invalid> {
    let whole = bound.0.and_then(ObjectEncoder::finish).map_err(|error| unusable(spec, &error))?;
    match spec.skipped()? {
        [] => Ok(Written { bound: whole, whole: None }),
        skipped => {
            let bound = omit(&whole, skipped).map_err(|error| unusable(spec, &error))?;
            Ok(Written { bound, whole: Some(whole) })
        }
    }
}

fn unusable(spec: &Spec, error: &dyn std::fmt::Display) -> Invalid {
    Invalid::new("arguments", spec.definition().name, format!("cannot be encoded: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::macro_support::Definition;

    #[test]
    fn neither_parameters_nor_fields_print_their_values() {
        static SPEC: Spec = Spec::new(Definition::new("a.b", 1));
        let bound = bind(Bound::new(), "token", "hunter2");
        assert_eq!(format!("{bound:?}"), "Bound { .. }");
        let arguments = Arguments::of(&SPEC, bound).field("token", "hunter2");
        let [field] = arguments.fields.as_slice() else { panic!("one field was noted: {arguments:?}") };
        assert_eq!(format!("{field:?}"), r#"Field { path: "token", .. }"#);
    }
}
