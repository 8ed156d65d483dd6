//! The tree of what stands in a file.

use super::mistake::Place;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    /// Where it begins in the text, in bytes.
    pub(super) at: Option<usize>,
    pub(super) value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    /// In the order of the file. Keys are scalars.
    Map(Vec<(Node, Node)>),
}

/// A text, and how it was written.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Without quotes on one line: may be a number, `true` or nothing.
    Plain,
    /// In quotes.
    Quoted,
    /// A block after `|` or `>`.
    Block,
}

impl Scalar {
    /// Whether nothing is written, or one of YAML's words for nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.style == Style::Plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Node {
    /// What it is, for a message.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) if scalar.is_empty() => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map of keys and values",
        }
    }
}
