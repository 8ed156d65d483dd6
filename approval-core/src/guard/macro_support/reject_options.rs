//! For `#[derive(RejectOptions)]`.

use crate::model::RejectOption;

/// One reason to choose from.
#[must_use]
pub fn reject_option(name: &str, title: &str, description: &str) -> RejectOption {
    RejectOption { name: name.into(), title: title.into(), description: description.into() }
}
