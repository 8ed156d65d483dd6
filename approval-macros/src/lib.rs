//! The attribute and derive macros of `approval_core`; use them through that crate, where they are documented.

mod attr;
mod check;
mod error;
mod expand;
mod function;
mod reject_options;
mod suggest;

use proc_macro::TokenStream;

/// Guards a function.
#[proc_macro_attribute]
pub fn guarded_action(attr: TokenStream, item: TokenStream) -> TokenStream {
    expand::guarded_action(attr.into(), item.into()).into()
}

/// Offers the variants of an enum as reasons to reject.
#[proc_macro_derive(RejectOptions, attributes(reject))]
pub fn derive_reject_options(item: TokenStream) -> TokenStream {
    reject_options::derive(item.into()).into()
}
