//! In front of an action: asks the policy, opens a request, waits, spends the grant, runs the body, records how it ended.

mod allowed;
mod ambient;
mod authorize;
mod blocking;
pub(crate) mod macro_support;
mod refusable;
mod reject_options;
mod run;
mod running;
mod used;
mod watch;
mod window;

pub use ambient::{AsManager, HasApprovalManager, ambient, set_ambient};
pub use authorize::Authorization;
pub(crate) use authorize::Begun;
pub(crate) use blocking::block_on;
pub use refusable::Refusable;
pub use reject_options::RejectOptions;
pub use run::Guard;
pub use running::Running;

pub use crate::manager::Context;
