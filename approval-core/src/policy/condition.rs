//! Conditions of rules: expressions of the Common Expression Language (CEL) over a call.
//!
//! | name | type | |
//! |---|---|---|
//! | `action` | text | name of the action, `payments.refund` |
//! | `args` | map | its arguments; a missing one is an error, `has(args.note)` asks whether it is there |
//! | `agent` | text | `agent:worker-3` |
//! | `run` | text or null | |
//! | `risk` | risk | ordered: `risk >= "high"` |
//! | `cost_usd` | amount or null | exact; null where the action has no cost |
//! | `spent_usd` | amount | what earlier calls of this agent in this run (outside of any run: outside of any run) have cost within 24 hours |
//! | `now` | timestamp | `now.getHours("Europe/Berlin")`, `now.getDayOfWeek()` (0 is Sunday), without a zone in UTC |
//!
//! What cannot be answered is an error, never a guess: a missing argument, text compared with a number, an integer beyond
//! 64 bits, a cost in another currency. Both sides of `&&` and `||` follow CEL: where one side decides alone, an error of
//! the other does not matter.
//!
//! Source: the CEL specification (<https://github.com/google/cel-spec>).

mod arguments;
mod check;
mod find;
mod kind;
mod moment;
mod money;
mod risk;
mod scope;

#[cfg(test)]
mod tests;

use std::ops::Range;

use cel::{Context, IdedExpr, Value, common::ast::Expr, parser::PrattParser};

pub(super) use scope::{Scope, is_usd};

use crate::model::Text;

/// Longest source of a condition, in bytes.
pub const CONDITION_LIMIT: usize = 1024;
/// How deep a condition may nest when it is parsed.
const PARSE_DEPTH: u16 = 40;

/// A condition, parsed and checked.
#[derive(Debug)]
pub(super) struct Condition {
    source: Text,
    expression: IdedExpr,
    /// Ways into the arguments that it names, such as `customer.name`.
    reads: Vec<String>,
}

/// What is wrong with a condition, and where in its source, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: Range<usize>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Condition {
    /// Parses and checks the source.
    pub(super) fn compile(source: &str) -> Result<Self, Vec<Fault>> {
        let whole = |message: String, hint: &str| {
            vec![Fault { at: 0..source.len(), message, hint: Some(hint.to_owned()) }]
        };
        if source.len() > CONDITION_LIMIT {
            let message = format!("is {} bytes long; a condition may have {CONDITION_LIMIT}", source.len());
            return Err(whole(message, "make several rules of it"));
        }
        if source.trim().is_empty() {
            return Err(whole(
                "is empty".to_owned(),
                "write a condition such as cost_usd > 100, or leave `when` out",
            ));
        }
        let parser = PrattParser::new().max_recursion_depth(PARSE_DEPTH);
        let mut expression = parser.parse(source).map_err(|errors| {
            let mut faults: Vec<Fault> = errors
                .errors
                .iter()
                .map(|error| Fault {
                    at: find::position(source, error.pos),
                    message: format!("cannot be read: {}", error.msg.trim_start_matches("Syntax error: ")),
                    hint: None,
                })
                .collect();
            faults.truncate(1); // What follows a first error mostly follows from it.
            faults
        })?;
        let reads = check::check(source, &mut expression)?;
        Ok(Self { source: source.into(), expression, reads })
    }

    /// What was written.
    pub(super) const fn source(&self) -> &Text {
        &self.source
    }

    /// Whether it holds.
    pub(super) fn holds(&self, scope: &Scope<'_>, context: &Context<'_, '_>) -> Result<bool, String> {
        if let Some(secret) = scope.secret_among(&self.reads) {
            return Err(format!("args.{secret} is secret: conditions do not see it"));
        }
        // `resolve_val` would be compiled into this crate, as often without optimisation and with huge frames.
        match Value::resolve(&self.expression, context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(format!("it is a {}, neither true nor false", other.type_of())),
            Err(error) => Err(scope.why().unwrap_or_else(|| find::told(&error))),
        }
    }

    /// Whether it says the same for every call.
    pub(super) const fn is_constant(&self) -> bool {
        matches!(self.expression.expr, Expr::Literal(_))
    }
}
