//! Idempotency keys that are made of secret values.
//!
//! A key is stored as a plain hash, and a plain hash of a short secret can be guessed by trying. So a key that holds a
//! redacted value is hashed with the redaction key first.

use serde_json::Value;

use super::{
    ActionSpec, KeyScope,
    action::{Bound, not_encodable},
    scoped_key,
};
use crate::{
    error::Invalid,
    model::{
        Text,
        canonical::{DigestKey, keyed, to_canonical},
    },
};

/// The key of a call, as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredKey {
    /// The form under which a new request is stored.
    pub(crate) key: Text,
    /// The other form, under which the same key may have been stored before: by a version that knew no secret keys, or for a
    /// call whose secrets were others. Only actions that redact something have it.
    pub(crate) other: Option<Text>,
}

/// The forms of a key. A key that holds a redacted value of the call, whole, is stored keyed; any other one plain.
pub(crate) fn stored_key(
    scope: KeyScope<'_>,
    key: &str,
    spec: &ActionSpec,
    bound: &Bound,
    redaction_key: Option<&DigestKey>,
) -> Result<StoredKey, Invalid> {
    let plain = scoped_key(scope, key);
    let (false, Some(redaction_key)) = (spec.redact.is_empty(), redaction_key) else {
        return Ok(StoredKey { key: plain, other: None });
    };
    let text = to_canonical(key).map_err(|error| not_encodable(&error))?;
    let hidden = scoped_key(scope, &keyed(&text, redaction_key));
    let given = bound.given.to_nearest_value().map_err(|error| {
        Invalid::new("arguments", spec.info.name.as_str(), format!("cannot be read again: {error}"))
    })?;
    let mut secrets = spec.redact.iter().flat_map(|one| one.path.get(&given));
    let is_secret = secrets.any(|value| holds(key, value) || may_be_rounded(value, key));
    let (key, other) = if is_secret { (hidden, plain) } else { (plain, hidden) };
    Ok(StoredKey { key, other: Some(other) })
}

/// Whether a value holds an integer beyond 64 bits, whose digits are not known here, and a key has as many digits.
fn may_be_rounded(value: &Value, key: &str) -> bool {
    match value {
        Value::Number(number) => {
            number.as_f64().is_some_and(|double| double.abs() >= 9e18)
                && key.split(|letter: char| !letter.is_ascii_digit()).any(|digits| digits.len() >= 19)
        }
        Value::Array(elements) => elements.iter().any(|element| may_be_rounded(element, key)),
        Value::Object(entries) => entries.values().any(|entry| may_be_rounded(entry, key)),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Whether a key holds this value, or a part of it.
fn holds(key: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty() && key.contains(text.as_str()),
        Value::Number(number) => key.contains(&number.to_string()),
        Value::Array(elements) => elements.iter().any(|element| holds(key, element)),
        Value::Object(entries) => entries.values().any(|entry| holds(key, entry)),
        // They are no secrets: anybody may guess them.
        Value::Null | Value::Bool(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::{
        manager::Action,
        model::{ActionName, Principal},
    };

    fn secret() -> DigestKey {
        DigestKey::new("k1", [3; 32]).unwrap()
    }

    fn forms(key: &str, arguments: &Value, redact: &[&str]) -> StoredKey {
        let spec = Arc::new(ActionSpec::new("vault.open").unwrap().redact(redact.iter().copied()).unwrap());
        let action = Action::of(Arc::clone(&spec)).arguments(arguments).unwrap();
        let bound = spec.bind(action.arguments, Vec::new(), Some(&secret())).unwrap();
        let (agent, name) = (Principal::agent("a").unwrap(), ActionName::new("vault.open").unwrap());
        let scope = KeyScope { namespace: "default", agent: &agent, action: &name, run: None };
        let forms = stored_key(scope, key, &spec, &bound, Some(&secret())).unwrap();
        let plain = scoped_key(scope, key);
        assert!(
            forms.key == plain || forms.other.as_ref() == Some(&plain),
            "one of the two is the plain form"
        );
        forms
    }

    fn is_plain(key: &str, arguments: &Value, redact: &[&str]) -> bool {
        let agent = Principal::agent("a").unwrap();
        let name = ActionName::new("vault.open").unwrap();
        let scope = KeyScope { namespace: "default", agent: &agent, action: &name, run: None };
        forms(key, arguments, redact).key == scoped_key(scope, key)
    }

    #[test]
    fn a_key_that_holds_a_redacted_value_is_stored_keyed() {
        let arguments = json!({"order": "A-17", "token": "hunter2", "pins": [1234, {"deep": "s3cret"}]});
        assert!(!is_plain("hunter2", &arguments, &["token"]));
        assert!(!is_plain("open/hunter2/now", &arguments, &["token"]));
        assert!(!is_plain("1234", &arguments, &["pins[*]"]));
        assert!(!is_plain("x-s3cret", &arguments, &["pins"]));
    }

    #[test]
    fn every_other_key_keeps_the_stored_form_of_before() {
        let arguments = json!({"order": "A-17", "token": "hunter2", "empty": ""});
        assert!(is_plain("A-17", &arguments, &["token"]));
        assert!(is_plain("A-17", &arguments, &["token", "empty"]));
        assert!(is_plain("hunter2", &arguments, &[]));
        assert!(forms("hunter2", &arguments, &[]).other.is_none());
        let (one, two) = (forms("A-17", &arguments, &["token"]), forms("hunter2", &arguments, &["token"]));
        assert_ne!(one.key, two.key);
        assert_ne!(two.other.unwrap(), two.key);
    }
}
