//! What can be checked of a condition before there is a call: unknown names, values that do not fit each other.
//!
//! Where a type is not known (arguments are anything), the call decides, and an error then asks people.

mod call;
mod compare;

use cel::{
    IdedExpr,
    common::ast::{ComprehensionExpr, Expr, LiteralValue},
};

use super::{Fault, find, kind::Kind, node::Variable, pattern::Patterns};
use crate::{model::Risk, yaml::nearest};

/// How deep an expression may be: evaluation is recursive, on whatever stack the caller has.
const DEPTH_LIMIT: usize = 16;
/// How deep loops may stand in each other: arguments come from agents, and may be long.
const LOOP_LIMIT: usize = 2;

/// What is known of an expression that passed.
pub(super) struct Checked {
    /// Ways into the arguments that it names.
    pub(super) reads: Vec<String>,
    /// The patterns that it looks for.
    pub(super) patterns: Patterns,
}

/// Checks an expression.
pub(super) fn check(source: &str, expression: &IdedExpr) -> Result<Checked, Vec<Fault>> {
    let mut checker = Checker {
        source,
        faults: Vec::new(),
        bound: Vec::new(),
        depth: 0,
        loops: 0,
        reads: Vec::new(),
        patterns: Patterns::new(),
    };
    if let Some(at) = find::long_number(source) {
        checker.fault(
            at,
            "has more digits than a number with a fraction can have here".to_owned(),
            Some("write at most 15 digits; whole numbers may have 18".to_owned()),
        );
    }
    let kind = checker.kind(expression);
    if !kind.may_be(Kind::Bool) && checker.faults.is_empty() {
        checker.fault(
            0..source.len(),
            format!("is {}, neither true nor false", kind.name()),
            Some("compare it with something, as in cost_usd > 100".to_owned()),
        );
    }
    if checker.faults.is_empty() {
        Ok(Checked { reads: checker.reads, patterns: checker.patterns })
    } else {
        Err(checker.faults)
    }
}

struct Checker<'a> {
    source: &'a str,
    faults: Vec<Fault>,
    /// Variables of loops, innermost last.
    bound: Vec<(String, Kind)>,
    depth: usize,
    loops: usize,
    reads: Vec<String>,
    patterns: Patterns,
}

