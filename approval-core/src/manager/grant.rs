//! Proof by type: what a grant proves, and of which action.

use std::{fmt, marker::PhantomData, sync::Arc};

use crate::{
    approval_error::{About, ApprovalError},
    id::GrantId,
    lifecycle::{self, Refusal},
    model::{ActionInfo, Principal, Request, Vote},
};

/// Ties a type to an action, so that a [`Grant`] of this type proves an approval of this action and of no other.
///
/// ```
/// use approval_core::{Grant, GuardedAction};
///
/// struct Refund;
///
/// impl GuardedAction for Refund {
///     const NAME: &'static str = "payments.refund";
///     const VERSION: u32 = 2; // 1 if it is left out
/// }
///
/// /// Cannot be called without an approval of `payments.refund`, version 2.
/// fn pay_out(proof: &Grant<Refund>, cents: u64) {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no action, so a `Grant<{Self}>` proves nothing",
    label = "this type is not tied to an action",
    note = "tie it to the action: `impl approval_core::GuardedAction for {Self} {{ const NAME: &'static str = \"…\"; }}`",
    note = "or write `Grant`, which proves an approval without naming the action"
)]
pub trait GuardedAction {
    /// The name of the action, such as `payments.refund`.
    const NAME: &'static str;
    /// The version of the action.
    const VERSION: u32 = 1;
}

/// What a [`Grant`] can be of: a type that is tied to an action ([`GuardedAction`]), or `()`, which names no action.
///
/// Implemented by this crate alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no action, so a `Grant<{Self}>` proves nothing",
    label = "this type is not tied to an action",
    note = "tie it to the action: `impl approval_core::GuardedAction for {Self} {{ const NAME: &'static str = \"…\"; }}`",
    note = "or write `Grant`, which proves an approval without naming the action"
)]
pub trait Provable: sealed::Sealed {
    /// Name and version of the action; `None` for `()`.
    const ACTION: Option<(&'static str, u32)>;
}

#[diagnostic::do_not_recommend]
impl<A: GuardedAction + ?Sized> Provable for A {
    const ACTION: Option<(&'static str, u32)> = Some((A::NAME, A::VERSION));
}

impl Provable for () {
    const ACTION: Option<(&'static str, u32)> = None;
}

mod sealed {
    #[expect(unnameable_types, reason = "keeps others from implementing the trait")]
    pub trait Sealed {}

    #[diagnostic::do_not_recommend]
    impl<A: super::GuardedAction + ?Sized> Sealed for A {}

    impl Sealed for () {}
}

/// Proof that people approved the action `A` with the arguments that run, themselves, by a standing approval, or by a timeout
/// rule that approves when they say nothing. What the policy let run without asking gives none. Given to the body by the guard alone. It cannot be
/// made or copied by others, so a function that takes one cannot be called without an approval of that action.
///
/// `A` is tied to the action by [`GuardedAction`]. `Grant` without a type (`Grant<()>`) proves an approval of some action,
/// for guards whose actions are data; [`Grant::typed`] checks which one it is.
pub struct Grant<A: ?Sized = ()> {
    request: Arc<Request>,
    id: GrantId,
    action: PhantomData<fn() -> Box<A>>,
}

impl<A: ?Sized> fmt::Debug for Grant<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("id", &self.id)
            .field("request", &self.request.id)
            .finish_non_exhaustive()
    }
}

impl<A: Provable + ?Sized> Grant<A> {
    /// The proof that the spent grant `id` of `request` gives.
    ///
    /// # Errors
    /// When the request is for another action than `A`, or the policy let it run without asking.
    pub(super) fn of(request: Arc<Request>, id: GrantId) -> Result<Self, ApprovalError> {
        proves::<A>(&request)?;
        Ok(Self { request, id, action: PhantomData })
    }
}

impl Grant {
    /// The same proof as one of the action `A`.
    ///
    /// The grant is spent when there is a proof. What is wrong is found before that by [`crate::Runner::proving`],
    /// [`crate::guard::Guard::proving`], [`crate::guard::Authorization::proves`] and [`crate::Approved::proves`].
    ///
    /// # Errors
    /// When it is for another action or another version of it.
    pub fn typed<A: GuardedAction + ?Sized>(self) -> Result<Grant<A>, ApprovalError> {
        Grant::of(self.request, self.id)
    }
}

impl<A: ?Sized> Grant<A> {
    /// Its nonce.
    #[must_use]
    pub const fn id(&self) -> GrantId {
        self.id
    }

    /// The request that was approved.
    #[must_use]
    pub fn request(&self) -> &Arc<Request> {
        &self.request
    }

    /// Who approved. Empty when a timeout rule did.
    #[must_use]
    pub fn approvers(&self) -> &[Principal] {
        self.request.decision.as_ref().map_or(&[], |decision| &decision.by)
    }

    /// What the approvers remarked, and who.
    pub fn notes(&self) -> impl Iterator<Item = (&Principal, &str)> {
        let approving = |vote: &&Vote| !vote.ballot.is_reject() && !vote.void;
        self.request
            .votes
            .iter()
            .filter(approving)
            .filter_map(|vote| Some((&vote.voter, vote.note.as_deref()?)))
    }

    /// Whether approvers changed the arguments.
    #[must_use]
    pub fn edited(&self) -> bool {
        self.request.revision.number > 1
    }
}

/// Whether an approval of `request` proves one of `A`.
///
/// # Errors
/// When it does not: it is for another action, or no person approved it.
pub(crate) fn proves<A: Provable + ?Sized>(request: &Request) -> Result<(), ApprovalError> {
    proves_action::<A>(&request.action)
        .and_then(|()| lifecycle::is_proof(request))
        .map_err(|refusal| ApprovalError::of_refusal(About::of(request), refusal))
}

/// Whether an approval of `action` proves one of `A`.
pub(crate) fn proves_action<A: Provable + ?Sized>(action: &ActionInfo) -> Result<(), Refusal> {
    A::ACTION.map_or(Ok(()), |(name, version)| lifecycle::is_of_action(action, name, version))
}
