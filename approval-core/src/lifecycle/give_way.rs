//! What may end without giving a place in the limits back, since others keep changing the same counters.

use super::{Act, CountedBy, counted_by};
use crate::model::Request;

/// Rounds that an act may lose to others that change the same counters, before it goes on without them.
const MOST_LOST: u32 = 4;
/// The same for what ends by itself.
const MOST_LOST_BY_TIME: u32 = 64;

/// Whether an act gives the place of a request in the limits back.
#[must_use]
pub(crate) fn gives_back(request: &Request, act: &Act) -> bool {
    counted_by(request, act) == CountedBy::Place
}

/// Whether an act goes on without the counters of limits, after it lost so many rounds to others that change them. What ends a
/// request does: a revocation must not lose its lead over the run, and a halt has others to end. The place stays taken
/// then, which keeps calls out and lets none in. What counts a call that is to run never does.
#[must_use]
pub(crate) fn ends_without_its_place(request: &Request, act: &Act, lost: u32) -> bool {
    // No one waits for an expiry.
    let most = if *act == Act::Tick { MOST_LOST_BY_TIME } else { MOST_LOST };
    lost >= most && gives_back(request, act)
}
