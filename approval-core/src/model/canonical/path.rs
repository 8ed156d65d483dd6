//! Paths into arguments: `args.token`, `items[3].price`, `items[*].secret`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::parse::{Lexer, Token};
use crate::{error::Invalid, model::visible::is_hidden};

/// A path to one value within another, or with `[*]` to several.
///
/// Written as keys with `.` between them, `[3]` for an element of an array, `[*]` for every element of an array or
/// every value of an object, and `["any key"]` for keys with other characters than letters, digits, `_`, `-` and `$`.
/// `Display` writes what `FromStr` reads.
///
/// ```
/// use approval_core::model::canonical::FieldPath;
///
/// let path: FieldPath = "items[*].price".parse()?;
/// let value = serde_json::json!({ "items": [{ "price": 3 }, { "price": 4 }] });
/// assert_eq!(path.get(&value), [3, 4]);
/// # Ok::<(), approval_core::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath {
    steps: Box<[Step]>,
}

/// One step of a [`FieldPath`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into the value of this key of an object.
    Key(Box<str>),
    /// Into this element of an array, counted from 0.
    Index(usize),
    /// Into every element of an array, or every value of an object.
    Every,
}

impl Step {
    /// Whether the step leads to the entry of an object with this key.
    pub(super) fn takes_key(&self, key: &str) -> bool {
        match self {
            Self::Key(wanted) => **wanted == *key,
            Self::Every => true,
            Self::Index(_) => false,
        }
    }

    /// Whether the step leads to the element of an array at this place.
    pub(super) fn takes_index(&self, index: usize) -> bool {
        match self {
            Self::Index(wanted) => *wanted == index,
            Self::Every => true,
            Self::Key(_) => false,
        }
    }
}

impl FieldPath {
    /// A path of these steps.
    #[must_use]
    pub fn new(steps: impl Into<Box<[Step]>>) -> Self {
        Self { steps: steps.into() }
    }

    pub(super) fn root() -> Self {
        Self::new([])
    }

    /// Whether the path leads nowhere but to the value itself. No text is read as this path.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps from the outside in.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// All values that the path leads to, in their order; none where the way ends before.
    #[must_use]
    pub fn get<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let mut found = vec![value];
        for step in &self.steps {
            found = found.into_iter().flat_map(|value| children(value, step)).collect();
        }
        found
    }
}

fn children<'v>(value: &'v Value, step: &Step) -> Vec<&'v Value> {
    match (step, value) {
        (Step::Key(key), Value::Object(entries)) => entries.get(&**key).into_iter().collect(),
        (Step::Index(index), Value::Array(elements)) => elements.get(*index).into_iter().collect(),
        (Step::Every, Value::Object(entries)) => entries.values().collect(),
        (Step::Every, Value::Array(elements)) => elements.iter().collect(),
        _ => Vec::new(),
    }
}

impl FromStr for FieldPath {
    type Err = Invalid;

    fn from_str(path: &str) -> Result<Self, Invalid> {
        let mut rest = path;
        let mut steps = Vec::new();
        while steps.is_empty() || !rest.is_empty() {
            let outcome = if let Some(bracket) = rest.strip_prefix('[') {
                bracketed(bracket)
            } else if steps.is_empty() {
                bare(rest)
            } else if let Some(key) = rest.strip_prefix('.') {
                rest = key;
                bare(rest)
            } else {
                Err("expected `.` or `[`")
            };
            let (step, after) = outcome.map_err(|wrong| {
                let at = path.chars().count() - rest.chars().count() + 1;
                Invalid::new("path", path, format!("is wrong at character {at}: {wrong}"))
                    .hint("write paths like args.items[3].price or items[*].id")
            })?;
            steps.push(step);
            rest = after;
        }
        Ok(Self::new(steps))
    }
}

type StepAndRest<'a> = Result<(Step, &'a str), &'static str>;

fn is_bare(character: char) -> bool {
    (character.is_alphanumeric() || matches!(character, '_' | '-' | '$')) && !is_hidden(character)
}

fn bare(rest: &str) -> StepAndRest<'_> {
    let end = rest.find(|character| !is_bare(character)).unwrap_or(rest.len());
    match rest.split_at_checked(end) {
        Some((key, after)) if !key.is_empty() => Ok((Step::Key(key.into()), after)),
        _ => Err("expected a key (letters, digits, `_`, `-` or `$`; others as `[\"key\"]`)"),
    }
}

/// The rest after `[`.
fn bracketed(rest: &str) -> StepAndRest<'_> {
    const UNCLOSED: &str = "expected a number, `*` or a key in double quotes, and `]`";
    if rest.starts_with('"') {
        let mut lexer = Lexer::new(rest);
        let Ok(Token::String(key)) = lexer.next() else { return Err("expected a key in double quotes") };
        let after = lexer.rest().strip_prefix(']').ok_or(UNCLOSED)?;
        return Ok((Step::Key(key.into()), after));
    }
    let (inside, after) = rest.split_once(']').ok_or(UNCLOSED)?;
    if inside == "*" {
        return Ok((Step::Every, after));
    }
    let plain =
        inside.bytes().all(|byte| byte.is_ascii_digit()) && (inside == "0" || !inside.starts_with('0'));
    match inside.parse() {
        Ok(index) if plain => Ok((Step::Index(index), after)),
        _ => Err(UNCLOSED),
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Every => f.write_str("[*]")?,
                Step::Key(key) if key.is_empty() || !key.chars().all(is_bare) => write_quoted(f, key)?,
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// Writes a key so that nothing in it hides.
fn write_quoted(f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
    f.write_str("[\"")?;
    for character in key.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            control if control.is_control() || is_hidden(control) => {
                for unit in control.encode_utf16(&mut [0; 2]) {
                    write!(f, "\\u{unit:04x}")?;
                }
            }
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"]")
}

impl fmt::Debug for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FieldPath({self})")
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FieldPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
