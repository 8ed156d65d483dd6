use serde_json::{Value, json};

use super::*;
use crate::model::canonical::{DigestKey, FieldPath, parse_canonical, redact};

fn read(kind: &str, arguments: &Value) -> Option<ActionKind> {
    ActionKind::read(kind, &parse_canonical(&arguments.to_string()).unwrap())
}

/// What each kind looks like among the arguments, and as a value.
fn samples() -> Vec<(&'static str, Value, ActionKind)> {
    let text = str::to_owned;
    vec![
        (
            "send_email",
            json!({"to": ["bob@example.com"], "subject": "Hi", "preview": "Dear Bob", "attachments": ["a.txt"]}),
            SendEmail {
                to: vec![text("bob@example.com")],
                subject: text("Hi"),
                preview: text("Dear Bob"),
                attachments: vec![text("a.txt")],
            }
            .into(),
        ),
        (
            "delete_data",
            json!({"resource_type": "customer", "resource_id": "cust-9", "warning": "for ever"}),
            DeleteData {
                resource_type: text("customer"),
                resource_id: text("cust-9"),
                warning: Some(text("for ever")),
            }
            .into(),
        ),
        (
            "purchase",
            json!({"amount": "12.50", "currency": "EUR", "vendor": "ACME", "description": "paper"}),
            Purchase::new("12.50 EUR".parse().unwrap(), "ACME", "paper").into(),
        ),
        (
            "config_change",
            json!({"setting_name": "retries", "old_value": 3, "new_value": {"at_most": 5}}),
            ConfigChange {
                setting_name: text("retries"),
                old_value: json!(3),
                new_value: json!({"at_most": 5}),
            }
            .into(),
        ),
        (
            "custom",
            json!({"title": "Restart", "description": "The server", "metadata": {"zone": "b"}}),
            Custom {
                title: text("Restart"),
                description: text("The server"),
                metadata: json!({"zone": "b"}).as_object().unwrap().clone(),
            }
            .into(),
        ),
    ]
}

#[test]
fn fields_are_read_from_the_arguments_or_from_one_of_them() {
    let samples = samples();
    assert_eq!(samples.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), ActionKind::NAMES);
    for (name, arguments, kind) in samples {
        assert_eq!(kind.name(), name);
        assert_eq!(read(name, &arguments), Some(kind.clone()), "{arguments}");
        let more = json!({"dry_run": true, "options": {"x": 1}, "what": arguments});
        assert_eq!(read(name, &more), Some(kind), "{more}");
        assert_eq!(read(name, &json!({"one": arguments, "other": arguments})), None, "which of the two?");
        assert_eq!(read(name, &json!({"deep": {"er": arguments}})), None);
        assert_eq!(read("unknown", &arguments), None);
        assert_eq!(read(&name.to_uppercase(), &arguments), None);
        // Each field that must be there, gone or of another type.
        for field in arguments.as_object().unwrap().keys() {
            let mut without = arguments.clone();
            without.as_object_mut().unwrap().remove(field);
            let optional = ["attachments", "warning", "metadata"].contains(&field.as_str());
            assert_eq!(read(name, &without).is_some(), optional, "{name} without {field}");
            let mut other = arguments.clone();
            other[field] = json!([[1]]);
            let anything = field.ends_with("_value");
            assert_eq!(read(name, &other).is_some(), anything, "{name} with another {field}");
        }
    }
}

