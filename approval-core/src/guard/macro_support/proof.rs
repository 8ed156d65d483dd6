//! What the type of a `#[grant]` parameter proves, checked when the guarded function is compiled.

use super::Running;
use crate::{
    approval_error::ApprovalError,
    manager::{Grant, Provable},
};

/// A type of grant.
#[diagnostic::on_unimplemented(
    message = "a parameter marked `#[grant]` is a `Grant`, not `{Self}`",
    label = "this is no grant",
    note = "write `#[grant] grant: Grant<Refund>`, where `Refund` implements `approval_core::GuardedAction`"
)]
pub trait Proof: Sized {
    /// Name and version of the action that it proves an approval of; `None` where it names none.
    const ACTION: Option<(&'static str, u32)>;

    /// The proof for the body of a call that is about to run.
    ///
    /// # Errors
    /// When no person was asked, or the grant is of another action: the definition of an action whose body takes a grant rules
    /// out the former, [`names_action`] the latter.
    fn given(running: &Running) -> Result<Self, ApprovalError>;
}

impl<A: Provable + ?Sized> Proof for Grant<A> {
    const ACTION: Option<(&'static str, u32)> = A::ACTION;

    fn given(running: &Running) -> Result<Self, ApprovalError> {
        running.grant()
    }
}

/// Whether a grant of type `G` may be given to the body of the action of this name and version.
#[must_use]
pub const fn names_action<G: Proof>(name: &str, version: u32) -> bool {
    match G::ACTION {
        None => true,
        Some((of, its_version)) => version == its_version && is_same(of.as_bytes(), name.as_bytes()),
    }
}

const fn is_same(mut one: &[u8], mut other: &[u8]) -> bool {
    loop {
        match (one, other) {
            ([], []) => return true,
            ([a, rest @ ..], [b, others @ ..]) if *a == *b => {
                one = rest;
                other = others;
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::GuardedAction;

    struct Refund;

    impl GuardedAction for Refund {
        const NAME: &'static str = "payments.refund";
        const VERSION: u32 = 2;
    }

    #[test]
    fn a_grant_is_given_to_the_action_and_version_that_it_names() {
        assert!(names_action::<Grant<Refund>>("payments.refund", 2));
        for (name, version) in [
            ("payments.refund", 1),
            ("payments.refunD", 2),
            ("Payments.refund", 2),
            ("payments.refun", 2),
            ("payments.refunds", 2),
            ("", 2),
        ] {
            assert!(!names_action::<Grant<Refund>>(name, version), "{name:?} version {version}");
        }
        assert!(names_action::<Grant>("payments.refund", 7), "it names none");
    }
}
