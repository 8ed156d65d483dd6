//! JSON Schemas (draft 2020-12) of answers and of arguments that may be edited. Nothing is fetched: a reference that leads
//! out of a schema makes the schema invalid.

use jsonschema::{Draft, Validator};

use crate::{
    error::Invalid,
    model::{CanonicalJson, canonical::parse_canonical},
};

/// Most things that are wrong with a value that a message tells.
const TOLD: usize = 3;

/// Checks that `text` is a schema that can be used.
pub(super) fn usable(text: &str) -> Result<(), Invalid> {
    compile(text).map(|_| ())
}

/// Checks a value against a schema.
pub(super) fn check(what: &'static str, schema: &str, value: &CanonicalJson) -> Result<(), Invalid> {
    let instance = value
        .to_nearest_value()
        .map_err(|e| Invalid::new(what, value.as_str(), format!("cannot be read: {e}")))?;
    let validator = compile(schema)?;
    let wrong: Vec<String> = validator
        .iter_errors(&instance)
        .take(TOLD)
        .map(|error| match error.instance_path().as_str() {
            "" => error.to_string(),
            path => format!("{error} (at {path})"),
        })
        .collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Invalid::new(what, value.as_str(), format!("does not fit its schema: {}", wrong.join("; "))))
    }
}

/// Whether a JSON text is the value.
pub(super) fn same(text: &str, value: &CanonicalJson) -> bool {
    parse_canonical(text).is_ok_and(|other| other == *value)
}

fn compile(text: &str) -> Result<Validator, Invalid> {
    let unusable = |why: String| Invalid::new("JSON Schema", text, format!("cannot be used: {why}"));
    let schema: serde_json::Value = serde_json::from_str(text).map_err(|e| unusable(e.to_string()))?;
    jsonschema::options().with_draft(Draft::Draft202012).build(&schema).map_err(|e| unusable(e.to_string()))
}
