//! Which actions a rule is about: names, and patterns with `*`.

use crate::{
    error::Invalid,
    model::{ActionName, is_like},
};

/// A name, or a pattern in which `*` stands for any text, dots included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Exact(ActionName),
    /// What must stand between the stars, in this order.
    Glob(String),
}

impl Pattern {
    pub(super) fn new(text: &str) -> Result<Self, Invalid> {
        if !text.contains('*') {
            return text.parse().map(Self::Exact);
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._*".contains(c);
        if text.chars().all(allowed) {
            Ok(Self::Glob(text.to_owned()))
        } else {
            Err(Invalid::new(
                "pattern of actions",
                text,
                "has other characters than a-z, 0-9, `_`, `.` and `*`",
            )
            .hint("write it as payments.*"))
        }
    }

    pub(super) fn matches(&self, action: &str) -> bool {
        match self {
            Self::Exact(name) => name.as_str() == action,
            Self::Glob(glob) => is_like(action, glob),
        }
    }

    /// Whether it may stand for several names.
    pub(super) const fn is_glob(&self) -> bool {
        matches!(self, Self::Glob(_))
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Exact(name) => name.as_str(),
            Self::Glob(glob) => glob,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("payments.refund", "payments.refund", true),
            ("payments.refund", "payments.refunds", false),
            ("payments.*", "payments.refund", true),
            ("payments.*", "payments.refund.all", true),
            ("payments.*", "payments", false),
            ("*", "anything.at_all", true),
            ("*.delete", "db.rows.delete", true),
            ("*.delete", "db.delete.rows", false),
            ("db.*.delete*", "db.rows.delete_all", true),
            ("db.*.delete", "db.delete", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*ab*b", "aab", false),
            ("a*b*c", "aXbYc", true),
        ] {
            let pattern = Pattern::new(pattern).unwrap();
            assert_eq!(pattern.matches(name), expected, "{pattern:?} {name}");
        }
    }

    #[test]
    fn what_no_action_can_be_called_is_refused() {
        for bad in ["", "Payments.*", "pay ments", "a..b", "pay/*", "päy*"] {
            assert!(Pattern::new(bad).is_err(), "{bad:?}");
        }
    }
}
