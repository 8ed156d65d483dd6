//! Values that a person types: `cents=1200 note="two words"`, a JSON object, or the answer to a question.

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::strict::Strict;
use super::view::Editable;

/// Reads changed arguments, each named by its path.
///
/// # Errors
/// Why nothing was changed, in a sentence for the person who typed it.
pub(super) fn read(text: &str, editable: &[Editable]) -> Result<Map<String, Value>, String> {
    if editable.is_empty() {
        return Err("none of the arguments may be changed".to_owned());
    }
    if text.is_empty() {
        return Err(format!("what shall change? Write: edit NAME=VALUE; {}", current(editable)));
    }
    let changes = if text.starts_with('{') { object(text)? } else { assignments(text, editable)? };
    for (path, value) in &changes {
        let field = field(path, editable)?;
        if field.value.as_ref() == Some(value) {
            return Err(format!("{path} is {value} already; to approve it as it is, write y"));
        }
    }
    if changes.is_empty() {
        return Err("no change given; to approve it as it is, write y".to_owned());
    }
    Ok(changes)
}

/// Reads the answer to a question as the schema wants it.
///
/// # Errors
/// Why it is no answer, in a sentence for the person who typed it.
pub(super) fn answer(text: &str, schema: &Value, choices: &[(String, Value)]) -> Result<Value, String> {
    if text.is_empty() {
        return Err("what is the answer? Write: answer VALUE".to_owned());
    }
    if !choices.is_empty() {
        let names: Vec<_> = choices.iter().map(|(title, _)| title.as_str()).collect();
        return choice(text, choices).ok_or_else(|| format!("the answer is one of: {}", names.join(", ")));
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") if !text.starts_with('"') => Ok(Value::String(text.to_owned())),
        Some("boolean") => match text.to_ascii_lowercase().as_str() {
            "y" | "yes" | "true" => Ok(Value::Bool(true)),
            "n" | "no" | "false" => Ok(Value::Bool(false)),
            _ => Err("the answer is yes or no".to_owned()),
        },
        _ => json(text).map_err(|why| format!("that is not JSON ({why}); text goes in double quotes")),
    }
}

/// The prepared answer of that title, value or number.
pub(super) fn choice(text: &str, choices: &[(String, Value)]) -> Option<Value> {
    let given = json(text).ok();
    let named = |(title, value): &&(String, Value)| {
        title == text || value.as_str() == Some(text) || given.as_ref() == Some(value)
    };
    let mut matching = choices.iter().filter(named);
    let by_name = matching.next().filter(|_| matching.next().is_none());
    let by_number = super::prompt::number(text).and_then(|index| choices.get(index));
    match (by_name, by_number) {
        // The same digits as a value and as the number of another one: which is meant?
        (Some(name), Some(number)) if name != number => None,
        (name, number) => name.or(number).map(|(_, value)| value.clone()),
    }
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    match json(text) {
        Ok(Value::Object(changes)) => Ok(changes),
        Ok(_) => Err("the changes are a JSON object".to_owned()),
        Err(why) => Err(format!("that is not a JSON object ({why})")),
    }
}

fn assignments(text: &str, editable: &[Editable]) -> Result<Map<String, Value>, String> {
    let mut changes = Map::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some((path, after)) = rest.split_once('=') else {
            return Err(format!("\"{rest}\" is not NAME=VALUE; text with spaces goes in double quotes"));
        };
        let path = path.trim_matches([' ', '\t']);
        let field = field(path, editable)?;
        let (value, after) = value(after, field).map_err(|why| format!("{path}: {why}"))?;
        if changes.insert(path.to_owned(), value).is_some() {
            return Err(format!("{path} is given twice"));
        }
        rest = after.trim_matches([' ', '\t']);
    }
    Ok(changes)
}

/// One value at the beginning of the text, and what follows it.
fn value<'a>(text: &'a str, field: &Editable) -> Result<(Value, &'a str), String> {
    if text.starts_with(['"', '{', '[']) {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Strict>();
        let value = values.next().ok_or("no value")?.map_err(|error| format!("not JSON ({error})"))?;
        let after = text.get(values.byte_offset()..).ok_or("the end of the value cannot be determined")?;
        if !after.is_empty() && !after.starts_with([' ', '\t']) {
            return Err("something follows the value without a space".to_owned());
        }
        return Ok((value.0, after));
    }
    let (word, after) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    if word.is_empty() {
        return Err("no value; an empty text is \"\"".to_owned());
    }
    // A text stays a text, even if it looks like a number: the field's present value says what it is.
    if matches!(field.value, Some(Value::String(_))) {
        return Ok((Value::String(word.to_owned()), after));
    }
    let value = json(word).map_err(|_| {
        format!("{word} is neither a number, true, false nor null; text goes in double quotes")
    })?;
    Ok((value, after))
}

/// JSON in which a member given twice is an error, since readers differ in which of the two they take.
fn json(text: &str) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict::deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value.0)
}

fn field<'a>(path: &str, editable: &'a [Editable]) -> Result<&'a Editable, String> {
    editable
        .iter()
        .find(|field| field.path == path)
        .ok_or_else(|| format!("{path} may not be changed; {}", current(editable)))
}

fn current(editable: &[Editable]) -> String {
    let fields: Vec<_> = editable
        .iter()
        .map(|field| match &field.value {
            Some(value) => format!("{}={value}", field.path),
            None => format!("{} (absent)", field.path),
        })
        .collect();
    format!("editable: {}", fields.join(" "))
}

#[cfg(test)]
mod tests;