#[test]
fn one_address_numbers_as_ids_and_numbers_as_amounts_are_read_too() {
    let Some(ActionKind::SendEmail(email)) =
        read("send_email", &json!({"to": "bob@example.com", "subject": "", "preview": ""}))
    else {
        panic!("no e-mail")
    };
    assert_eq!((email.to, email.attachments.len()), (vec!["bob@example.com".to_owned()], 0));
    for (id, expected) in [(json!(7), "7"), (json!(-7), "-7"), (json!(u64::MAX), "18446744073709551615")] {
        let Some(ActionKind::DeleteData(data)) =
            read("delete_data", &json!({"resource_type": "row", "resource_id": id}))
        else {
            panic!("nothing is deleted")
        };
        assert_eq!(data.resource_id, expected);
    }
    let amount = |amount: Value| {
        let arguments = json!({"amount": amount, "currency": "EUR", "vendor": "", "description": ""});
        match read("purchase", &arguments) {
            Some(ActionKind::Purchase(purchase)) => Some(purchase.price().to_string()),
            _ => None,
        }
    };
    assert_eq!(amount(json!(900)).as_deref(), Some("900 EUR"));
    assert_eq!(amount(json!(12.5)).as_deref(), Some("12.5 EUR"));
    assert_eq!(amount(json!("0.10")).as_deref(), Some("0.10 EUR"));
    assert_eq!(amount(json!("much")), None);
    assert_eq!(amount(json!(1e300)), None);
}

#[test]
fn numbers_that_would_lose_digits_are_not_drawn() {
    let arguments = |number: &str| {
        let text = format!(r#"{{"setting_name":"limit","old_value":1,"new_value":{number}}}"#);
        ActionKind::read("config_change", &parse_canonical(&text).unwrap())
    };
    assert!(arguments("18446744073709551615").is_some());
    assert!(arguments("0.1").is_some() && arguments("1e300").is_some());
    assert_eq!(arguments("123456789012345678901234567890"), None);
    let amount = r#"{"amount":18446744073709551616,"currency":"EUR","vendor":"a","description":"b"}"#;
    assert_eq!(ActionKind::read("purchase", &parse_canonical(amount).unwrap()), None);
}

#[test]
fn secrets_read_as_such() {
    let key = DigestKey::new("test", [7; 32]).unwrap();
    let bound = |arguments: &Value, path: &str| {
        let arguments = parse_canonical(&arguments.to_string()).unwrap();
        let path: FieldPath = path.parse().unwrap();
        redact(&arguments, &[path], &key).unwrap().bound
    };
    let email = json!({"email": {"to": ["b@example.com"], "subject": "hunter2", "preview": "x"}});
    let Some(ActionKind::SendEmail(email)) = ActionKind::read("send_email", &bound(&email, "email.subject"))
    else {
        panic!("no e-mail")
    };
    assert_eq!((email.subject.as_str(), email.preview.as_str()), (REDACTED, "x"));
    let change = json!({"setting_name": "key", "old_value": "hunter2", "new_value": {"$redacted": "no"}});
    let Some(ActionKind::ConfigChange(change)) =
        ActionKind::read("config_change", &bound(&change, "old_value"))
    else {
        panic!("nothing changes")
    };
    assert_eq!((change.old_value, change.new_value), (json!(REDACTED), json!({"$$redacted": "no"})));
    let purchase = json!({"amount": "1", "currency": "EUR", "vendor": "a", "description": "b"});
    assert_eq!(ActionKind::read("purchase", &bound(&purchase, "amount")), None, "no amount to draw");
    // A user's own value that looks like a secret is none.
    let imitated = json!({"setting_name": "a", "old_value": {"$redacted": "x"}, "new_value": 1});
    let Some(ActionKind::ConfigChange(change)) = read("config_change", &imitated) else {
        panic!("nothing changes")
    };
    assert_eq!(change.old_value, json!({"$redacted": "x"}));
}

#[test]
fn what_is_written_is_read_again_and_fits_its_schema() {
    fn check<T: serde::Serialize + serde::de::DeserializeOwned + schemars::JsonSchema>(fields: &T) {
        let value = serde_json::to_value(fields).unwrap();
        let again: T = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&again).unwrap(), value);
        let schema = serde_json::to_value(schemars::schema_for!(T)).unwrap();
        assert!(jsonschema::is_valid(&schema, &value), "{value} does not fit {schema}");
    }
    for (_, _, kind) in samples() {
        match &kind {
            ActionKind::SendEmail(fields) => check(fields),
            ActionKind::DeleteData(fields) => check(fields),
            ActionKind::Purchase(fields) => check(fields),
            ActionKind::ConfigChange(fields) => check(fields),
            ActionKind::Custom(fields) => check(fields),
        }
    }
}
