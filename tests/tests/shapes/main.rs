//! `#[guarded_action]` on every shape of function: each is approved, rejected, and checked for what it recorded.

#![deny(warnings, clippy::pedantic)]
#![expect(clippy::needless_pass_by_value, reason = "`refuse_with` names a function that takes the error")]

mod agent_tools;
mod async_trait_methods;
mod attachments;
mod attributes;
mod edits;
mod free_functions;
mod generics;
mod grants;
mod hygiene;
mod kinds;
mod methods;
mod outcomes;
mod parameters;
mod previews;
mod returns;
mod secrets;
mod support;
mod sync_functions;
mod tracing_instrument;
mod trait_methods;
