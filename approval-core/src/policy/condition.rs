//! Conditions of rules: expressions of the Common Expression Language (CEL) over a call.
//!
//! | name | type | |
//! |---|---|---|
//! | `action` | text | name of the action, `payments.refund` |
//! | `args` | map | its arguments; a missing one is an error, `has(args.note)` asks whether it is there |
//! | `agent` | text | `agent:worker-3` |
//! | `on_behalf_of` | text or null | the person behind the agent, `user:ann@example.com` |
//! | `run` | text or null | |
//! | `risk` | risk | ordered: `risk >= "high"` |
//! | `cost_usd` | amount or null | exact; null where the action has no cost |
//! | `spent_usd` | amount | what earlier calls of this agent in this run (outside of any run: outside of any run) have cost within 24 hours |
//! | `now` | timestamp | `now.getHours("Europe/Berlin")`, `now.getDayOfWeek()` (0 is Sunday), without a zone in UTC |
//!
//! **Optional values.** `run`, `on_behalf_of` and `cost_usd` are null where a call has none: `on_behalf_of != null && …`. An argument that is
//! missing is an error; `has(args.note)` asks whether it is there.
//!
//! **Numbers** are exact, and whether one has a fraction makes no difference: `args.net * 1.19 > 1000.0` is right for 80 as for 79.5,
//! and `/` does not round. (In this it differs from CEL, where 79 / 2 is 39: `int(x)` cuts a fraction off.) A credit counts in
//! `cost_usd` by its amount without the sign.
//!
//! **Errors.** What cannot be answered is an error, never a guess: a missing argument, text compared with a number, a result of more than
//! 38 digits, a cost in another currency. Both sides of `&&` and `||` follow CEL: where one side decides alone, an error of the other
//! does not matter. A rule whose condition fails counts as the stricter of `ask` and its own outcome.
//!
//! **Secrets.** A condition that looks at a redacted value fails as a whole, however it gets there: by name, in a loop, through an index,
//! by comparing or searching what holds it, by `has`. How many members a map has and what they are called is no secret.
//!
//! **Bounds.** A condition makes at most 500,000 steps with one call, all conditions that are looked at together 2,000,000: about one step for each
//! operation, each element of a list, each 16 bytes of text and each 16 bytes of the texts and lists that it makes. What needs more fails. So what
//! a condition makes takes at most 8 MB; while a list grows it may take three times as much. Patterns of `matches` are written in the file, and
//! compiled to at most 256 KB; the crate `regex` keeps up to 2 MB more of each for each thread that looks with it at the same time.
//!
//! Source: the CEL specification (<https://github.com/google/cel-spec>). The crate `cel` reads the expressions; they are evaluated here, so that
//! the rules above hold.

mod check;
mod eval;
mod find;
mod kind;
mod moment;
mod node;
mod number;
mod pattern;
mod scope;
mod value;

#[cfg(test)]
mod tests;

use std::ops::Range;

use cel::parser::PrattParser;

use node::Node;
pub(super) use scope::{Scope, is_usd};
use value::Value;

use crate::model::Text;

/// Longest source of a condition, in bytes.
pub const CONDITION_LIMIT: usize = 1024;
/// How deep a condition may nest when it is parsed.
const PARSE_DEPTH: u16 = 40;

/// A condition, parsed and checked.
#[derive(Debug)]
pub(super) struct Condition {
    source: Text,
    expression: Node,
    /// Ways into the arguments that it names, such as `customer.name`.
    reads: Vec<String>,
    pattern_bytes: usize,
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
        let expression = parser.parse(source).map_err(|errors| {
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
        let check::Checked { reads, patterns } = check::check(source, &expression)?;
        let expression = node::lower(expression, &patterns)
            .map_err(|message| whole(message, "write it in another way"))?;
        let pattern_bytes = patterns.values().map(pattern::Pattern::bytes).sum();
        Ok(Self { source: source.into(), expression, reads, pattern_bytes })
    }

    /// What was written.
    pub(super) const fn source(&self) -> &Text {
        &self.source
    }

    /// How much memory its patterns may take, in bytes.
    pub(super) const fn pattern_bytes(&self) -> usize {
        self.pattern_bytes
    }

    /// Whether it holds.
    pub(super) fn holds(&self, scope: &Scope<'_>) -> Result<bool, String> {
        if let Some(secret) = scope.secret_among(&self.reads) {
            return Err(format!("args.{secret} is secret: conditions do not see it"));
        }
        let value = scope.evaluate(&self.expression)?;
        if let Value::Bool(holds) = value {
            return Ok(holds);
        }
        Err(format!("it is of type {}, neither true nor false", value.type_name()))
    }

    /// Whether it says the same for every call.
    pub(super) const fn is_constant(&self) -> bool {
        matches!(self.expression, Node::Literal(_) | Node::Text(_) | Node::Bytes(_))
    }
}
