//! Opening a request.

use super::{Draft, Facts, Refusal, Transition};
use crate::clock::Timestamp;

/// Opens a request.
///
/// # Errors
/// Why it may not be opened.
pub fn create(draft: Draft, facts: &Facts<'_>, now: Timestamp) -> Result<Transition, Refusal> {
    drop((draft, facts, now));
    Err(Refusal::NothingToDo)
}
