//! Comma-separated lists that go on after a mistake.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{LitInt, LitStr, Token};

use super::Spanned;
use crate::error::Errors;

/// Reads items separated by commas; an item that fails is reported and skipped up to the next comma.
pub(crate) fn each_item(
    input: ParseStream<'_>,
    errors: &mut Errors,
    mut item: impl FnMut(ParseStream<'_>, &mut Errors) -> syn::Result<()>,
) {
    while !input.is_empty() {
        let before = errors.len();
        let result = item(input, errors);
        errors.ok(result);
        if input.is_empty() {
            return;
        }
        if !input.peek(Token![,]) && errors.len() == before {
            errors.push(input.error("a comma is missing before this"));
        }
        skip_to_comma(input);
    }
}

/// The tokens in the parentheses that come next, after `key`.
pub(crate) fn parenthesised(input: ParseStream<'_>, key: &Ident) -> syn::Result<TokenStream> {
    input.step(|cursor| match cursor.group(Delimiter::Parenthesis) {
        Some((inside, _, after)) => Ok((inside.token_stream(), after)),
        None => Err(syn::Error::new(key.span(), format!("`{key}` is a list in parentheses: `{key}(…)`"))),
    })
}

/// Like [`each_item`], over tokens taken out of parentheses.
pub(crate) fn each_item_in(
    tokens: TokenStream,
    errors: &mut Errors,
    item: impl FnMut(ParseStream<'_>, &mut Errors) -> syn::Result<()>,
) {
    let parser = |input: ParseStream<'_>| {
        each_item(input, errors, item);
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        errors.push(error);
    }
}

/// A string literal; anything else is an error that shows what to write.
pub(crate) fn string(input: ParseStream<'_>, example: &str) -> syn::Result<LitStr> {
    let span = input.span();
    input.parse().map_err(|_| syn::Error::new(span, format!("expected a string literal, such as {example}")))
}

/// A whole number from 1; `what` says what it counts.
pub(crate) fn positive(input: ParseStream<'_>, what: &str) -> syn::Result<Spanned<u32>> {
    let span: Span = input.span();
    let refuse = |span: Span| syn::Error::new(span, format!("expected {what}: a whole number from 1"));
    let number: LitInt = input.parse().map_err(|_| refuse(span))?;
    match number.base10_parse::<u32>() {
        Ok(value) if value > 0 && number.suffix().is_empty() => Ok(Spanned { value, span }),
        _ => Err(refuse(span)),
    }
}

/// Passes over everything up to and including the next comma of this level.
fn skip_to_comma(input: ParseStream<'_>) {
    while let Ok(token) = input.parse::<TokenTree>() {
        if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',') {
            return;
        }
    }
}