impl Checker<'_> {
    fn fault(&mut self, at: std::ops::Range<usize>, message: String, hint: Option<String>) {
        let fault = Fault { at, message, hint };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// The same, about what cannot be found again in the source.
    fn fault_somewhere(&mut self, message: String, hint: &str) {
        self.fault(0..self.source.len(), message, Some(hint.to_owned()));
    }

    fn kind(&mut self, expression: &IdedExpr) -> Kind {
        if self.depth >= DEPTH_LIMIT {
            self.fault_somewhere(
                format!("is nested deeper than {DEPTH_LIMIT} levels"),
                "make several rules of it",
            );
            return Kind::Any;
        }
        self.depth += 1;
        let kind = match &expression.expr {
            Expr::Literal(literal) => literal_kind(literal),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(_) => self.selection(expression),
            Expr::Call(_) => self.call(expression),
            Expr::List(list) => {
                for element in &list.elements {
                    self.kind(element);
                }
                Kind::List
            }
            Expr::Map(_) | Expr::Struct(_) => {
                self.fault_somewhere(
                    "has a map or a message of its own".to_owned(),
                    "compare arguments one by one",
                );
                Kind::Any
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Unspecified => Kind::Any,
        };
        self.depth -= 1;
        kind
    }

    fn variable(&mut self, name: &str) -> Kind {
        if let Some((_, kind)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return *kind;
        }
        if let Some(kind) = super::kind::variable(name) {
            return kind;
        }
        let names = Variable::ALL.map(|(name, _)| name);
        let known = names.join(", ");
        let hint = match nearest(name, names) {
            Some(word) => format!("did you mean `{word}`? known: {known}"),
            None => format!("arguments are args.{name}; known: {known}"),
        };
        self.fault(find::word(self.source, name), format!("unknown variable `{name}`"), Some(hint));
        Kind::Any
    }

    fn selection(&mut self, expression: &IdedExpr) -> Kind {
        self.note_path(expression);
        let Expr::Select(select) = &expression.expr else { return Kind::Any };
        let (field, test) = (select.field.clone(), select.test);
        let on = self.kind(&select.operand);
        if !on.may_be(Kind::Map) {
            let is_now = matches!(&select.operand.expr, Expr::Ident(name) if name == "now");
            let hint = if is_now {
                format!("did you mean `now.{field}()`?")
            } else {
                "only `args`, and maps in it, have fields".to_owned()
            };
            self.fault(
                find::anywhere(self.source, &format!(".{field}")),
                format!("{} has no field `{field}`", on.name()),
                Some(hint),
            );
        }
        if test { Kind::Bool } else { Kind::Any }
    }

    /// Keeps the way into the arguments that is spelled out: `args.customer.name`, `args["customer"]`.
    fn note_path(&mut self, expression: &IdedExpr) {
        let mut parts: Vec<&str> = Vec::new();
        let mut at = &expression.expr;
        loop {
            match at {
                Expr::Select(select) => {
                    parts.push(&select.field);
                    at = &select.operand.expr;
                }
                Expr::Call(call) if call.func_name == cel::common::ast::operators::INDEX => {
                    let [on, index] = call.args.as_slice() else { return };
                    if let Expr::Literal(LiteralValue::String(key)) = &index.expr {
                        parts.push(key.inner());
                    }
                    at = &on.expr;
                }
                Expr::Ident(name) if name == "args" && !self.bound.iter().any(|(bound, _)| bound == name) => {
                    break;
                }
                Expr::Unspecified
                | Expr::Call(_)
                | Expr::Comprehension(_)
                | Expr::Ident(_)
                | Expr::List(_)
                | Expr::Literal(_)
                | Expr::Map(_)
                | Expr::Struct(_) => return,
            }
        }
        parts.reverse();
        self.reads.push(parts.join("."));
    }

    fn comprehension(&mut self, of: &ComprehensionExpr) -> Kind {
        let range = self.kind(&of.iter_range);
        if !range.may_be(Kind::List) && range != Kind::Map {
            self.fault_somewhere(
                format!("goes through {} as if it were a list", range.name()),
                "all, exists, map and filter need a list or a map",
            );
        }
        let accumulator = self.kind(&of.accu_init);
        if self.loops >= LOOP_LIMIT {
            self.fault_somewhere(
                format!("has loops nested deeper than {LOOP_LIMIT}"),
                "arguments may be long: look through one list at a time",
            );
            return Kind::Any;
        }
        self.loops += 1;
        let before = self.bound.len();
        self.bound.push((of.iter_var.clone(), Kind::Any));
        self.bound.extend(of.iter_var2.iter().map(|name| (name.clone(), Kind::Any)));
        self.bound.push((of.accu_var.clone(), accumulator));
        self.kind(&of.loop_cond);
        self.kind(&of.loop_step);
        let kind = self.kind(&of.result);
        self.bound.truncate(before);
        self.loops -= 1;
        kind
    }

    /// A text that stands where a level of risk is meant.
    fn risk_word(&mut self, expression: &IdedExpr) {
        let Expr::Literal(LiteralValue::String(word)) = &expression.expr else { return };
        let word = word.inner().to_owned();
        if word.parse::<Risk>().is_err() {
            let levels: Vec<&str> = Risk::ALL.iter().map(|risk| risk.as_str()).collect();
            let hint = match nearest(&word, levels.iter().copied()) {
                Some(level) => format!("did you mean `{level}`? known: {}", levels.join(", ")),
                None => format!("known: {}", levels.join(", ")),
            };
            self.fault(
                find::anywhere(self.source, &word),
                format!("`{word}` is no level of risk"),
                Some(hint),
            );
        }
    }
}

const fn literal_kind(literal: &LiteralValue) -> Kind {
    match literal {
        LiteralValue::Boolean(_) => Kind::Bool,
        LiteralValue::Bytes(_) => Kind::Bytes,
        LiteralValue::Double(_) => Kind::Double,
        LiteralValue::Int(_) => Kind::Int,
        LiteralValue::Null => Kind::Null,
        LiteralValue::String(_) => Kind::Text,
        LiteralValue::UInt(_) => Kind::Uint,
    }
}
