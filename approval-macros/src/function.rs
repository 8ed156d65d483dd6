//! The function under the attribute: its signature is parsed, its body stays raw tokens.

pub(crate) mod boxed;
pub(crate) mod parameter;
pub(crate) mod returns;
pub(crate) mod shape;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::{ToTokens, TokenStreamExt};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Signature, Token, Visibility, braced, token};

/// A function of any kind, with or without a body.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Body,
}

/// What follows the signature.
pub(crate) enum Body {
    Block(Block),
    /// A semicolon: the function is only declared.
    Missing(Token![;]),
}

/// A body whose statements were not parsed, so that half-typed code keeps its own errors.
pub(crate) struct Block {
    pub(crate) brace: token::Brace,
    pub(crate) inner_attrs: Vec<Attribute>,
    pub(crate) tokens: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis: Visibility = input.parse()?;
        refuse_other_items(input)?;
        let sig: Signature = input.parse()?;
        let body = if input.peek(Token![;]) {
            Body::Missing(input.parse()?)
        } else {
            let content;
            let brace = braced!(content in input);
            Body::Block(Block {
                brace,
                inner_attrs: content.call(Attribute::parse_inner)?,
                tokens: content.parse()?,
            })
        };
        if !input.is_empty() {
            return Err(input.error("unexpected token after the function"));
        }
        Ok(Self { attrs, vis, sig, body })
    }
}

fn refuse_other_items(input: ParseStream<'_>) -> syn::Result<()> {
    let lookahead = input.lookahead1();
    let message = if lookahead.peek(Token![impl]) {
        "`guarded_action` goes on one function: put it on each method in this `impl` that people must approve"
    } else if lookahead.peek(Token![trait]) {
        "`guarded_action` goes on one function: put it on the methods of the implementations"
    } else if lookahead.peek(Token![struct])
        || lookahead.peek(Token![enum])
        || lookahead.peek(Token![union])
        || lookahead.peek(Token![mod])
        || lookahead.peek(Token![static])
        || lookahead.peek(Token![type])
        || lookahead.peek(Token![use])
        || (lookahead.peek(Token![const])
            && !input.peek2(Token![fn])
            && !input.peek2(Token![async])
            && !input.peek2(Token![unsafe]))
    {
        "`guarded_action` goes on a function: it guards the statements in its body"
    } else {
        return Ok(());
    };
    Err(input.error(message))
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(&self.attrs);
        self.vis.to_tokens(tokens);
        self.sig.to_tokens(tokens);
        match &self.body {
            Body::Missing(semicolon) => semicolon.to_tokens(tokens),
            Body::Block(block) => block.brace.surround(tokens, |tokens| {
                tokens.append_all(&block.inner_attrs);
                tokens.append_all(block.tokens.clone());
            }),
        }
    }
}
