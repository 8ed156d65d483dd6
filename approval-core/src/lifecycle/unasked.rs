//! How a call goes on that the policy lets run without asking.

use super::asked::PolicyAnswer;
use crate::model::Text;

/// What matters for that, besides that the policy lets it run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself")]
pub struct Unasked {
    /// Whether what runs demands a proof that people approved it.
    pub needs_proof: bool,
    /// Whether it has a key.
    pub has_key: bool,
    /// Whether it may run only while a window is open.
    pub has_window: bool,
    /// Whether people are notified of it.
    pub informs: bool,
}

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It runs; a line in the journal tells of it.
    AtOnce,
    /// It runs by a request that is approved at once: to be found by its key, to begin in a write that its windows bound,
    /// or for people to be notified of.
    ByRequest,
    /// People are asked all the same.
    AskPeople,
}

impl Unasked {
    /// How it goes on.
    #[must_use]
    pub const fn way(self) -> Way {
        if self.needs_proof {
            // That is given by people alone.
            Way::AskPeople
        } else if self.has_key || self.has_window || self.informs {
            Way::ByRequest
        } else {
            Way::AtOnce
        }
    }
}

/// How a call goes on that ran at once by the first answer of the policy, and that was held, by a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held<'a> {
    /// It runs, by this rule.
    Runs(&'a Text),
    /// It does not run: this rule asks people about it, or lets it run by a request alone. The same call, made again, opens one.
    Asks(&'a Text),
    /// It does not run: this rule denies it.
    Denied {
        /// Name of the rule.
        rule: &'a Text,
        /// Why.
        reason: &'a Text,
    },
}

/// How a held call goes on. `way`: how the same call would go on by this answer if it were made now.
#[must_use]
pub(crate) const fn held<'a>(answer: &PolicyAnswer<'a>, way: Way) -> Held<'a> {
    match *answer {
        PolicyAnswer::Denies { rule, reason } => Held::Denied { rule, reason },
        PolicyAnswer::Asks { rule, .. } => Held::Asks(rule),
        PolicyAnswer::Runs { rule, .. } => match way {
            Way::AtOnce => Held::Runs(rule),
            Way::ByRequest | Way::AskPeople => Held::Asks(rule),
        },
    }
}
