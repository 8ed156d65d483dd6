//! Values of conditions.

use std::{cmp::Ordering, ops::Deref, sync::Arc};

use super::number::{Form, Number};
use crate::{
    clock::Timestamp,
    model::{Risk, canonical::Tree},
};

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value<'v> {
    Null,
    Bool(bool),
    Number(Number),
    /// An amount in US dollars.
    Amount(Number),
    Text(Words<'v>),
    Bytes(&'v [u8]),
    Moment(Timestamp),
    /// Ordered as risks are; compares with its word.
    Risk(Risk),
    /// A list or a map of the arguments.
    Json(&'v Tree<'v>),
    /// A list that the condition makes.
    List(Arc<[Self]>),
    /// A type, as in `type(args.x) == int`.
    Type(&'static str),
}

/// A text. A copy of it takes no memory: however often a condition puts one into lists, there is one.
#[derive(Clone, Debug)]
pub(super) enum Words<'v> {
    /// Of the call, or of the condition itself.
    Lent(&'v str),
    /// One that the condition made.
    Made(Arc<str>),
}

impl Deref for Words<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Lent(text) => text,
            Self::Made(text) => text,
        }
    }
}

/// Names of the types that a condition can name.
pub(super) const TYPES: [&str; 10] =
    ["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"];

impl Value<'_> {
    /// The name of its type.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Number(Number { form: Form::Int, .. }) => "int",
            Self::Number(Number { form: Form::Uint, .. }) => "uint",
            Self::Number(Number { form: Form::Double, .. }) => "double",
            Self::Amount(_) => "amount",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Moment(_) => "timestamp",
            Self::Risk(_) => "risk",
            Self::Json(Tree::List(_)) | Self::List(_) => "list",
            Self::Json(_) => "map",
            Self::Type(_) => "type",
        }
    }

    /// The number that it is, of money or not.
    pub(super) const fn number(&self) -> Option<Number> {
        match self {
            Self::Number(number) | Self::Amount(number) => Some(*number),
            Self::Null
            | Self::Bool(_)
            | Self::Text(_)
            | Self::Bytes(_)
            | Self::Moment(_)
            | Self::Risk(_)
            | Self::Json(_)
            | Self::List(_)
            | Self::Type(_) => None,
        }
    }

    /// The level of risk that it is, or names.
    fn level(&self) -> Option<Risk> {
        match self {
            Self::Risk(risk) => Some(*risk),
            Self::Text(word) => Risk::ALL.iter().copied().find(|risk| risk.as_str() == &**word),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Amount(_)
            | Self::Bytes(_)
            | Self::Moment(_)
            | Self::Json(_)
            | Self::List(_)
            | Self::Type(_) => None,
        }
    }

    /// Which of two single values is less. `None`: they are not comparable.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(_) | Self::Amount(_), _) => Some(self.number()?.compare(&other.number()?)),
            (Self::Risk(_), _) | (_, Self::Risk(_)) => Some(self.level()?.cmp(&other.level()?)),
            (Self::Bool(one), Self::Bool(other)) => Some(one.cmp(other)),
            (Self::Text(one), Self::Text(other)) => Some((**one).cmp(&**other)),
            (Self::Bytes(one), Self::Bytes(other)) => Some(one.cmp(other)),
            (Self::Moment(one), Self::Moment(other)) => Some(one.cmp(other)),
            (
                Self::Null
                | Self::Bool(_)
                | Self::Text(_)
                | Self::Bytes(_)
                | Self::Moment(_)
                | Self::Json(_)
                | Self::List(_)
                | Self::Type(_),
                _,
            ) => None,
        }
    }
}

/// Whether two values that are no lists and no maps are equal. Values of different types are not.
pub(super) fn same(one: &Value<'_>, other: &Value<'_>) -> bool {
    match (one, other) {
        (Value::Null, Value::Null) => true,
        (Value::Type(one), Value::Type(other)) => one == other,
        _ => one.order(other) == Some(Ordering::Equal),
    }
}
