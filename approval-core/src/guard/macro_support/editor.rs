//! Parameters that approvers may change.

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{
    error::Invalid,
    model::canonical::{CanonicalJson, DecodeError, FieldPath, Step},
};

/// A parameter whose value an approver may replace.
#[diagnostic::on_unimplemented(
    message = "approvers cannot edit a value of type `{Self}`",
    label = "`editable` needs `serde::de::DeserializeOwned` and `schemars::JsonSchema` here",
    note = "an edited value is checked against a JSON Schema, and read back: derive `serde::Deserialize` and `schemars::JsonSchema` for `{Self}`",
    note = "or name only a field that has them: `editable(args.amount)`"
)]
pub trait Editable: DeserializeOwned + JsonSchema {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema> Editable for T {}

/// Where an editable value stands, and what its values look like.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// Its path in the arguments.
    pub(super) path: &'static str,
    /// The schema of the value at that path.
    schema: fn() -> Schema,
}

impl Edit {
    /// Whether `other`, which stands at the same path, is of the same type.
    pub(super) fn has_type_of(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.schema, other.schema)
    }

    /// The schema of the whole parameter: any, but with a value of the edited type at the path.
    pub(super) fn parameter_schema(&self) -> Result<String, Invalid> {
        let path: FieldPath = self.path.parse()?;
        let mut schema = (self.schema)().to_value();
        // References inside lead to the root of the schema, so the definitions stay there.
        let definitions = schema.as_object_mut().and_then(|schema| schema.remove("$defs"));
        let mut schema = path.steps().iter().skip(1).rev().fold(schema, |inner, step| match step {
            Step::Key(key) => json!({ "properties": Map::from_iter([(key.to_string(), inner)]) }),
            Step::Index(index) => {
                let mut items = vec![Value::Bool(true); *index];
                items.push(inner);
                json!({ "prefixItems": items })
            }
            Step::Every => json!({ "items": inner, "additionalProperties": true }),
        });
        if let (Some(schema), Some(definitions)) = (schema.as_object_mut(), definitions) {
            schema.insert("$defs".to_owned(), definitions);
        }
        Ok(schema.to_string())
    }
}

/// Reads an edited value of type `T`.
pub struct Editor<T> {
    edit: Edit,
    read: fn(&CanonicalJson) -> Result<T, DecodeError>,
}

/// The editor of the value at `path`; `value` only tells its type.
#[must_use]
pub fn editor<T: Editable>(path: &'static str, _value: &T) -> Editor<T> {
    Editor { edit: Edit { path, schema: || schemars::schema_for!(T) }, read: CanonicalJson::deserialize }
}

impl<T> Editor<T> {
    /// The value in `approved`, unless it is the one in `own`.
    pub(super) fn changed(
        &self,
        own: &CanonicalJson,
        approved: &CanonicalJson,
    ) -> Result<Option<T>, Invalid> {
        let path = self.edit.path;
        let unreadable = |error: &dyn std::fmt::Display| {
            Invalid::new("edited argument", path, format!("cannot be read: {error}"))
        };
        let place: FieldPath = path.parse()?;
        let (own, approved) = (own.part(&place), approved.part(&place));
        if own == approved {
            return Ok(None);
        }
        let Some(approved) = approved else { return Err(unreadable(&"it is missing")) };
        (self.read)(&approved).map(Some).map_err(|error| unreadable(&error))
    }
}

impl<T> AsRef<Edit> for Editor<T> {
    fn as_ref(&self) -> &Edit {
        &self.edit
    }
}

impl<T> std::fmt::Debug for Editor<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Editor").field(&self.edit.path).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_editor_prints_its_path_alone() {
        assert_eq!(format!("{:?}", editor("args.pin", &7_u8)), r#"Editor("args.pin")"#);
    }
}
