//! Operators and functions.

use cel::{
    IdedExpr,
    common::ast::{CallExpr, Expr, LiteralValue, operators},
};

use super::{Checker, Kind};
use crate::{
    policy::condition::{
        find,
        kind::{Signature, function_names, functions},
        moment,
        pattern::Pattern,
    },
    yaml::nearest,
};

impl Checker<'_> {
    pub(super) fn call(&mut self, expression: &IdedExpr) -> Kind {
        self.index_path(expression);
        let Expr::Call(call) = &expression.expr else { return Kind::Any };
        let kinds: Vec<Kind> = call.args.iter().map(|argument| self.kind(argument)).collect();
        if call.target.is_none() {
            match (call.func_name.as_str(), kinds.as_slice()) {
                (operators::IN, [left, right]) => {
                    let (left, right) = (*left, *right);
                    return self.membership(call, left, right);
                }
                (name, kinds) => {
                    let name = name.to_owned();
                    if let Some(kind) = self.operator(call, &name, kinds) {
                        return kind;
                    }
                }
            }
        }
        self.function(call, &kinds)
    }

    fn index_path(&mut self, expression: &IdedExpr) {
        if matches!(&expression.expr, Expr::Call(call) if call.func_name == operators::INDEX) {
            self.note_path(expression);
        }
    }

    fn operator(&mut self, call: &CallExpr, name: &str, kinds: &[Kind]) -> Option<Kind> {
        Some(match (name, kinds) {
            (operators::CONDITIONAL, [condition, yes, no]) => {
                self.boolean(&[*condition], "?");
                if yes == no { *yes } else { Kind::Any }
            }
            (operators::LOGICAL_AND, sides) => self.boolean(sides, "&&"),
            (operators::LOGICAL_OR, sides) => self.boolean(sides, "||"),
            (operators::LOGICAL_NOT, sides) => self.boolean(sides, "!"),
            (operators::NOT_STRICTLY_FALSE, _) => Kind::Bool,
            (
                operators::EQUALS
                | operators::NOT_EQUALS
                | operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS,
                [left, right],
            ) => self.comparison(call, *left, *right),
            (
                operators::ADD
                | operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO,
                [left, right],
            ) => self.arithmetic(name, *left, *right),
            (operators::NEGATE, [kind]) => {
                if !kind.is_number() || *kind == Kind::Amount || *kind == Kind::Uint {
                    self.fault_somewhere(
                        format!("puts a minus before {}", kind.name()),
                        "only numbers can be negative",
                    );
                }
                *kind
            }
            (operators::INDEX, [on, _]) => {
                if !on.may_be(Kind::Map) && *on != Kind::List {
                    self.fault_somewhere(
                        format!("takes a part of {} with [ ]", on.name()),
                        "only lists and maps have parts",
                    );
                }
                Kind::Any
            }
            _ => return None,
        })
    }

    fn boolean(&mut self, sides: &[Kind], sign: &str) -> Kind {
        if let Some(side) = sides.iter().find(|side| !side.may_be(Kind::Bool)) {
            self.fault_somewhere(
                format!("`{sign}` is applied to {}, which is neither true nor false", side.name()),
                "compare it with something first",
            );
        }
        Kind::Bool
    }

    fn arithmetic(&mut self, name: &str, left: Kind, right: Kind) -> Kind {
        let sign = name.trim_matches('_');
        let amount = left == Kind::Amount || right == Kind::Amount;
        if amount && left != Kind::Amount {
            self.fault_somewhere(
                format!("has {} before an amount of money at `{sign}`", left.name()),
                "write the amount first, as in cost_usd * 2",
            );
            return Kind::Amount;
        }
        if amount && (!right.is_number() || name == operators::MODULO) {
            self.fault_somewhere(
                format!("`{sign}` joins an amount of money and {}", right.name()),
                "amounts go with numbers",
            );
            return Kind::Amount;
        }
        if amount {
            return Kind::Amount;
        }
        let joins = left.is_number() && right.is_number()
            || name == operators::ADD && matches!(left, Kind::Text | Kind::List | Kind::Any | Kind::Bytes);
        if !joins || !(left.may_be(right) || left.is_number() && right.is_number()) {
            self.fault_somewhere(
                format!("`{sign}` joins {} and {}", left.name(), right.name()),
                "both sides must be of one kind: int(x), double(x) and string(x) convert",
            );
        }
        match (left, right) {
            (Kind::Int, Kind::Int) if name != operators::DIVIDE => Kind::Int,
            (Kind::Any, Kind::Any) => Kind::Any,
            (left, right) if left.is_number() && right.is_number() => Kind::Double,
            (Kind::Any, right) => right,
            (left, _) => left,
        }
    }

    fn function(&mut self, call: &CallExpr, kinds: &[Kind]) -> Kind {
        let on = call.target.as_ref().map(|target| self.kind(target));
        let name = call.func_name.as_str();
        let known = functions(name);
        let place = find::anywhere(self.source, name);
        if known.is_empty() {
            let names = function_names();
            let hint = match nearest(name, names.iter().copied()) {
                Some(word) => format!("did you mean `{word}`? known: {}", names.join(", ")),
                None => format!("known: {}", names.join(", ")),
            };
            self.fault(place, format!("unknown function `{name}`"), Some(hint));
            return Kind::Any;
        }
        let fits = |function: &&Signature| {
            let target = match (function.on, on) {
                (None, None) => true,
                (Some(may), Some(is)) => may.iter().any(|kind| kind.may_be(is)),
                (None, Some(_)) | (Some(_), None) => false,
            };
            let handed = function.takes.len() == kinds.len()
                && function.takes.iter().zip(kinds).all(|(takes, given)| takes.may_be(*given));
            target && handed
        };
        let Some(function) = known.iter().find(fits) else {
            let forms: Vec<String> = known.iter().map(form).collect();
            let message = format!("`{name}` cannot be used like this");
            self.fault(place, message, Some(format!("write it as {}", forms.join(" or "))));
            return known.first().map_or(Kind::Any, |function| function.gives);
        };
        let gives = function.gives;
        self.constants(call);
        gives
    }

    /// Constants that are wrong whatever is called: patterns, time zones, timestamps.
    fn constants(&mut self, call: &CallExpr) {
        let name = call.func_name.as_str();
        let last = match call.args.last().map(|argument| &argument.expr) {
            Some(Expr::Literal(LiteralValue::String(text))) => Some(text.inner().to_owned()),
            _ => None,
        };
        match (name, last) {
            ("matches", None) => self.fault(
                find::anywhere(self.source, name),
                "`matches` has a pattern that is not written here".to_owned(),
                Some("write the pattern as a text: a pattern from outside could be anything".to_owned()),
            ),
            ("matches", Some(text)) => match Pattern::compile(&text) {
                Ok(pattern) => {
                    self.patterns.insert(text, pattern);
                }
                Err(why) => self.fault(
                    find::anywhere(self.source, &text),
                    why,
                    Some("a pattern is written in the syntax of the crate regex".to_owned()),
                ),
            },
            (_, Some(zone)) if name.starts_with("get") && moment::zone(&zone).is_none() => self.fault(
                find::anywhere(self.source, &zone),
                format!("there is no time zone `{zone}`"),
                Some("write a name such as Europe/Berlin, or an offset such as +02:00".to_owned()),
            ),
            ("timestamp", Some(text)) if text.parse::<crate::clock::Timestamp>().is_err() => self.fault(
                find::anywhere(self.source, &text),
                format!("`{text}` is no timestamp"),
                Some("write it as 2026-12-24T18:00:00Z".to_owned()),
            ),
            _ => {}
        }
    }
}

/// How a function is written.
fn form(function: &Signature) -> String {
    let takes: Vec<&str> = function.takes.iter().map(|kind| kind.name()).collect();
    match function.on.and_then(<[Kind]>::first) {
        Some(on) => format!("x.{}({}) on {}", function.name, takes.join(", "), on.name()),
        None => format!("{}({})", function.name, takes.join(", ")),
    }
}
