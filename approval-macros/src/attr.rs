//! The keys of `#[guarded_action(…)]`, as written.

pub(crate) mod choice;
pub(crate) mod cost;
mod currency;
pub(crate) mod duration;
pub(crate) mod key;
pub(crate) mod name;
mod parse;
pub(crate) mod path;
pub(crate) mod people;
pub(crate) mod principal;
mod stream;
pub(crate) mod template;
#[cfg(test)]
mod tests;
pub(crate) mod window;

use std::time::Duration;

use proc_macro2::{Ident, Span};
use syn::{Expr, LitStr, Path, Type};

use choice::{Mode, OnTimeout, Priority, Risk};
use cost::Cost;
use path::FieldPath;
use people::{Escalation, Remind, Requirement};
use template::Template;
use window::Window;

pub(crate) use parse::{absolute_path, parse};
pub(crate) use people::{once, unknown};
pub(crate) use stream::{each_item_in, string};

/// A value and where it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// How long people have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timeout {
    After(Duration),
    Never,
}

/// Everything that an attribute may say. What was not said is `None` or empty.
#[derive(Default)]
pub(crate) struct Attributes {
    /// The keys that were written, also where their value was refused.
    pub(crate) given: Vec<&'static str>,
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) version: Option<Spanned<u32>>,
    pub(crate) kind: Option<LitStr>,
    pub(crate) description: Option<Template>,
    pub(crate) risk: Option<Spanned<Risk>>,
    pub(crate) cost: Option<Cost>,
    pub(crate) priority: Option<Spanned<Priority>>,
    pub(crate) approvers: Option<Ident>,
    /// The first `require` beside `approvers(…)`, not inside.
    pub(crate) require: Option<Ident>,
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) escalations: Vec<Escalation>,
    pub(crate) remind: Option<Remind>,
    pub(crate) timeout: Option<Spanned<Timeout>>,
    pub(crate) on_timeout: Option<Spanned<OnTimeout>>,
    pub(crate) wait: Option<Spanned<Duration>>,
    pub(crate) grant_ttl: Option<Spanned<Duration>>,
    pub(crate) run_window: Option<Window>,
    pub(crate) mode: Option<Spanned<Mode>>,
    pub(crate) manager: Option<Expr>,
    pub(crate) key: Option<Expr>,
    pub(crate) attachments: Option<Expr>,
    pub(crate) preview: Option<Expr>,
    pub(crate) preview_timeout: Option<Spanned<Duration>>,
    pub(crate) editable: Option<Vec<FieldPath>>,
    pub(crate) redact: Option<Vec<FieldPath>>,
    pub(crate) skip: Option<Vec<FieldPath>>,
    pub(crate) refuse_with: Option<Path>,
    pub(crate) failed_if: Option<Path>,
    pub(crate) reject_options: Option<Type>,
    pub(crate) veto: Option<Spanned<u32>>,
    pub(crate) credits: Option<Span>,
    pub(crate) idempotent: Option<Span>,
    pub(crate) replay: Option<Span>,
    pub(crate) allow_self_approval: Option<bool>,
    pub(crate) cancel_on_drop: Option<Span>,
    pub(crate) root: Option<Path>,
}

impl Attributes {
    /// Whether `key` was written, even if its value was refused.
    pub(crate) fn is_given(&self, key: &str) -> bool {
        self.given.contains(&key)
    }
}
