//! From arguments to fields.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::REDACTED;
use crate::model::{CanonicalJson, canonical::to_canonical};

/// The arguments as values, secret ones replaced by [`REDACTED`]; `None` if a number in them would lose digits, since
/// people would then be shown another one than runs.
pub(super) fn exact(arguments: &CanonicalJson) -> Option<Value> {
    let mut value = arguments.to_value().ok()?;
    if to_canonical(&value).ok()?.as_str() != arguments.as_str() {
        return None;
    }
    if arguments.is_redacted() {
        replace_secrets(&mut value);
    }
    Some(value)
}

/// In arguments with secrets, an object with the one member `$redacted` stands for one; a user's own has one more `$`.
fn replace_secrets(value: &mut Value) {
    match value {
        Value::Object(members) if members.len() == 1 && members.contains_key("$redacted") => {
            *value = Value::from(REDACTED);
        }
        Value::Object(members) => members.values_mut().for_each(replace_secrets),
        Value::Array(items) => items.iter_mut().for_each(replace_secrets),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The fields among the arguments, or within the only argument that has them.
pub(super) fn fields<T: DeserializeOwned>(arguments: &Value) -> Option<T> {
    if let Ok(fields) = T::deserialize(arguments) {
        return Some(fields);
    }
    let mut found = arguments
        .as_object()?
        .values()
        .filter(|argument| argument.is_object())
        .filter_map(|argument| T::deserialize(argument).ok());
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}
