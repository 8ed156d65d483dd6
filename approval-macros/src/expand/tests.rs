use proc_macro2::TokenStream;
use quote::quote;

use super::*;

/// The expansion as a formatted file; fails if it is no Rust.
fn expand(attribute: &str, item: TokenStream) -> String {
    let tokens = guarded_action(attribute.parse().unwrap(), item);
    prettyplease::unparse(&syn::parse2(tokens).unwrap())
}

#[test]
fn print() {
    println!(
        "{}",
        expand(
            "name=\"a.b\", editable(cents, args.x), risk = \"high\", approvers(\"user:a\")",
            quote!(
                async fn f(&self, mut cents: u8, args: A) -> Result<u8, E> {
                    let x = y?;
                    return Ok(3);
                }
            )
        )
    );
}
