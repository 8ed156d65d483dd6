//! The schema of an answer, in words.

use serde_json::{Map, Value};

/// What may be answered, if the schema is simple enough to be said whole in one line.
pub(super) fn in_words(schema: &Value) -> Option<String> {
    let schema = schema.as_object()?;
    let known = ["$schema", "title", "description", "type", "format", "minimum", "maximum", "enum"];
    if !schema.keys().all(|key| known.contains(&key.as_str())) {
        return None;
    }
    let form = match (schema.get("enum"), schema.get("type").and_then(Value::as_str)) {
        (Some(Value::Array(values)), _) => {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            format!("one of {}", values.join(", "))
        }
        (None, Some("integer")) => format!("a whole number{}", range(schema)),
        (None, Some("number")) => format!("a number{}", range(schema)),
        (None, Some("boolean")) => "yes or no".to_owned(),
        (None, Some("string")) => match schema.get("format").and_then(Value::as_str) {
            Some(format) => format!("text of the format {format}"),
            None => "text".to_owned(),
        },
        _ => return None,
    };
    let description = schema.get("description").and_then(Value::as_str);
    Some(description.map_or_else(|| form.clone(), |description| format!("{form} ({description})")))
}

/// The bounds of a number, as written: nothing is rounded.
fn range(schema: &Map<String, Value>) -> String {
    match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn simple_schemas_are_said_in_words() {
        for (schema, words) in [
            (
                json!({"type": "integer", "format": "uint8", "minimum": 0, "maximum": 255}),
                "a whole number from 0 to 255",
            ),
            (json!({"type": "integer", "minimum": 0}), "a whole number, at least 0"),
            (json!({"type": "number", "maximum": 1.5}), "a number, at most 1.5"),
            (json!({"type": "boolean", "title": "Go"}), "yes or no"),
            (
                json!({"type": "string", "description": "the name of the hotel"}),
                "text (the name of the hotel)",
            ),
            (json!({"type": "string", "format": "date"}), "text of the format date"),
            (json!({"type": "string", "enum": ["a", "b"]}), "one of \"a\", \"b\""),
        ] {
            assert_eq!(in_words(&schema).as_deref(), Some(words), "{schema}");
        }
    }

    #[test]
    fn what_words_would_leave_out_is_not_said() {
        for schema in [
            json!({"type": "string", "pattern": "^a$"}),
            json!({"type": "object"}),
            json!({"type": ["string", "null"]}),
            json!({"anyOf": []}),
            json!(true),
        ] {
            assert_eq!(in_words(&schema), None, "{schema}");
        }
    }
}
