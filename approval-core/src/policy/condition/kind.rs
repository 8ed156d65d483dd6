//! Types of expressions, as far as they are known before a call.

use super::moment::PARTS;

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Known only when there is a call.
    Any,
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Null,
    List,
    Map,
    Moment,
    Risk,
    Amount,
    /// A type itself, as in `type(args.x) == int`.
    Type,
}

impl Kind {
    /// What people call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::Bool => "true or false",
            Self::Int | Self::Uint => "a whole number",
            Self::Double => "a number with a fraction",
            Self::Text => "a text",
            Self::Bytes => "bytes",
            Self::Null => "null",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Moment => "a timestamp",
            Self::Risk => "a risk",
            Self::Amount => "an amount of money",
            Self::Type => "a type",
        }
    }

    pub(super) const fn is_number(self) -> bool {
        matches!(self, Self::Any | Self::Int | Self::Uint | Self::Double | Self::Amount)
    }

    /// Whether it may be this one.
    pub(super) fn may_be(self, other: Self) -> bool {
        self == Self::Any || other == Self::Any || self == other
    }

    /// Whether two values may be ordered, or be equal.
    pub(super) fn compares_with(self, other: Self) -> bool {
        self.may_be(other)
            || (self.is_number() && other.is_number())
            || matches!((self, other), (Self::Risk, Self::Text) | (Self::Text, Self::Risk))
    }

    /// Whether there is a lesser and a greater of it.
    pub(super) const fn is_ordered(self) -> bool {
        !matches!(self, Self::Null | Self::List | Self::Map | Self::Type)
    }
}

/// The type of a variable.
pub(super) fn variable(name: &str) -> Option<Kind> {
    Some(match name {
        // `on_behalf_of`, `run` and `cost_usd` may also be null, with which everything can be compared.
        "action" | "agent" | "on_behalf_of" | "run" => Kind::Text,
        "args" => Kind::Map,
        "risk" => Kind::Risk,
        "cost_usd" | "spent_usd" => Kind::Amount,
        "now" => Kind::Moment,
        // Names of types.
        "bool" | "int" | "uint" | "double" | "string" | "bytes" | "list" | "map" | "null_type" | "type" => {
            Kind::Type
        }
        _ => return None,
    })
}

/// A function: what it may be applied to, what it takes, and what comes out.
pub(super) struct Signature {
    pub(super) name: &'static str,
    /// `None`: it is not called on a value.
    pub(super) on: Option<&'static [Kind]>,
    /// Each list: what may be handed over.
    pub(super) takes: &'static [Kind],
    pub(super) gives: Kind,
}

const TEXT: &[Kind] = &[Kind::Text];
const SIZED: &[Kind] = &[Kind::Text, Kind::Bytes, Kind::List, Kind::Map];
const MOMENT: &[Kind] = &[Kind::Moment];

const fn on(name: &'static str, on: &'static [Kind], takes: &'static [Kind], gives: Kind) -> Signature {
    Signature { name, on: Some(on), takes, gives }
}

const fn plain(name: &'static str, takes: &'static [Kind], gives: Kind) -> Signature {
    Signature { name, on: None, takes, gives }
}

const FUNCTIONS: [Signature; 15] = [
    on("contains", TEXT, TEXT, Kind::Bool),
    on("startsWith", TEXT, TEXT, Kind::Bool),
    on("endsWith", TEXT, TEXT, Kind::Bool),
    on("matches", TEXT, TEXT, Kind::Bool),
    plain("matches", &[Kind::Text, Kind::Text], Kind::Bool),
    on("size", SIZED, &[], Kind::Int),
    plain("size", &[Kind::Any], Kind::Int),
    plain("string", &[Kind::Any], Kind::Text),
    plain("int", &[Kind::Any], Kind::Int),
    plain("uint", &[Kind::Any], Kind::Uint),
    plain("double", &[Kind::Any], Kind::Double),
    plain("bool", &[Kind::Any], Kind::Bool),
    plain("dyn", &[Kind::Any], Kind::Any),
    plain("type", &[Kind::Any], Kind::Type),
    plain("timestamp", TEXT, Kind::Moment),
];

/// The functions of a name.
pub(super) fn functions(name: &str) -> Vec<Signature> {
    let mut found: Vec<Signature> = FUNCTIONS.into_iter().filter(|function| function.name == name).collect();
    if let Some((part, _)) = PARTS.iter().find(|(part, _)| *part == name) {
        found.push(on(part, MOMENT, &[], Kind::Int));
        found.push(on(part, MOMENT, TEXT, Kind::Int));
    }
    found
}

/// Names of all functions, macros among them.
pub(super) fn function_names() -> Vec<&'static str> {
    let macros = ["has", "all", "exists", "exists_one", "map", "filter"];
    let mut names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    names.extend(PARTS.iter().map(|(name, _)| *name));
    names.extend(macros);
    names.dedup();
    names
}
